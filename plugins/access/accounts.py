"""Make or renew the roles and the accounts of a deployment: `python -m plugins.access.accounts`.

Passwords come from the environment, so a changed variable is a changed password. Can be run again at any time: a role
is put back to what `plugins.access.roles` says, an account to its role and password. An account that was switched off
stays off, and accounts and roles that people have made are left alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

from include.errors import FlightdeckError, PermanentError
from include.platform.cluster import PASSWORDS
from plugins.access.roles import ROLE_OF, ROLES, Role


def main() -> int:
    """Make or renew all; return the exit code."""
    try:
        print("\n".join(renew(passwords(os.environ))))
    except FlightdeckError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """Return each account's password.

    Raises:
        PermanentError: a variable is missing or empty.
    """
    if missing := [variable for variable in PASSWORDS.values() if not environment.get(variable)]:
        raise PermanentError(
            expected="a password for every account in the environment",
            seen=f"no value for {', '.join(missing)}",
            where="accounts",
            next_step="make a .env as .env.example says",
        )
    return {name: environment[variable] for name, variable in PASSWORDS.items()}


def renew(given: Mapping[str, str]) -> list[str]:
    """Bring roles and accounts to what they ought to be; return a line on each."""
    # Airflow reads its configuration when it is imported, and what is wrong before should not cost these seconds.
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    from airflow.utils.providers_configuration_loader import providers_configuration_loaded

    @providers_configuration_loaded
    def work() -> list[str]:
        with get_application_builder() as builder:
            builder.add_permissions(update_perms=True)
            builder.sm.sync_roles()
            said = [_role(builder.sm, role) for role in ROLES]
            return said + [_account(builder.sm, name, password) for name, password in given.items()]

    return list(work())


def _role(manager: Any, role: Role) -> str:
    found = manager.add_role(role.name)
    changed = role.pairs ^ {(each.action.name, each.resource.name) for each in found.permissions}
    if changed:
        found.permissions = [manager.create_permission(*pair) for pair in sorted(role.pairs)]  # makes what is not there
        manager.session.commit()
    return f"role {role.name}: {f'{len(changed)} permissions changed' if changed else 'as it was'}"


def _account(manager: Any, name: str, password: str) -> str:
    from werkzeug.security import check_password_hash

    role, user = manager.find_role(ROLE_OF[name]), manager.find_user(username=name)
    if user is None:
        # FAB wants an address of everybody; under this domain nobody can ever have one.
        manager.add_user(name, name, "", f"{name}@flightdeck.invalid", role, password)
        return f"account {name}: made"
    did = []
    if [each.name for each in user.roles] != [role.name]:
        user.roles = [role]
        manager.update_user(user)
        did.append("role renewed")
    if not check_password_hash(user.password or "", password):
        manager.reset_password(user.id, password)
        did.append("password changed, its sessions ended")
    if not user.is_active:
        did.append("stays switched off")
    return f"account {name}: {', '.join(did) or 'as it was'}"


if __name__ == "__main__":
    sys.exit(main())
