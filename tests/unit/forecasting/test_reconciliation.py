"""MinT against the textbook's formula, another implementation, simulated truth, and bad input."""

from __future__ import annotations

import numpy as np
import pytest

from include.errors import ForecastError
from include.forecasting.hierarchy import over_time, tree
from include.forecasting.reconciliation import fit, shrunk_correlation

TREE = tree({"total": ["north", "south"], "north": ["z1", "z2", "z3"], "south": ["z4", "z5"]})
FLAT = tree({"total": [f"zone {number}" for number in range(1, 21)]})


def errors(hierarchy, days, hours, seed, *, noise=1.0):
    """Return base errors that a common factor joins; zones 1 and 2 are one and the same series."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=(days, 1, hours))
    zones = (common + generator.normal(size=(days, hierarchy.bottom, hours))) * np.linspace(1, 4, hierarchy.bottom)[
        :, None
    ]
    zones[:, 1] = zones[:, 0]
    found = hierarchy.complete(zones)
    found[:, hierarchy.bottom :] += generator.normal(size=(days, len(hierarchy.sums), hours)) * noise
    return found


def forecasts(hierarchy, days, hours, seed):
    """Return base forecasts of about 1,000 a zone that do not add up."""
    level = hierarchy.complete(np.full((days, hierarchy.bottom, hours), 1000.0))
    return level + errors(hierarchy, days, hours, seed)


def test_identical_zones_do_no_harm_and_all_adds_up():
    residuals = errors(FLAT, 300, 24, 1)
    base = forecasts(FLAT, 1, 24, 2)[0]
    model = fit(FLAT, residuals)
    found = model.reconcile(base)
    assert model.method == "mint_shrink"
    assert np.linalg.matrix_rank(np.cov(residuals[:, :20].transpose(1, 0, 2).reshape(20, -1))) == 19
    assert np.abs(found[-1] - sum(found[:-1])).max() / found[-1].min() < 1e-9
    np.testing.assert_allclose(found[0] - base[0], found[1] - base[1], rtol=1e-6)
    assert not np.allclose(found[:20], base[:20])


def test_the_form_with_constraints_is_the_textbook_formula():
    residuals = errors(TREE, 200, 3, 3)
    base = forecasts(TREE, 4, 3, 4)
    correlation, _ = shrunk_correlation(residuals)
    scale = residuals.transpose(1, 0, 2).reshape(8, -1).std(axis=1)
    scale = np.sqrt(scale**2 + residuals.mean(axis=(0, 2)) ** 2)
    s, inverse = TREE.matrix, np.linalg.inv(correlation * np.outer(scale, scale))
    expected = s @ np.linalg.solve(s.T @ inverse @ s, s.T @ inverse @ base)
    np.testing.assert_allclose(fit(TREE, residuals).reconcile(base), expected, rtol=1e-9)


def test_hierarchicalforecast_says_the_same():
    methods = pytest.importorskip("hierarchicalforecast.methods")
    residuals = errors(TREE, 250, 1, 6)
    residuals -= residuals.mean(axis=0)  # it subtracts the mean from the errors, we count a bias as an error
    base = forecasts(TREE, 1, 1, 7)[0]
    sums_first = [5, 6, 7, 0, 1, 2, 3, 4]
    insample = residuals[:, sums_first, 0].T
    # Errors that sum to zero are refused there as over-fitted; a constant that it takes off again gets past that.
    theirs = methods.MinTrace("mint_shrink", mint_shr_ridge=0.0).fit_predict(
        TREE.matrix[sums_first], base[sums_first], y_insample=insample + 1.0, y_hat_insample=np.zeros_like(insample)
    )["mean"]
    np.testing.assert_allclose(fit(TREE, residuals).reconcile(base)[sums_first], theirs, rtol=1e-7)


def squared_errors(residuals, fresh):
    """Return mean squared errors by series on fresh days: base, ours, bottom-up, ordinary least squares."""
    s, bottom = FLAT.matrix, FLAT.bottom
    truth = FLAT.complete(np.full((len(fresh), bottom, fresh.shape[2]), 1000.0))
    base = truth - fresh
    ways = {
        "base": base,
        "ours": fit(FLAT, residuals).reconcile(base),
        "bottom-up": FLAT.complete(base[:, :bottom]),
        "ols": s @ np.linalg.solve(s.T @ s, s.T @ base),
    }
    return {name: ((found - truth) ** 2).mean(axis=(0, 2)) for name, found in ways.items()}


def test_where_the_sum_has_a_better_model_all_series_gain_on_fresh_days():
    drawn = errors(FLAT, 700, 24, 8)
    drawn[:, 20] = 0.4 * drawn[:, 20] + 5 * np.random.default_rng(9).normal(size=(700, 24))
    found = squared_errors(drawn[:300], drawn[300:])
    assert found["ours"][20] < 0.95 * min(found[way][20] for way in ("base", "bottom-up", "ols"))
    for way in ("base", "bottom-up", "ols"):
        assert found["ours"][:20].sum() < found[way][:20].sum()


def test_where_the_sum_knows_nothing_more_listening_to_it_costs_little():
    drawn = errors(FLAT, 700, 24, 10, noise=8.0)
    found = squared_errors(drawn[:300], drawn[300:])
    assert found["ours"][20] < 1.03 * found["bottom-up"][20]  # bottom-up is the best there is here
    assert found["ours"].sum() < found["base"].sum()


def test_shrinking_counts_days_and_not_hours():
    daily = np.random.default_rng(10).normal(size=(60, 6, 1))
    _, once = shrunk_correlation(daily)
    _, repeated = shrunk_correlation(np.repeat(daily, 24, axis=2))
    assert repeated == pytest.approx(once, rel=1e-9)
    _, much = shrunk_correlation(np.random.default_rng(11).normal(size=(20, 50, 1)))
    assert much > 0.8  # nothing is correlated here


def test_only_the_newest_days_count_and_incomplete_ones_are_left_out():
    residuals = errors(FLAT, 60, 24, 12)
    residuals[50, 3, 5] = np.nan
    model = fit(FLAT, np.concatenate([1e6 * errors(FLAT, 40, 24, 13), residuals]), max_days=59)
    assert model.days == 59
    expected = fit(FLAT, np.delete(residuals, 50, axis=0))
    np.testing.assert_array_equal(model.gain, expected.gain)
    assert fit(FLAT, errors(FLAT, 150, 168, 14)).days == 119  # 20,000 rows


@pytest.mark.parametrize("days", [0, 1, 13])
def test_too_short_a_history_gives_structural_weights_and_says_so(days):
    model = fit(FLAT, errors(FLAT, days, 24, 15))
    assert (model.method, model.days) == ("wls_struct", days)
    base = np.full((21, 24), 10.0)
    base[20] = 240.0
    found = model.reconcile(base)
    # The sum is taken to err as much as its twenty parts together, so both move by half of the difference.
    np.testing.assert_allclose(found[20], 220.0)
    np.testing.assert_allclose(found[:20], 11.0)


def test_a_zone_that_never_erred_stays_and_the_rest_still_adds_up():
    residuals = errors(FLAT, 100, 24, 16)
    residuals[:, 4] = 0.0
    base = forecasts(FLAT, 1, 24, 17)[0]
    found = fit(FLAT, residuals).reconcile(base)
    np.testing.assert_allclose(found[4], base[4], rtol=1e-6)
    assert FLAT.gap(found) < 1e-9
    assert fit(FLAT, np.zeros((100, 21, 24))).method == "wls_struct"


def test_errors_that_are_the_same_each_day_and_already_add_up_leave_the_covariance_invertible():
    residuals = FLAT.complete(np.broadcast_to(np.arange(1.0, 21.0)[:, None], (30, 20, 24)))
    model = fit(FLAT, residuals)
    assert 0 < model.shrinkage < 0.01
    base = forecasts(FLAT, 1, 24, 22)[0]
    found = model.reconcile(base)
    assert FLAT.gap(found) < 1e-9
    assert np.abs(found / base - 1).max() < 0.1


def test_load_is_never_negative_but_what_may_be_stays():
    residuals = errors(FLAT, 100, 24, 18)
    residuals[:, 20] *= 0.1  # a good model of the sum: the parts have to follow it
    base = np.full((21, 24), 10.0)
    base[19], base[20] = 0.01, 150.0  # the sum lies below its parts and pulls all down
    found = fit(FLAT, residuals).reconcile(base)
    assert found.min() == 0.0
    assert FLAT.gap(found) < 1e-9
    assert fit(FLAT, residuals, nonnegative=False).reconcile(base).min() < 0


def test_a_missing_base_forecast_is_named():
    base = np.full((21, 24), 10.0)
    base[9, 4] = np.nan
    with pytest.raises(ForecastError, match="nan for zone 10 at hour 5"):
        fit(FLAT, errors(FLAT, 30, 24, 19)).reconcile(base)


def test_other_shapes_are_refused():
    with pytest.raises(ForecastError, match=r"\(30, 20, 24\)"):
        fit(FLAT, errors(FLAT, 30, 24, 20)[:, :20])
    with pytest.raises(ForecastError, match=r"\(20, 24\)"):
        fit(FLAT, errors(FLAT, 30, 24, 20)).reconcile(np.ones((20, 24)))


def test_forecasts_of_days_and_of_the_week_can_be_reconciled_with_the_hours():
    time = over_time([24] * 7)
    generator = np.random.default_rng(21)
    hourly = generator.normal(size=(80, 168, 1))
    residuals = time.complete(hourly)
    residuals[:, 168:] += generator.normal(size=(80, 8, 1))
    base = time.complete(np.full((168, 1), 50.0))
    base[168] += 30.0  # a model of days says: more on Monday
    found = fit(time, residuals).reconcile(base)
    assert time.gap(found) < 1e-9
    monday = found[:24].sum()
    assert 1200 < monday < 1230
    assert monday == pytest.approx(found[168, 0])
