"""What is seen of the past, what never is of the future, and how gaps are filled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.errors import SourceError
from include.forecasting.audit import leaks
from include.forecasting.panel import TOTAL, from_tidy
from include.forecasting.samples import actual_temperature, measured, observe, view
from include.forecasting.windows import DAY, LENGTH, WEEK, Horizon, cut
from tests.unit.forecasting.made import CALENDAR, FIRST, changed, days_of, panel_of, tidy_of, weather_driven

HORIZONS = [Horizon(0, False), Horizon(12, True), Horizon(12 + 6 * DAY, False)]
DAYS = days_of(60, 5)


def groups_of(looks, heat):
    """Return a builder of all features; the target's temperature is a forecast, and not of the panel."""

    def build(panel, days):
        target = np.stack([heat[day] for day in days]) if looks.horizon.temperature else None
        sample = observe(panel, days, looks, names=[TOTAL], target=target)[TOTAL]
        return sample.groups | {"level": sample.windows.level[:, None], "newest": sample.windows.newest()}

    return build


@pytest.mark.parametrize("horizon", HORIZONS)
def test_no_feature_looks_ahead(panel, horizon):
    heat = dict(zip(DAYS, actual_temperature(panel, DAYS), strict=True))
    build = groups_of(view(panel.known_at(horizon.origin(DAYS[0])), horizon, CALENDAR, names=[TOTAL]), heat)
    assert leaks(build, panel, DAYS, horizon) == []


@pytest.mark.parametrize(
    "leak",
    [
        lambda panel, days: np.nan_to_num(measured(panel, days, TOTAL)),
        lambda panel, days: np.full((len(days), 1), np.nanmean(panel.load)),
        lambda panel, days: np.nan_to_num(measured(panel, days - pd.Timedelta(days=1), TOTAL))[:, 12:13],
    ],
    ids=["the target day itself", "a scale of the whole recording", "one hour after the origin"],
)
def test_a_leaking_feature_is_caught(panel, leak):
    horizon = Horizon(12, False)
    build = groups_of(view(panel, horizon, CALENDAR, names=[TOTAL]), {})
    assert leaks(lambda *given: {**build(*given), "leak": leak(*given)}, panel, DAYS, horizon) == ["leak"]


def test_a_late_value_is_not_seen_before_it_came(panel):
    day, horizon = days_of(60, 1), Horizon(12, False)
    place = panel.place(horizon.origin(day[0])) - 1
    late = panel.known.copy()
    late[place] = (day[0] + pd.Timedelta(days=3)).value
    absurd = panel.load.copy()
    absurd[place] *= 50
    seen = cut(changed(panel, known=late, load=absurd), day, horizon, names=["1"])["1"]
    whole = cut(panel, day, horizon, names=["1"])["1"]
    assert seen.load[0, -1] == whole.load[0, -1 - WEEK]  # filled with the hour a week before
    np.testing.assert_array_equal(seen.load[0, :-1], whole.load[0, :-1])
    assert seen.share == pytest.approx(1 - 1 / WEEK)


def test_of_a_corrected_hour_each_origin_sees_the_version_of_its_time():
    panel = weather_driven(50)
    loads, heat = tidy_of(panel.load[:, :3], panel.temperature, panel.times)
    corrected = loads[(loads["zone"] == 1) & (loads["time"] == FIRST + pd.Timedelta(hours=5))].assign(
        load_kw=777.0, available_at=FIRST + pd.Timedelta(days=10)
    )
    both = pd.concat([corrected, loads])

    before = from_tidy(both, heat, as_of=FIRST + pd.Timedelta(days=9))
    after = from_tidy(both, heat, as_of=FIRST + pd.Timedelta(days=11))
    assert before.load[5, 0] == pytest.approx(panel.load[5, 0])
    assert after.load[5, 0] == 777.0
    assert after.load[5, -1] == pytest.approx(777.0 + panel.load[5, 1:3].sum())


