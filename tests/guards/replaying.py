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
    ),
}  # fmt: skip
