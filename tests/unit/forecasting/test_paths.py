"""Sample paths: they add up, keep what belongs together, and cover what they promise on days they never saw."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from include.errors import ForecastError
from include.forecasting.hierarchy import over_days, tree
from include.forecasting.paths import fit_paths, known_scale, track_factor

ZONES = 5
HIERARCHY = tree({"total": ["north", "south"], "north": ["z1", "z2", "z3"], "south": ["z4", "z5"]})
ORIGIN = dt.datetime(2008, 1, 9, 12)


def simulated(days, seed, *, jump=None):
    """Return forecasts and actuals whose errors depend on hour, season, level, the hour before and the other zones."""
    generator = np.random.default_rng(seed)
    hour, day = np.arange(24), np.arange(days)
    level = 1000 * (1 + 0.4 * np.sin(2 * np.pi * hour / 24)) * np.ones((days, ZONES, 1))
    level = level * (1 + 0.3 * np.cos(2 * np.pi * day / 365))[:, None, None]
    if jump is not None:
        level[jump:, 2] *= 2.7
    shocks = generator.standard_t(6, size=(days, ZONES, 24)) + 1.5 * generator.normal(size=(days, 1, 24))
    noise = np.empty_like(shocks)
    state = np.zeros((days, ZONES))
    for each in hour:
        state = 0.8 * state + 0.6 * shocks[:, :, each]
        noise[:, :, each] = state
    for each in day[1:]:
        noise[each] += 0.3 * noise[each - 1, :, -1:]  # one day leans on the day before
    season = (1 + 0.5 * np.sin(2 * np.pi * day / 365))[:, None, None]
    size = 0.03 * season * (1 + 0.8 * (hour >= 16)) * np.linspace(0.5, 2, ZONES)[:, None]
    actuals = level * np.maximum(1 + size * noise, 0.01)
    actuals[:, 1] = actuals[:, 0]
    level[:, 1] = level[:, 0]
    forecasts = HIERARCHY.complete(level)
    forecasts[:, ZONES:] *= 1 + 0.02 * generator.normal(size=(days, 3, 24))
    return forecasts, actuals


def rolled(forecasts, actuals, first):
    """Return hits of the 80 % interval on each day from the first on, with what was known two days before it."""
    truth, hits = HIERARCHY.complete(actuals), []
    for day in range(first, len(forecasts)):
        known = slice(max(0, day - 366), day - 1)
        model = fit_paths(HIERARCHY, forecasts[known], actuals[known], gap_days=2)
        drawn = model.draw(forecasts[day], origin=ORIGIN + dt.timedelta(days=day), seed=1, paths=300)
        low, high = drawn.quantiles((0.1, 0.9))
        hits.append((low <= truth[day]) & (truth[day] <= high))
    return np.array(hits)


@pytest.fixture(scope="module")
def history():
    return simulated(200, 1)


@pytest.fixture(scope="module")
def drawn(history):
    forecasts, actuals = history
    return fit_paths(HIERARCHY, forecasts[:-2], actuals[:-2], gap_days=2).draw(forecasts[-1], origin=ORIGIN, seed=1)


def test_point_and_each_path_add_up_over_space_and_time(drawn):
    assert drawn.paths.shape == (500, 8, 24)
    assert HIERARCHY.gap(drawn.point) < 1e-9
    assert HIERARCHY.gap(drawn.paths) < 1e-9
    assert HIERARCHY.gap(drawn.paths.mean(axis=0)) < 1e-9
    daily = over_days(drawn.paths, [24])
    np.testing.assert_allclose(daily[..., 0], drawn.paths.sum(axis=2), rtol=1e-12)
    assert HIERARCHY.gap(daily) < 1e-9


def test_the_mean_of_the_paths_is_the_point_forecast(history):
    forecasts, actuals = history
    model = fit_paths(HIERARCHY, forecasts[:-2], actuals[:-2], gap_days=2)
    whole_rounds = model.draw(forecasts[-1], origin=ORIGIN, seed=1, paths=2 * len(model.errors))
    np.testing.assert_allclose(whole_rounds.paths.mean(axis=0), whole_rounds.point, rtol=1e-9)


def test_the_same_origin_and_seed_give_the_same_paths_and_others_do_not(history):
    forecasts, actuals = history
    model = fit_paths(HIERARCHY, forecasts, actuals, gap_days=1)

    def draw(origin, seed):
        return model.draw(forecasts[-1], origin=origin, seed=seed).paths

    np.testing.assert_array_equal(draw(ORIGIN, 1), draw(ORIGIN, 1))
    assert not np.array_equal(draw(ORIGIN, 1), draw(ORIGIN, 2))
    assert not np.array_equal(draw(ORIGIN, 1), draw(ORIGIN + dt.timedelta(days=1), 1))


def test_paths_keep_the_dependence_of_zones_and_of_hours(history, drawn):
    forecasts, actuals = history
    seen = actuals / forecasts[:, :ZONES] - 1
    for pair in [((2, 12), (4, 12)), ((3, 12), (3, 13)), ((3, 2), (3, 20))]:
        (one, hour), (other, later) = pair
        expected = np.corrcoef(seen[:, one, hour], seen[:, other, later])[0, 1]
        found = np.corrcoef(drawn.paths[:, one, hour], drawn.paths[:, other, later])[0, 1]
        assert found == pytest.approx(expected, abs=0.2)
    spread = drawn.paths.std(axis=0)
    independent = np.sqrt((spread[:ZONES] ** 2).sum(axis=0))
    assert (spread[5] > 1.2 * independent).all()  # zones err together


def test_intervals_cover_as_promised_on_held_out_months():
    forecasts, actuals = simulated(480, 2)
    hits = rolled(forecasts, actuals, 300)  # six months, in which the errors first shrink and then double
    assert hits.mean() == pytest.approx(0.80, abs=0.03)
    assert hits.mean(axis=(0, 2)) == pytest.approx(0.80, abs=0.05)  # each series, the sums too
    assert hits.mean(axis=(0, 1)) == pytest.approx(0.80, abs=0.06)  # each hour


def test_a_jump_of_a_zone_neither_blinds_nor_bloats_its_intervals_for_long():
    forecasts, actuals = simulated(330, 3, jump=200)
    forecasts = forecasts.copy()
    late = slice(200, 210)  # for ten days the base forecast has not understood
    forecasts[late, 2] /= 2.7
    forecasts[late, ZONES:] = HIERARCHY.sums @ forecasts[late, :ZONES]
    hits = rolled(forecasts, actuals, 200)[:, 2].mean(axis=1)
    assert hits[:2].mean() < 0.1  # nothing can have known
    assert hits[70:].mean() == pytest.approx(0.80, abs=0.12)


def test_the_scale_of_a_day_knows_nothing_newer_than_the_gap():
    magnitudes = np.random.default_rng(4).uniform(size=(100, 2))
    changed = magnitudes.copy()
    changed[60:] *= 50
    before, after = known_scale(magnitudes, 3), known_scale(changed, 3)
    np.testing.assert_array_equal(before[:63], after[:63])
    assert (after[63] > before[63]).all()
    assert len(before) == 103


def test_the_factor_widens_what_is_lately_too_narrow_and_narrows_what_is_too_wide():
    errors = np.random.default_rng(5).normal(size=(300, 3, 24))
    errors[200:, 1] *= 2
    errors[200:, 2] /= 2
    calm, wider, narrower = track_factor(errors, 2)
    assert calm == pytest.approx(1.0, abs=0.15)
    assert wider > 1.4
    assert narrower < 0.7


def test_load_stays_positive_where_errors_are_large():
    forecasts, actuals = simulated(120, 6)
    actuals[60:, 3, :] = 0.0  # an outage
    forecasts[62:, 3] = 0.0
    forecasts[:, ZONES:] = HIERARCHY.sums @ forecasts[:, :ZONES]
    model = fit_paths(HIERARCHY, forecasts[:-2], actuals[:-2], gap_days=2)
    found = model.draw(forecasts[-1], origin=ORIGIN, seed=1)
    assert found.paths.min() >= 0
    assert np.isfinite(found.paths).all()
    assert HIERARCHY.gap(found.paths) < 1e-9


def test_a_few_hours_that_were_forecast_to_be_nothing_do_not_carry_the_band_away(history):
    forecasts, actuals = (each[:-2].copy() for each in history)
    forecasts[60:180:30, 2, 12:16] = 0.0
    forecasts[:, ZONES:] = HIERARCHY.sums @ forecasts[:, :ZONES]
    base = HIERARCHY.complete(history[0][-1, :ZONES])
    model = fit_paths(HIERARCHY, forecasts, actuals, gap_days=2)
    low, high = model.draw(base, origin=ORIGIN, seed=1).quantiles((0.1, 0.9))[:, 2]
    assert (low > 0.5 * base[2]).all()
    assert (high < 1.5 * base[2]).all()


@pytest.mark.parametrize("days", [0, 20, 55])
def test_too_short_a_history_is_an_error_with_a_way_out(days):
    forecasts, actuals = simulated(60, 7)
    with pytest.raises(ForecastError, match=f"{days} of {days}.*without intervals"):
        fit_paths(HIERARCHY, forecasts[:days], actuals[:days], gap_days=2)


def test_incomplete_days_do_not_count_and_other_shapes_are_refused(history):
    forecasts, actuals = (each[:60].copy() for each in history)
    actuals[10:15, 2, 3] = np.nan
    with pytest.raises(ForecastError, match="55 of 60"):
        fit_paths(HIERARCHY, forecasts, actuals, gap_days=2)
    with pytest.raises(ForecastError, match="gap of at least one day"):
        fit_paths(HIERARCHY, *history, gap_days=0)
    with pytest.raises(ForecastError, match=r"actuals of shape \(60, 5, 24\)"):
        fit_paths(HIERARCHY, forecasts, forecasts, gap_days=2)


def test_a_missing_base_forecast_is_named_when_drawing(history):
    forecasts, actuals = history
    base = forecasts[-1].copy()
    base[3, 0] = np.inf
    with pytest.raises(ForecastError, match=f"inf for {HIERARCHY.names[3]} at hour 1"):
        fit_paths(HIERARCHY, forecasts, actuals, gap_days=1).draw(base, origin=ORIGIN, seed=1)
