"""The error of the temperature forecast is the documented one, and the same in every replay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.forecasting.weather import ForecastError, forecast
from include.forecasting.windows import DAY, Horizon
from tests.unit.forecasting.made import days_of

ERROR = ForecastError()


@pytest.fixture(scope="module")
def runs():
    return np.stack([ERROR.run(day) for day in days_of(0, 2000)])


@pytest.mark.parametrize(("ahead", "spread"), [(6, 1.6), (36, 2.7), (168, 5.4)])
def test_the_error_is_as_large_as_it_is_said_to_be(runs, ahead, spread):
    seen = np.sqrt((runs[:, ahead - 1] ** 2).mean())
    assert seen == pytest.approx(spread, rel=0.08)
    assert ERROR.spread(np.array(ahead)) == pytest.approx(spread, abs=0.05)


def test_neighbouring_hours_err_alike_and_days_do_not(runs):
    assert np.corrcoef(runs[:, 20], runs[:, 21])[0, 1] == pytest.approx(ERROR.persistence, abs=0.02)
    assert abs(np.corrcoef(runs[:-1, 20], runs[1:, 20])[0, 1]) < 0.08
    assert abs(runs.mean()) < 0.1


def test_a_forecast_that_is_made_again_is_the_same():
    days, actual = days_of(10, 3), np.full((3, DAY, 2), 60.0)
    horizon = Horizon(12, True)
    all_at_once = forecast(actual, days, horizon, ERROR)
    np.testing.assert_array_equal(all_at_once[1:2], forecast(actual[1:2], days[1:2], horizon, ERROR))
    assert not np.allclose(all_at_once, forecast(actual, days, horizon, ForecastError(seed=1)))


def test_two_days_of_one_run_share_its_error():
    origin = pd.Timestamp("2023-03-01 12:00", tz="UTC")
    flat = np.zeros((1, DAY, 1))
    next_day = forecast(flat, pd.DatetimeIndex([origin.ceil("D")]), Horizon(12, True), ERROR)
    np.testing.assert_array_equal(next_day[0, :, 0], ERROR.run(origin)[12:36])
