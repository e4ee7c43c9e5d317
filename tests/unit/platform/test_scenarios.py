"""What a replay of a scenario lands, and when it changes: planned before anything is started."""

from __future__ import annotations

import datetime as dt

import pytest

from include.data.replay import recorded_day
from include.errors import PermanentError
from include.platform.components import service_env
from include.platform.scenarios import planned
from include.platform.state import State
from include.settings import settings
from include.use_cases.credit_risk import SPEC as CREDIT
from include.use_cases.load_forecast import SPEC as LOAD
from include.use_cases.recommender import SPEC as SHOP

WEEK, ONE = dt.timedelta(days=7), dt.timedelta(days=1)


def test_the_weeks_behind_a_history_are_those_up_to_the_recordings_end(monkeypatch, tmp_path):
    plan = planned(CREDIT, "drift")
    state = State(replay_start=plan.replay_start, secrets=dict.fromkeys(("s3_access", "s3_secret", "journal"), "none"),
                  passwords={})  # fmt: skip
    for name, value in service_env(state, tmp_path).items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    assert recorded_day(CREDIT, plan.history[0], days=180) == 0
    assert recorded_day(CREDIT, plan.steps[-1][1], days=180) == 179
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.parametrize("weeks", [None, 8, 1])
def test_windows_follow_the_history_without_a_gap(weeks):
    plan = planned(CREDIT, "drift", weeks=weeks)
    assert len(plan.steps) == (weeks or 10)
    assert plan.steps[0][0] == plan.history[1] + ONE
    assert {(last - first).days for first, last in plan.steps} == {6}
    assert all(after[0] == before[1] + ONE for before, after in zip(plan.steps, plan.steps[1:], strict=False))
    assert plan.changed_from in [first for first, _ in plan.steps]


def test_truth_of_the_change_is_known_before_the_replay_ends():
    plan = planned(CREDIT, "concept-change")
    known = plan.changed_from + CREDIT.label_delay_days * ONE
    assert plan.steps[-1][1] >= known + 3 * WEEK


@pytest.mark.parametrize("spec", [LOAD, SHOP], ids=lambda spec: spec.name)
def test_a_recording_under_its_own_dates_is_replayed_by_day(spec):
    plan = planned(spec, "drift", weeks=8)
    start = spec.source.calm_from or spec.source.recorded_from
    assert plan.history == (start - spec.source.history_days * ONE, start - ONE)
    assert plan.steps[0] == (start, start)
    assert plan.changed_from == start + WEEK
    days = {first for first, _ in plan.steps}
    assert days == {start + number * ONE for number in range(56)} - set(spec.closed)


def test_more_weeks_than_leave_a_history_are_refused():
    with pytest.raises(PermanentError, match="leaves 67 days of history before 17 windows of 7 days, but saw 180"):
        planned(CREDIT, "drift", weeks=17)
