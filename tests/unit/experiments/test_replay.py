"""A replay gives the same clicks again, rewards foresight by the click model's rates, and is read as a real one."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from include.deployment.assignment import variant_of
from include.errors import ExperimentError
from include.experiments.click_model import ClickModel, outcomes
from include.experiments.plan import Assumptions, plan
from include.experiments.replay import ReplayDay, frame, replay

FIRST = dt.date(2017, 11, 1)
MODEL = ClickModel()
WHERE = {"salt": "november", "use_case": "recommender", "key": "default"}
HOUSEHOLDS = [str(n) for n in range(1500)]
PLANNED = plan(Assumptions(baseline=0.06, days=10, correlation=0.1), effect=0.04)


def days(*, foresight, count=10):
    """Return days on which the challenger's lists hold what is bought with another chance than the champion's."""
    rng = np.random.default_rng(4)
    truth = {household: {"a", "b"} for household in HOUSEHOLDS}
    knows = {variant: dict(zip(HOUSEHOLDS, rng.random(len(HOUSEHOLDS)) < p, strict=True)) for variant, p in foresight}
    lists = {
        variant: {household: ["x", "a" if known else "y", "z"] for household, known in of.items()}
        for variant, of in knows.items()
    }
    return [ReplayDay(FIRST + dt.timedelta(n), lists, truth) for n in range(count)]


EQUAL = (("champion", 0.2), ("challenger", 0.2))
BETTER = (("champion", 0.2), ("challenger", 0.7))


def test_clicks_come_at_the_model_s_rates():
    lists = {str(n): ["bought", "not", "late"] for n in range(20_000)}
    truth = {household: {"bought", "late"} for household in lists}
    found = outcomes(ClickModel(wanted=0.6, other=0.1), lists, truth, day=FIRST, experiment="e")
    rates = {item: np.mean([item in each.clicked for each in found]) for item in ("bought", "not", "late")}
    assert rates == pytest.approx({"bought": 0.6, "not": 0.1 / 2, "late": 0.6 / 3}, abs=0.012)


def test_a_household_that_does_not_look_clicks_on_nothing():
    lists = {str(n): ["bought"] for n in range(10_000)}
    truth = {household: {"bought"} for household in lists}
    found = outcomes(ClickModel(wanted=1.0, looks=0.3), lists, truth, day=FIRST, experiment="e")
    assert np.mean([each.converted for each in found]) == pytest.approx(0.3, abs=0.015)
    assert all(each.converted == (each.shown == 1) for each in found)


def test_draws_belong_to_experiment_household_day_and_item():
    lists, truth = {str(n): ["a", "b"] for n in range(300)}, {str(n): {"a", "b"} for n in range(300)}

    def clicks(day=FIRST, experiment="e", of=lists):
        return [each.clicked for each in outcomes(MODEL, of, truth, day=day, experiment=experiment)]

    assert clicks() == clicks()
    assert clicks() != clicks(day=FIRST + dt.timedelta(1))
    assert clicks() != clicks(experiment="f")
    some = dict(list(lists.items())[::2])
    assert clicks(of=some) == clicks()[::2]


def test_rates_that_cannot_be_are_refused():
    with pytest.raises(ValidationError, match="wanted"):
        ClickModel(wanted=1.2)


def test_a_replay_is_the_same_again_and_finds_what_is_there():
    found = replay(days(foresight=BETTER), PLANNED, model=MODEL, **WHERE)
    again = replay(days(foresight=BETTER), PLANNED, model=MODEL, **WHERE)
    assert found.decided.decision == "better"
    assert found.read_outs == again.read_outs
    pd.testing.assert_frame_equal(found.events, again.events)
    assert len(found.read_outs) == 10
    assert found.read_outs[0].decision == "continue"


def test_equal_lists_differ_not():
    assert replay(days(foresight=EQUAL), PLANNED, model=MODEL, **WHERE).decided.decision == "no difference"


def test_households_are_assigned_as_in_production():
    events = replay(days(foresight=EQUAL, count=2), PLANNED, model=MODEL, **WHERE).events
    assert len(events) == 2 * len(HOUSEHOLDS)
    for row in events.head(200).itertuples():
        assert row.variant == variant_of(row.unit, weight=0.5, **WHERE)


def test_looks_become_rows_to_plot():
    found = replay(days(foresight=BETTER), PLANNED, model=MODEL, **WHERE)
    rows = frame(found.read_outs)
    assert list(rows["day"]) == [look.day for look in found.decided.looks]
    assert rows["decision"].tolist()[-1] == "better"
    assert set(rows["decision"].tolist()[:-1]) == {"continue"}
    last = rows.iloc[-1]
    assert last["low"] > 0
    assert last["low"] < last["difference"] < last["high"]
    assert rows["critical"].isna().iloc[0]


def test_a_day_with_other_households_is_refused():
    changed = days(foresight=EQUAL)
    fewer = dict(list(changed[3].lists["challenger"].items())[1:])
    changed[3] = ReplayDay(changed[3].day, {**changed[3].lists, "challenger": fewer}, changed[3].truth)
    with pytest.raises(ExperimentError, match="1500 and 1499 on 2017-11-04"):
        replay(changed, PLANNED, model=MODEL, **WHERE)


def test_a_missing_day_is_refused():
    with pytest.raises(ExperimentError, match="every day from 2017-11-01"):
        replay([day for n, day in enumerate(days(foresight=EQUAL)) if n != 4], PLANNED, model=MODEL, **WHERE)
    with pytest.raises(ExperimentError, match="at least one day"):
        replay([], PLANNED, model=MODEL, **WHERE)
