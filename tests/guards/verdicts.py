"""Guards of what follows from a monitor's findings: faults, back-off, rollback, and what each version has shown."""

from __future__ import annotations

from tests.guards.mutant import Mutant

VERDICT, EVIDENCE = "include/monitoring/verdict.py", "include/monitoring/evidence.py"
BACKOFF, ATTEMPTS = "include/monitoring/backoff.py", "include/monitor_ops/attempts.py"
STORE, HISTORY = "include/models/evaluations.py", "include/platform/history.py"
WORD, WAIT = "tests/unit/monitoring/test_verdict.py::", "tests/unit/monitoring/test_backoff.py::"
TRIED, KEPT = "tests/services/monitor_ops/test_attempts.py::", "tests/services/models/test_evaluations.py::"
FAULT = f"{WORD}test_a_data_fault_never_retrains_nor_rolls_back_and_calls"
OTHER_WORD, NOT_RAISED = "AssertionError|assert", "DID NOT RAISE"

GUARDS = {
    "lists that bring far less": (
        Mutant(
            "the monitor looks at what was bought", "include/monitor_ops/dated.py",
            "        truth=seen.truth,\n", "",
            "tests/services/recommend_ops/test_life.py::"
            "test_lists_that_bring_far_less_while_purchases_are_as_before_are_a_change_of_the_relation", OTHER_WORD,
        ),
        Mutant(
            "the fall-back is not taken for a model", "include/recommend_ops/kept.py",
            '(verdicts["model_version"] > 0) & verdicts', "verdicts",
            "tests/unit/recommend_ops/test_kept.py::test_lists_of_the_fall_back_are_nobodys_quality", OTHER_WORD,
        ),
        Mutant(
            "what is not judged yet promises nothing", "include/recommend_ops/kept.py",
            " or by_day.index[-1] != last_day", "",
            "tests/unit/recommend_ops/test_kept.py::test_what_cannot_be_told_is_not[the newest is not judged]",
            OTHER_WORD,
        ),
    ),
    "a data fault": (
        Mutant(
            "wrong data is not learned from", VERDICT,
            "    if evidence.data_fault:\n", "    if False:\n",
            f"{FAULT}[policy0-stop-seen1-values]", OTHER_WORD,
        ),
        Mutant(
            "nor where people are only called", VERDICT,
            "    if evidence.data_fault:\n", '    if evidence.data_fault and policy.on_data_fault == "stop":\n',
            f"{FAULT}[policy1-watch-seen1-delivery]", OTHER_WORD,
        ),
        Mutant(
            "wrong data takes no champion back", VERDICT,
            "    if evidence.data_fault:\n", "    if evidence.data_fault and evidence.before is None:\n",
            f"{FAULT}[policy0-stop-seen3-delivery]", OTHER_WORD,
        ),
        Mutant(
            "both kinds of fault are faults", "include/monitoring/kinds.py",
            'frozenset({"delivery", "values"})', 'frozenset({"values"})',
            f"{FAULT}[policy0-stop-seen1-delivery]", OTHER_WORD,
        ),
        Mutant(
            "a window of wrong data confirms no drift", EVIDENCE,
            "        return sum(map(bool, self.windows))",
            "        return sum(each is not False for each in self.windows)",
            f"{WORD}test_a_window_of_wrong_data_confirms_nothing", OTHER_WORD,
        ),
    ),
    "a retrained model that is not better": (
        Mutant(
            "it is not promoted", "include/deployment/promotion.py",
            "    if evaluation.route is None:\n", "    if False:\n",
            "tests/services/deployment/test_promotion.py::test_candidate_without_a_way_is_not_promoted_whoever_overrides",
            OTHER_WORD,
        ),
        Mutant(
            "the next one waits", VERDICT,
            "    if waiting.waits(evidence.as_of):\n", "    if False:\n",
            f"{TRIED}test_a_model_that_was_not_better_makes_the_next_retraining_wait_until_one_is_promoted", OTHER_WORD,
        ),
        Mutant(
            "each makes the wait longer", BACKOFF,
            " * policy.wait_factor ** min(len(attempts) - 1, _MOST_STEPS)", "",
            f"{WAIT}test_the_wait_doubles_up_to_its_limit", OTHER_WORD,
        ),
        Mutant(
            "the wait has a limit", BACKOFF,
            "math.ceil(min(grown, policy.max_wait))", "math.ceil(grown)",
            f"{WAIT}test_the_wait_doubles_up_to_its_limit", OTHER_WORD,
        ),
        Mutant(
            "thousands of attempts are no number too large", BACKOFF,
            "min(len(attempts) - 1, _MOST_STEPS)", "(len(attempts) - 1)",
            f"{WAIT}test_it_says_when_it_has_grown_to_its_limit[5000-True]", "OverflowError",
        ),
        Mutant(
            "people are called when it waits longest", VERDICT,
            "{waiting.said}\", waiting.exhausted", "{waiting.said}\", False",
            f"{WORD}test_people_are_called_when_the_wait_has_grown_to_its_limit", OTHER_WORD,
        ),
        Mutant(
            "a promotion begins anew", ATTEMPTS,
            " if since is None or each >= since", "",
            f"{TRIED}test_a_model_that_was_not_better_makes_the_next_retraining_wait_until_one_is_promoted", OTHER_WORD,
        ),
        Mutant(
            "what the champion was trained for is tried already", ATTEMPTS,
            "each >= since", "each > since",
            f"{TRIED}test_a_model_that_was_not_better_makes_the_next_retraining_wait_until_one_is_promoted", OTHER_WORD,
        ),
        Mutant(
            "the training of a schedule is no attempt", ATTEMPTS,
            "each.pipeline_run in asked and ", "",
            f"{TRIED}test_a_scheduled_training_is_no_attempt", OTHER_WORD,
        ),
        Mutant(
            "a later day's training does not count yet", ATTEMPTS,
            " and each.as_of <= as_of", "",
            f"{TRIED}test_what_was_trained_as_of_a_later_day_does_not_count_yet", OTHER_WORD,
        ),
    ),
    "a champion that lost to the one before": (
        Mutant(
            "it is taken back before anything is trained", VERDICT,
            '    if evidence.before is not None and evidence.before.verdict == "worse":', "    if False:",
            f"{WORD}test_a_champion_that_lost_to_the_one_before_is_rolled_back_before_anything_is_trained", OTHER_WORD,
        ),
        Mutant(
            "not where it did not lose", VERDICT,
            ' and evidence.before.verdict == "worse":', ":",
            f"{WORD}test_a_champion_that_did_not_lose_stays[not significantly better]", OTHER_WORD,
        ),
        Mutant(
            "not where a person holds it", VERDICT,
            "    if evidence.held:\n", "    if False:\n",
            f"{WORD}test_a_version_that_a_person_holds_is_not_rolled_back", OTHER_WORD,
        ),
        Mutant(
            "it counts as a retraining that failed", ATTEMPTS,
            "if since is None or each >= since", "if not champion or each.version > max(v.version for v in versions)",
            f"{TRIED}test_a_champion_that_was_taken_back_is_an_attempt_that_failed", OTHER_WORD,
        ),
    ),
    "a promise that is not kept": (
        Mutant(
            "the whole interval must be beyond the margin", EVIDENCE,
            "self.seen.high < self.promised", "self.seen.value < self.promised",
            f"{WORD}test_a_promise_is_broken_where_the_whole_interval_is_beyond_the_margin[seen0-healthy]", OTHER_WORD,
        ),
        Mutant(
            "an error that grew is worse", EVIDENCE,
            "        if self.higher_is_better:\n", "        if True:\n",
            f"{WORD}test_a_promise_is_broken_where_the_whole_interval_is_beyond_the_margin[seen3-retrain]", OTHER_WORD,
        ),
        Mutant(
            "no number is no good one", EVIDENCE,
            "        if not all(map(math.isfinite", "        if False and not all(map(math.isfinite",
            f"{WORD}test_no_number_does_not_pass_for_a_good_one[nan]", NOT_RAISED,
        ),
        Mutant(
            "an estimate asks for nothing", VERDICT,
            "    if evidence.truth is not None and evidence.truth.broken(policy.margin):\n"
            '        said = f"worse than promised: {evidence.truth.said}',
            "    if (truth := evidence.truth or evidence.estimate) is not None and truth.broken(policy.margin):\n"
            '        said = f"worse than promised: {truth.said}',
            f"{WORD}test_an_estimate_without_truth_asks_for_nothing", OTHER_WORD,
        ),
    ),
    "a window of too few rows": (
        Mutant(
            "nothing seen is not healthy", VERDICT,
            "    if truth is None and (drift is None or not drift.judged):\n", "    if False:\n",
            f"{WORD}test_a_window_that_is_too_small_is_not_judged_unless_the_truth_speaks", OTHER_WORD,
        ),
    ),
    "what a version has shown": (
        Mutant(
            "an evaluation without its metric is refused", STORE,
            "    if primary is None or not math.isfinite(primary.value):\n", "    if False:\n",
            f"{KEPT}test_an_evaluation_without_its_primary_metric_is_refused[metrics1]", NOT_RAISED,
        ),
        Mutant(
            "a window has its days in order", STORE,
            "        if self.first_day > self.last_day:\n", "        if False:\n",
            f"{KEPT}test_a_window_that_ends_before_it_begins_is_refused", NOT_RAISED,
        ),
        Mutant(
            "the same evaluation is kept once", STORE,
            "pipeline_run=name)", "pipeline_run=f\"{name} {found.verdict}\")",
            f"{KEPT}test_what_is_recorded_again_replaces_what_was_there", "ValueError: too many values",
        ),
        Mutant(
            "an estimate is not the truth", STORE,
            "v{ref.version} {found.source} ", "v{ref.version} ",
            f"{KEPT}test_sources_windows_and_versions_are_told_apart", OTHER_WORD,
        ),
        Mutant(
            "a key that does not exist is named", STORE,
            "    if key is not None and key not in spec.keys:\n", "    if False:\n",
            f"{KEPT}test_of_many_models_one_is_found_by_its_key", NOT_RAISED,
        ),
        Mutant(
            "nothing known is a sentence", HISTORY,
            "    if lines.empty:\n", "    if False:\n",
            "tests/services/platform/test_history.py::test_nothing_evaluated_is_a_sentence", OTHER_WORD,
        ),
    ),
}  # fmt: skip
