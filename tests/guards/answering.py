"""Guards of the scoring service's workers: who may ask, what is refused, what is never answered."""

from __future__ import annotations

from tests.guards.mutant import Mutant

ACCESS, GUARD, SERVICE = "include/serving/access.py", "include/serving/guards.py", "include/serving/service.py"
MODELS, STATE, DEADLINE = "include/serving/models.py", "include/serving/state.py", "include/serving/deadline.py"
CONTRACT, RECOMMEND = "include/serving/contract.py", "include/serving/recommend.py"
TESTS = "tests/unit/serving/worker"
REFUSALS, FALLBACKS = f"{TESTS}/test_refusals.py::", f"{TESTS}/test_fallbacks.py::"
PROCESSES, LISTS = "tests/services/serving/worker/test_processes.py::", f"{TESTS}/test_recommendations.py::"
OPENED = f"{REFUSALS}test_only_a_valid_key_opens_and_only_its_use_cases"
ASSERTED = "assert|AssertionError"

GUARDS = {
    "missing key, key of another use case, ten times the rate": (
        Mutant(
            "the whole key is compared", ACCESS, "or key is None or not same:", "or key is None:",
            f"{OPENED}[Bearer fd_abc123_wrong-401]", ASSERTED,
        ),
        Mutant(
            "a key opens its own use cases", ACCESS, "if use_case not in key.scopes:", "if False:",
            f"{OPENED}[Bearer fd_def456_another-secret-403]", ASSERTED,
        ),
        Mutant(
            "a key ends at its date", ACCESS, "and now >= key.expires_at:", "and False:",
            f"{REFUSALS}test_a_key_ends_at_its_date", ASSERTED,
        ),
        Mutant(
            "a key has a rate", ACCESS, "if wait := self._bucket(key).take(self._clock()):", "if wait := 0.0:",
            f"{REFUSALS}test_ten_times_the_rate_is_let_through_once", ASSERTED,
        ),
    ),
    "10 MB body, wrong types, NaN": (
        Mutant(
            "a body that says its length is refused before it comes", GUARD,
            "    if length.isdecimal() and int(length) > most:\n        raise _too_large(most)\n", "",
            f"{REFUSALS}test_a_body_is_refused_by_the_length_that_it_says", "TimeoutError|timed out",
        ),
        Mutant(
            "a body in pieces is refused when it is too large", GUARD,
            "        if size > most:\n            raise _too_large(most)\n", "",
            f"{REFUSALS}test_ten_megabytes_are_refused[in pieces]", ASSERTED,
        ),
        Mutant(
            "numbers are finite, and texts are none", CONTRACT, "strict=True, allow_inf_nan=False,", "",
            f"{REFUSALS}test_a_body_that_is_not_as_the_schema_says_is_refused_by_field[NaN]", ASSERTED,
        ),
        Mutant(
            "no error of ours is told to a client", GUARD,
            "                await _failed().response(scope[\"request_id\"])(scope, receive, sending)\n",
            "                raise\n",
            f"{REFUSALS}test_an_error_of_our_own_is_told_without_its_trace", "JSONDecodeError|assert",
        ),
    ),
    "model file missing, truncated, swapped": (
        Mutant(
            "a model is what the journal names", MODELS,
            "if (seen := digest_of_folder(folder)) != ref.digest:", "if not (seen := digest_of_folder(folder)):",
            f"{FALLBACKS}test_files_that_are_not_the_journals_answer_nothing[_swapped]", ASSERTED,
        ),
        Mutant(
            "what failed to load is tried again", STATE, "self._failed |= bool(failed)", "pass",
            f"{FALLBACKS}test_files_that_are_not_the_journals_answer_nothing[_missing]", "not within",
        ),
        Mutant(
            "a view that cannot be read leaves the one before", STATE, "            view = before.view\n",
            "            view = None\n",
            f"{FALLBACKS}test_a_view_that_cannot_be_read_leaves_the_one_before", "KeyError|assert",
        ),
    ),
    "a late or insane answer, more than can be done": (
        Mutant(
            "a slow model is not waited for", DEADLINE, "asyncio.wait([running], timeout=left)",
            "asyncio.wait([running])", f"{FALLBACKS}test_what_comes_late_is_not_waited_for", ASSERTED,
        ),
        Mutant(
            "what came late is not given", DEADLINE,
            "        if time.monotonic() > until:\n            raise LateError\n        return answer",
            "        return answer",
            f"{FALLBACKS}test_a_model_that_becomes_slow_is_late_once_and_then_out_of_the_way", ASSERTED,
        ),
        Mutant(
            "an insane answer is not given", SERVICE, "            if wrong:\n", "            if False:\n",
            f"{FALLBACKS}test_an_insane_answer_is_not_given[1.5]", ASSERTED,
        ),
        Mutant(
            "more than can be done is refused", GUARD,
            "if counted and self._service.in_flight >= self._service.limits.in_flight:", "if False:",
            f"{PROCESSES}test_more_than_can_be_done_is_refused_at_once", ASSERTED,
        ),
        Mutant(
            "no answer without its record", SERVICE, "                    await each\n", "                    pass\n",
            f"{PROCESSES}test_a_full_disk_under_the_log_refuses_and_heals", ASSERTED,
        ),
    ),
    "a rule's end date": (
        Mutant(
            "rules hold on their days", RECOMMEND, "ItemLists(rules=live.said.rules).on(day)",
            "ItemLists(rules=live.said.rules)", f"{LISTS}test_rules_hold_on_their_days", ASSERTED,
        ),
    ),
}  # fmt: skip