def test_lags_and_newest_values_are_where_the_clock_says(panel):
    horizon = Horizon(12, False)
    windows = cut(panel, DAYS, horizon, names=["2"])["2"]
    truth = np.log(measured(panel, DAYS - pd.Timedelta(days=7), "2"))
    np.testing.assert_allclose(windows.lag(WEEK), truth)
    np.testing.assert_allclose(windows.weeks_back(2)[:, 1], np.log(measured(panel, DAYS - pd.Timedelta(days=14), "2")))
    day_before = np.log(measured(panel, DAYS - pd.Timedelta(days=1), "2"))
    two_before = np.log(measured(panel, DAYS - pd.Timedelta(days=2), "2"))
    np.testing.assert_allclose(windows.newest()[:, :12], day_before[:, :12])
    np.testing.assert_allclose(windows.newest()[:, 12:], two_before[:, 12:])


@pytest.mark.parametrize("hours", [24, 35, LENGTH + 12 + 1])
def test_a_lag_that_is_not_known_is_refused(panel, hours):
    with pytest.raises(SourceError, match=f"saw {hours} hours"):
        cut(panel, DAYS, Horizon(12, False), names=["2"])["2"].lag(hours)


def test_an_outage_and_a_gap_are_filled_from_the_weeks_beside_them(panel):
    load = panel.load.copy()
    place = panel.place(DAYS[0])
    load[place - 30 : place - 20, 0] = 0
    load[place - 300 : place - 290, 0] = np.nan
    windows = cut(changed(panel, load=load), DAYS[:1], Horizon(0, False), names=["1"])["1"]
    usual = cut(panel, DAYS[:1], Horizon(0, False), names=["1"])["1"]
    assert np.abs(windows.load - usual.load).max() < 0.8
    assert windows.share == pytest.approx(1 - 10 / WEEK)


def test_a_series_that_was_away_all_the_time_is_named(panel):
    load = panel.load.copy()
    load[: panel.place(DAYS[0]), 1] = 0
    with pytest.raises(SourceError, match="2, forecast of 2023-03-02: expected a positive load"):
        cut(changed(panel, load=load), DAYS[:1], Horizon(0, False), names=["2"])


def test_a_station_that_is_missing_for_a_week_is_taken_from_the_other(panel):
    heat = panel.temperature.copy()
    place = panel.place(DAYS[0])
    heat[place - 100 : place, 0] = np.nan
    past = cut(changed(panel, temperature=heat), DAYS[:1], Horizon(0, False), names=["1"])["1"].past
    usual = cut(panel, DAYS[:1], Horizon(0, False), names=["1"])["1"].past
    assert np.abs(past[0, -100:, 0] - usual[0, -100:, 0]).mean() < 3  # the stations are 4 °F apart, and noisy


@pytest.mark.parametrize("target", [None, np.full((5, DAY, 2), np.nan), np.zeros((4, DAY, 2)), np.zeros((5, DAY))])
def test_a_temperature_that_is_promised_must_be_there(panel, target):
    with pytest.raises(SourceError, match="temperature for 24 hours of each of 5 days"):
        cut(panel, DAYS, Horizon(0, True), names=["1"], target=target)


def test_a_panel_without_rows_is_refused():
    panel = weather_driven(5)
    loads, heat = tidy_of(panel.load[:, :3], panel.temperature, panel.times)

    with pytest.raises(SourceError, match="land the history"):
        from_tidy(loads, heat, as_of=FIRST)


def test_the_total_is_unknown_while_a_zone_is():
    panel = weather_driven(5)
    load = panel.load[:, :3].copy()
    load[7, 1] = np.nan
    assert np.flatnonzero(np.isnan(panel_of(load, panel.temperature, panel.times).load[:, -1])).tolist() == [7]


def test_a_target_without_one_station_is_whole_without_any_is_not(panel):
    target = actual_temperature(panel, DAYS)
    target[2, 5, 0] = np.nan
    seen = cut(panel, DAYS, Horizon(0, True), names=["1"], target=target)["1"].target
    assert seen[2, 5] == target[2, 5, 1]
    target[2, 5, 1] = np.nan
    with pytest.raises(SourceError, match="at one of 2 stations at least"):
        cut(panel, DAYS, Horizon(0, True), names=["1"], target=target)


def test_a_series_is_seen_by_its_own_stations(panel):
    one = cut(panel, DAYS, Horizon(0, True), names=["1"], stations={"1": (1,)}, target=actual_temperature(panel, DAYS))
    np.testing.assert_array_equal(one["1"].target, actual_temperature(panel, DAYS)[:, :, 1])
    np.testing.assert_array_equal(one["1"].nearby, one["1"].past[:, :, 1])
