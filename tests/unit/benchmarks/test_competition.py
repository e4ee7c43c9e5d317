"""The competition's error is its own, its weeks stay hidden, and a day is told from the days on both sides of it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.competition import AHEAD, LAST, given, recorded, wrmse
from benchmarks.harness import surroundings
from benchmarks.nearby_days import BEFORE, NearbyDays, describe
from benchmarks.weeks import Weather, supposed
from include.data import gefcom
from include.forecasting.calendar import Calendar
from include.forecasting.panel import TOTAL

CALENDAR = Calendar({"holiday": frozenset()})


@pytest.fixture(scope="module")
def recordings():
    with surroundings():
        yield


def rows(zones, loads, **more):
    times = pd.date_range("2008-07-01", periods=len(loads) // len(zones), freq="h", tz="UTC")
    return pd.DataFrame(
        {"zone": np.repeat(zones, len(times)), "time": np.tile(times, len(zones)), "load_kw": loads} | more
    )


def test_the_error_is_the_root_of_the_weighted_mean_square():
    solution = rows([1, 21], [10.0, 10.0, 100.0, 100.0], weight=[8, 8, 160, 160])
    forecast = rows([21, 1], [103.0, 100.0, 10.0, 14.0])
    assert wrmse(solution, forecast) == pytest.approx(np.sqrt((160 * 9 + 8 * 16) / 336))
    with pytest.raises(AssertionError, match="2 rows of the solution have no forecast"):
        wrmse(solution, forecast[forecast["zone"] == 21])


def test_what_the_week_ahead_might_be_is_told_without_its_own_temperature():
    days = pd.date_range("2006-01-01", "2008-07-07", tz="UTC")
    hours = np.random.default_rng(1).normal(70, 5, (len(days), 24, 2))
    changed = hours.copy()
    unknown = days >= LAST.floor("D")
    changed[unknown.argmax(), LAST.hour :] = -99
    changed[days >= AHEAD[0]] = -99
    found = supposed(Weather(days, hours), LAST)
    np.testing.assert_array_equal(found, supposed(Weather(days, changed), LAST))
    assert found.shape == (2 * 5, BEFORE + len(AHEAD), 24, 2)
    known = hours[days <= LAST.floor("D")][-BEFORE:]
    np.testing.assert_array_equal(found[3, : BEFORE - 1], known[:-1])
    np.testing.assert_array_equal(found[3, BEFORE - 1, : LAST.hour], known[-1, : LAST.hour])


def test_a_hidden_week_is_told_from_the_level_on_both_sides_of_it():
    days = pd.date_range("2007-01-01", periods=200, tz="UTC")
    temperature = np.random.default_rng(2).normal(60, 8, (len(days), BEFORE + 1, 24))
    level = np.where(np.arange(len(days)) < 100, 1000.0, 1300.0)  # as no calendar and no weather could tell
    load = level[:, None] * (1 + 0.2 * np.sin(np.arange(24) / 4))
    hidden = np.zeros(len(days), dtype=bool)
    hidden[[*range(60, 67), *range(140, 147)]] = True
    model = NearbyDays().fit(describe(days[~hidden], temperature[~hidden], CALENDAR), load[~hidden])
    found = model.predict(describe(days[hidden], temperature[hidden], CALENDAR))
    np.testing.assert_allclose(found, load[hidden], rtol=0.08)


@pytest.mark.slow  # downloads 15 MB, once
def test_the_bundled_benchmark_has_its_published_error(recordings):
    assert wrmse(gefcom.solution(), gefcom.benchmark()) == pytest.approx(100_385, abs=1)


@pytest.mark.slow
def test_what_was_given_holds_no_hour_of_the_solution(recordings):
    solution = gefcom.solution()
    panel = given(solution)
    assert panel.names[-1] == TOTAL
    assert panel.times[-1] < LAST < AHEAD[0]
    hidden = panel.times.isin(solution["time"])
    assert hidden.sum() == 8 * 7 * 24
    assert np.isnan(panel.load[hidden]).all()
    assert np.isfinite(panel.load[~hidden]).all()
    assert np.isfinite(recorded().hours).all()
