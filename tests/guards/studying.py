"""Guards of the study of how often to retrain: too short a history, a missing model, days out of reach, hindsight."""

from __future__ import annotations

from tests.guards.mutant import Mutant

CADENCE, WORTH, STUDY = "include/monitoring/cadence.py", "include/monitoring/worth.py", "include/monitor_ops/study.py"
UNIT = "tests/unit/monitoring/test_cadence.py::"
IMPOSSIBLE = f"{UNIT}test_a_study_that_cannot_be_made_says_why"
STUDIED = "tests/services/monitor_ops/test_study.py::"
UNSTOPPED = "DID NOT RAISE"

GUARDS = {
    "a study that cannot be made": (
        Mutant(
            "a history of too few windows is refused", CADENCE,
            "    if count < FEWEST_WINDOWS:", "    if False:",
            f"{IMPOSSIBLE}[too few windows]", UNSTOPPED,
        ),
        Mutant(
            "a window without a model is named", CADENCE,
            "    if missing := sorted(set(range(count)) - set(models)):", "    if missing := []:",
            f"{IMPOSSIBLE}[a model is missing]", "KeyError",
        ),
        Mutant(
            "a cadence of no window is refused", CADENCE,
            "    if not every or min(every) < 1:", "    if not every:",
            f"{IMPOSSIBLE}[cadence of no window]", "ZeroDivisionError",
        ),
        Mutant(
            "days before anything could be learned are refused", STUDY,
            "    if first < reach.first or last < first:", "    if last < first:",
            f"{STUDIED}test_days_that_cannot_be_fitted_and_judged_are_named[recommender]", UNSTOPPED,
        ),
    ),
    "a study whose windows cannot all be judged": (
        Mutant(
            "a window that one cadence cannot be judged in counts for none", WORTH,
            "np.flatnonzero(np.isfinite(every).all(axis=0))", "np.arange(every.shape[1])",
            f"{UNIT}test_windows_that_cannot_be_judged_are_left_out_for_all", "MissingMetricError",
        ),
        Mutant(
            "an answer from too few windows is refused", WORTH,
            "    if len(judged) < FEWEST_WINDOWS:", "    if False:",
            f"{UNIT}test_windows_of_which_too_few_can_be_judged_are_named", UNSTOPPED,
        ),
    ),
    "a study that looks ahead": (
        Mutant(
            "a model learns nothing whose truth was not known", "include/monitor_ops/study_credit.py",
            "<= self._spec.matured_until(window.first - ONE)]", "<= window.first - ONE]",
            f"{STUDIED}test_a_model_learns_nothing_of_its_window_nor_of_truth_that_was_not_known[classifier]", "assert",
        ),
        Mutant(
            "a trigger sees the windows that have ended, and no more", CADENCE,
            "for at in range(now, window + 1)]", "for at in range(now, count)]",
            f"{UNIT}test_a_trigger_sees_the_model_in_use_and_nothing_later", "assert",
        ),
    ),
}  # fmt: skip
