"""What a day's read-out says, of recorded days, again and again."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.errors import ExperimentError
from include.experiments.observations import Observations, effects, observe
from include.experiments.plan import Assumptions, plan
from include.experiments.sequential import ReadOut, read_out

FIRST = dt.date(2017, 11, 1)
DAYS = 14
PLANNED = plan(Assumptions(baseline=0.1, days=DAYS, correlation=0.1), effect=0.03)


def observed(*, effect=0.0, units=2000, days=DAYS, seed=2, uneven=False, share=0.5):
    rng = np.random.default_rng(seed)
    treated = rng.permutation(units) < share * units
    rates = rng.beta(0.9, 8.1, units) * np.where(treated, 1 + effect / 0.1, 1)
    outcomes = (rng.random((units, days)) < np.minimum(rates, 1)[:, None]).astype(float)
    exposures = np.ones((units, days))
    if uneven:
        exposures = (rng.random((units, days)) < rng.uniform(0.1, 1, (units, 1))).astype(float)
        outcomes *= exposures
    named = tuple(f"h{n:05d}" for n in range(units))
    return Observations(tuple(FIRST + dt.timedelta(n) for n in range(days)), named, treated, outcomes, exposures)


def test_a_real_improvement_is_found_before_the_end():
    found = read_out(observed(effect=0.05), PLANNED)
    assert found.decision == "better"
    assert found.look < DAYS
    assert found.difference.low > 0
    assert found.difference.low < 0.05 < found.difference.high
    assert found.sound


def test_harm_is_worse():
    assert read_out(observed(effect=-0.05), PLANNED).decision == "worse"


def test_equal_variants_go_on_to_the_end_and_differ_not():
    same = observed()
    assert read_out(same.until(FIRST + dt.timedelta(5)), PLANNED).decision == "continue"
    assert read_out(same, PLANNED).decision == "no difference"


def test_the_first_days_say_nothing():
    first = read_out(observed(effect=0.05).until(FIRST), PLANNED)
    assert (first.decision, first.look, first.of_looks) == ("continue", 1, DAYS)
    assert first.difference is None
    assert first.looks[0].critical is None


def test_days_that_come_later_do_not_change_what_was_read():
    everything = observed(effect=0.02)
    final = read_out(everything, PLANNED)
    for day in everything.days[: final.look]:
        early = read_out(everything.until(day), PLANNED)
        for now, then in zip(early.looks, final.looks, strict=False):
            assert now.day == then.day
            assert now.z == pytest.approx(then.z)
            assert (now.critical or 0) == pytest.approx(then.critical or 0, rel=1e-6)


def test_what_comes_after_the_stop_is_not_looked_at():
    everything = observed(effect=0.05)
    stopped = read_out(everything, PLANNED)
    reversed_later = everything.outcomes.copy()
    reversed_later[:, stopped.look :] = ~everything.treated[:, None]
    again = Observations(everything.days, everything.units, everything.treated, reversed_later, everything.exposures)
    assert read_out(again, PLANNED) == stopped


def test_a_read_out_survives_storage():
    found = read_out(observed(effect=0.05), PLANNED)
    assert ReadOut.model_validate_json(found.model_dump_json()) == found


def test_interval_is_the_boundary_times_the_error():
    everything = observed()
    last = read_out(everything, PLANNED).looks[-1]
    sums = everything.outcomes.mean(axis=1)
    parts = [sums[arm] for arm in (~everything.treated, everything.treated)]
    error = np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts))
    assert last.difference.value == pytest.approx(parts[1].mean() - parts[0].mean())
    assert last.difference.high - last.difference.low == pytest.approx(2 * last.critical * error)


def test_a_ratio_has_the_variance_of_its_bootstrap():
    everything = observed(uneven=True, days=5)
    found = effects(everything.outcomes, everything.exposures, everything.treated)
    rng, ratios = np.random.default_rng(5), []
    y, n = everything.outcomes.sum(axis=1), everything.exposures.sum(axis=1)
    for _ in range(2000):
        arms = [rng.choice(np.flatnonzero(arm), arm.sum()) for arm in (~everything.treated, everything.treated)]
        ratios.append(y[arms[1]].sum() / n[arms[1]].sum() - y[arms[0]].sum() / n[arms[0]].sum())
    assert found.error[-1] == pytest.approx(np.std(ratios), rel=0.06)


def test_what_was_before_narrows_and_does_not_shift():
    rng = np.random.default_rng(9)
    differences, plain, adjusted = [], [], []
    for _ in range(300):
        habit = rng.normal(0, 1, 400)
        outcomes = habit[:, None] + rng.normal(0, 1, (400, 7))
        treated = rng.permutation(400) < 200
        outcomes[treated] += 0.2
        found = effects(outcomes, np.ones((1, 7)), treated, habit + rng.normal(0, 0.4, 400))
        differences.append(found.difference[-1])
        adjusted.append(found.error[-1])
        plain.append(effects(outcomes, np.ones((1, 7)), treated).error[-1])
    assert np.mean(adjusted) < 0.6 * np.mean(plain)
    assert np.std(differences) == pytest.approx(np.mean(adjusted), rel=0.1)
    assert np.mean(differences) == pytest.approx(0.2, abs=4 * np.std(differences) / np.sqrt(300))


def test_a_broken_split_is_seen():
    assert not read_out(observed(share=0.42), PLANNED).sound


def test_more_days_than_planned_are_refused():
    with pytest.raises(ExperimentError, match="14 planned days"):
        read_out(observed(days=DAYS + 1), PLANNED)


def test_events_become_observations():
    day = dt.timedelta(1)
    frame = pd.DataFrame(
        {"unit": ["b", "b", "a", "b"], "day": [FIRST, FIRST, FIRST + day, FIRST + 9 * day], "outcome": [1, 1, 1, 1]}
    )
    variants = {"b": "challenger", "a": "champion", "never seen": "champion"}
    before = pd.Series({"a": 0.5})
    found = observe(frame, variants, first=FIRST, last=FIRST + 2 * day, before=before)
    assert found.units == ("a", "b", "never seen")
    assert found.outcomes.tolist() == [[0, 1, 0], [2, 0, 0], [0, 0, 0]]
    assert found.treated.tolist() == [False, True, False]
    assert found.before.tolist() == [0.5, 0, 0]


def test_events_of_strangers_are_refused():
    frame = pd.DataFrame({"unit": ["x"], "day": [FIRST], "outcome": [1]})
    with pytest.raises(ExperimentError, match="1 others, x"):
        observe(frame, {"a": "champion"}, first=FIRST, last=FIRST)


def test_missing_days_and_numbers_are_refused():
    good = observed(units=10, days=3)
    gap = (good.days[0], *good.days[2:], FIRST + dt.timedelta(3))
    with pytest.raises(ExperimentError, match="days with a gap"):
        Observations(gap, good.units, good.treated, good.outcomes, good.exposures)
    with pytest.raises(ExperimentError, match="outcomes not finite"):
        Observations(good.days, good.units, good.treated, good.outcomes * np.nan, good.exposures)
    with pytest.raises(ExperimentError, match="outcomes"):
        Observations(good.days, good.units, good.treated, good.outcomes[:, :2], good.exposures)


def test_days_on_which_nobody_converts_are_no_result():
    calm = observed(units=10, days=3)
    silent = Observations(calm.days, calm.units, calm.treated, calm.outcomes * 0, calm.exposures)
    found = read_out(silent, PLANNED)
    assert found.decision == "continue"
    assert found.looks[-1].z == 0
