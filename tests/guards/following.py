"""Guards of the scoring service's supervisor: what is not the journal's is not served, and nothing is left behind."""

from __future__ import annotations

from tests.guards.mutant import Mutant

CACHE, FOLLOWER, KEYS = "include/serving/cache.py", "include/serving/follower.py", "include/serving/keys.py"
WORKERS, SUPERVISOR = "include/serving/workers.py", "include/serving/supervisor.py"
HERE = "tests/services/serving/"
FOLLOWED, SIGNED, WORKED = f"{HERE}test_supervisor.py::", f"{HERE}test_keys.py::", f"{HERE}test_workers.py::"
HARMED = f"{FOLLOWED}test_a_model_that_is_not_the_journals_is_not_taken_over_but_the_off_switch_is"
NOT_YET = "not within"

GUARDS = {
    "a model file missing, truncated, swapped": (
        Mutant(
            "what comes has the journal's digest", CACHE,
            "            if (seen := digest_of_folder(came)) != ref.digest:", "            if seen := None:",
            f"{HARMED}[swapped]", NOT_YET,
        ),
        Mutant(
            "what is here is looked at again when it was touched", CACHE,
            "        if self._checked.get(digest) != stamp:", "        if digest not in self._checked:",
            f"{FOLLOWED}test_a_local_file_that_was_touched_is_brought_again[truncated]", NOT_YET,
        ),
    ),
    "a state that cannot be taken over whole": (
        Mutant(
            "the off switch waits for no model", FOLLOWER,
            "        if not state.switch_on:\n", "        if False:\n",
            f"{HARMED}[missing]", NOT_YET,
        ),
        Mutant(
            "a journal is not shorter than what was served of it", FOLLOWER,
            "        if len(entries) < served:\n", "        if False:\n",
            f"{FOLLOWED}test_entries_that_were_cut_off_do_not_bring_the_state_before_back", NOT_YET,
        ),
        Mutant(
            "a journal descends from its anchor", FOLLOWER,
            "        descends([entry.hash for entry in entries], anchor.link)\n", "",
            f"{FOLLOWED}test_entries_that_were_cut_off_do_not_bring_the_state_before_back", NOT_YET,
        ),
    ),
    "an access key that nobody may make": (
        Mutant(
            "a key is signed", KEYS,
            "Issued.model_validate(opened(body, domain=DOMAIN))", "Issued.model_validate_json(body)",
            f"{SIGNED}test_what_was_not_signed_as_a_key_is_refused_and_named_and_the_others_stay", "assert",
        ),
        Mutant(
            "a key is this tenant's, under its own name", KEYS,
            '                _same(path, key.tenant, f"{key.id}{_DOCUMENT}")\n', "",
            f"{SIGNED}test_a_key_of_another_tenant_opens_nothing_here", "assert",
        ),
        Mutant(
            "a revocation that was seen stays", KEYS,
            "return Found(keys, dict(self._revoked), problems)",
            "return Found(keys, {i: r for i, r in self._revoked.items() if f'{_folder()}{i}{_REVOKED}' in present}, "
            "problems)",
            f"{SIGNED}test_a_revoked_key_is_gone_for_good_and_twice_is_no_error", "brought a revoked key back",
        ),
    ),
    "processes that die": (
        Mutant(
            "old workers stay until the new ones listen", WORKERS,
            "if self._before and (self._kill_at or self._all_listen()):", "if self._before:",
            f"{WORKED}test_old_workers_stay_as_long_as_the_new_ones_do_not_listen", "refused|reset",
        ),
        Mutant(
            "a home has one supervisor", SUPERVISOR,
            "            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "            pass\n",
            f"{WORKED}test_a_second_supervisor_of_the_same_home_is_refused", "TimeoutExpired",
        ),
        Mutant(
            "workers are not told the secrets", WORKERS,
            "if name not in _SECRETS}", "}",
            f"{HERE}test_service.py::test_nothing_of_a_secret_is_in_a_workers_environment", "assert",
        ),
    ),
}  # fmt: skip
