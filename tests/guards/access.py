"""Guards around people under FAB: who answers is known by name, and by nothing that looks like one."""

from __future__ import annotations

from tests.guards.mutant import Mutant

MANAGER, ACCOUNTS = "plugins/access/manager.py", "plugins/access/accounts.py"
PEOPLE = "tests/unit/access/test_manager.py::"

GUARDS = {
    "an answer of somebody else": (
        Mutant(
            "a number is no name", MANAGER,
            "not user.is_anonymous and user.username in assigned_users", "user.get_id() in assigned_users",
            f"{PEOPLE}test_a_number_is_nobodys_name", "assert not True",
        ),
        Mutant(
            "an address is no name", MANAGER,
            "user.username in assigned_users", "user.get_name() in assigned_users",
            f"{PEOPLE}test_an_address_is_nobodys_name", "assert not True",
        ),
        Mutant(
            "to see a request is not to answer it", MANAGER,
            "        return may and super()", "        return super()",
            f"{PEOPLE}test_who_answers_sees_the_dag_and_may_answer[pairs1-False]", "assert True is False",
        ),
        Mutant(
            "to answer is not to edit", MANAGER,
            '        if access_entity is DagAccessEntity.HITL_DETAIL and method == "PUT":',
            '        if method == "PUT":',
            f"{PEOPLE}test_to_answer_is_not_to_edit[None]", "assert not True",
        ),
    ),
    "an account without a password": (
        Mutant(
            "an empty variable is none", ACCOUNTS,
            "if not environment.get(variable)]", "if variable not in environment]",
            "tests/unit/access/test_accounts.py::test_a_missing_or_empty_password_is_named[]", "DID NOT RAISE",
        ),
    ),
}  # fmt: skip
