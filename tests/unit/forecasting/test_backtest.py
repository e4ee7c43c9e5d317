"""A backtest gives what would have been forecast then, and nothing of what came after."""

from __future__ import annotations

import numpy as np
import pytest

from include.errors import SourceError
from include.forecasting.backtest import backtest, mae, mape, training_days
from include.forecasting.families import family
from include.forecasting.panel import TOTAL
from include.forecasting.samples import actual_temperature
from include.forecasting.windows import DAY, Horizon
from tests.unit.forecasting.made import CALENDAR, changed, days_of

SOME = [family("similar_day"), family("ridge"), family("kernel")]
DAYS = days_of(300, 70)


def test_what_comes_later_changes_no_forecast(panel):
    horizon = Horizon(12, False)
    load = panel.load.copy()
    last = panel.place(horizon.origin(DAYS[40]))
    load[last:] *= 3
    heat = panel.temperature.copy()
    heat[last:] += 40
    before = backtest(panel, ["1", TOTAL], SOME, horizon, CALENDAR, DAYS)
    after = backtest(changed(panel, load=load, temperature=heat), ["1", TOTAL], SOME, horizon, CALENDAR, DAYS)
    for name in before:
        for each in SOME:
            one, other = before[name].forecasts[each.name], after[name].forecasts[each.name]
            np.testing.assert_allclose(one[:41], other[:41], rtol=1e-9)
            assert not np.allclose(one[41:], other[41:], rtol=0.1)


def test_a_truth_that_came_later_teaches_nothing(panel):
    weeks = slice(panel.place(days_of(200, 1)[0]), panel.place(days_of(228, 1)[0]))
    late = panel.known.copy()
    late[weeks] = panel.times[-1].as_unit("ns").value
    load = panel.load.copy()
    load[weeks] *= 3
    found = [
        backtest(changed(panel, known=late, load=each), ["1"], SOME, Horizon(0, False), CALENDAR, DAYS[:20])["1"]
        for each in (panel.load, load)
    ]
    for each in SOME:
        np.testing.assert_array_equal(found[0].forecasts[each.name], found[1].forecasts[each.name])


def test_a_model_learns_only_from_days_that_have_ended(panel):
    origin = Horizon(12, False).origin(DAYS[0])
    past = training_days(panel.known_at(origin), origin)
    assert past[-1] == days_of(298, 1)[0]
    assert past[0] == days_of(36, 1)[0]


def test_days_without_truth_are_left_out_of_the_comparison(panel):
    load = panel.load.copy()
    load[panel.place(DAYS[3]) : panel.place(DAYS[3]) + DAY, 0] = np.nan
    load[panel.place(DAYS[5]) + 2, 0] = np.nan
    found = backtest(changed(panel, load=load), ["1"], [family("yesterday")], Horizon(0, False), CALENDAR, DAYS)["1"]
    assert len(found.losses()["yesterday"]) == len(DAYS) - 1
    assert np.isfinite(found.losses()["yesterday"]).all()


def test_a_promised_temperature_needs_a_source(panel):
    with pytest.raises(SourceError, match="a function that gives the temperature"):
        backtest(panel, [TOTAL], SOME, Horizon(0, True), CALENDAR, DAYS)


def test_with_the_temperature_the_same_model_is_better(panel):
    error = {}
    for given in (False, True):
        horizon = Horizon(12, given)
        found = backtest(panel, [TOTAL], SOME[2:], horizon, CALENDAR, DAYS, temperature=actual_temperature)[TOTAL]
        error[given] = mape(found.actual, found.forecasts["kernel"])
    assert error[True] < 0.5 * error[False]


def test_errors_count_what_was_measured():
    actual, forecast = np.array([[100.0, np.nan, 0.0, 50.0]]), np.array([[110.0, 7.0, 7.0, 40.0]])
    assert mape(actual, forecast) == pytest.approx(15.0)
    assert mae(actual, forecast) == pytest.approx(9.0)
