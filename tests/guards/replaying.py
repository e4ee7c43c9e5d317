"""Guards of a replay: what cannot be replayed is refused before anything is started, or named."""

from __future__ import annotations

from tests.guards.mutant import Mutant

GUARDS = {
    "a replay that cannot be": (
        Mutant(
            "a source without scenarios is named", "include/data/sources.py",
            "    if spec.source.scenarios is None:", "    if False:",
            "tests/unit/data/test_scenarios.py::test_a_source_without_scenarios_is_named", "AttributeError",
        ),
        Mutant(
            "a scenario begins on its day", "include/data/sources.py",
            "    if now.scenario == CALM or day < now.scenario_from:", "    if now.scenario == CALM:",
            "tests/unit/data/test_scenarios.py::test_a_scenario_begins_on_its_day_and_not_before", "AssertionError",
        ),
        Mutant(
            "more weeks than leave a history are refused", "include/platform/scenarios.py",
            "    if history < (fewest := spec.label_delay_days + spec.fresh_days + length):",
            "    if (fewest := history) < -(10**6):",
            "tests/unit/platform/test_scenarios.py::test_more_weeks_than_leave_a_history_are_refused", "DID NOT RAISE",
        ),
        Mutant(
            "scenarios begin in weeks that are calm", "include/platform/scenarios.py",
            "spec.source.calm_from or recording_of(spec)", "recording_of(spec)",
            "tests/unit/platform/test_scenarios.py::test_a_recording_under_its_own_dates_is_replayed_by_day[load_forecast]",
            "AssertionError",
        ),
        Mutant(
            "a day that the monitor has not come to is not called silent", "include/monitor_ops/expectations.py",
            "if not each.verdict and each.last_day <= timeline.judged_until]", "if not each.verdict]",
            "tests/unit/monitor_ops/test_expectations.py::"
            "test_a_window_that_the_monitor_has_not_come_to_needs_no_verdict[1-True]", "assert",
        ),
    ),
    "a meter that is stuck": (
        Mutant(
            "no model is trained on one reading", "include/forecast_ops/watch.py",
            "    if stuck.any():", "    if False:",
            "tests/services/forecast_ops/test_bad_input.py::test_a_meter_that_is_stuck_is_watched_and_not_trained_on",
            "assert",
        ),
        Mutant(
            "nor on forecasts that were made from it", "include/forecast_ops/watch.py",
            "    if stuck.any():", "    if stuck.iloc[-1]:",
            "tests/services/forecast_ops/test_bad_input.py::test_a_meter_that_is_stuck_is_watched_and_not_trained_on",
            "assert",
        ),
        Mutant(
            "a total with a stuck part is wrong, too", "include/forecast_ops/watch.py",
            "    stuck[spec.total] = stuck.any(axis=1)\n", "",
            "tests/services/forecast_ops/test_bad_input.py::test_a_meter_that_is_stuck_is_watched_and_not_trained_on",
            "assert",
        ),
    ),
    "a series that is trained and not promoted": (
        Mutant(
            "the watch waits before it asks again", "include/forecast_ops/watch.py",
            'if verdict == "retrain" and waiting.waits(as_of):', "if False:",
            "tests/services/forecast_ops/test_life.py::test_a_training_that_nobody_promoted_makes_the_watch_wait",
            "assert",
        ),
    ),
}  # fmt: skip
