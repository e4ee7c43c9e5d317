"""Scores against independent implementations, and intervals of a coverage against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import mean_absolute_error, mean_absolute_percentage_error, mean_pinball_loss

from include.errors import MissingMetricError
from include.forecasting import scores

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@pytest.fixture
def forecast():
    generator = np.random.default_rng(1)
    actual = generator.lognormal(3, 0.5, size=(40, 3, 24))
    quantiles = np.sort(actual * generator.lognormal(0, 0.2, size=(9, 40, 3, 24)), axis=0)
    return actual, quantiles


def test_errors_and_pinball_agree_with_scikit_learn(forecast):
    actual, quantiles = forecast
    median = quantiles[4]
    assert scores.mae(actual, median) == pytest.approx(mean_absolute_error(actual.ravel(), median.ravel()))
    assert scores.mape(actual, median) == pytest.approx(mean_absolute_percentage_error(actual.ravel(), median.ravel()))
    assert scores.bias(actual, median + 3) - scores.bias(actual, median) == pytest.approx(3)
    losses = scores.pinball(actual, quantiles, LEVELS).mean(axis=(1, 2, 3))
    expected = [mean_pinball_loss(actual.ravel(), q.ravel(), alpha=a) for q, a in zip(quantiles, LEVELS, strict=True)]
    assert losses == pytest.approx(expected)


def test_crps_over_many_levels_is_that_of_the_distribution():
    fine = np.arange(1, 1000) / 1000
    actual = np.array([-1.3, 0.0, 2.4])
    quantiles = np.repeat(stats.norm.ppf(fine)[:, None], 3, axis=1)
    # Closed form for the normal distribution (Gneiting & Raftery, 2007).
    exact = actual * (2 * stats.norm.cdf(actual) - 1) + 2 * stats.norm.pdf(actual) - 1 / np.sqrt(np.pi)
    assert scores.crps(actual, quantiles, fine.tolist()) == pytest.approx(exact.mean(), rel=0.01)
    with pytest.raises(MissingMetricError, match="evenly spaced"):
        scores.crps(actual, quantiles[[99, 899]], (0.1, 0.9))


def test_an_hour_without_load_has_no_percentage_error():
    actual = np.array([0.0, 10.0, 20.0])
    assert scores.mape(actual, np.array([5.0, 11.0, 18.0])) == pytest.approx(0.1)
    with pytest.raises(MissingMetricError, match="other than zero"):
        scores.mape(np.zeros(3), actual)


def test_what_has_no_number_is_an_error(forecast):
    actual, quantiles = forecast
    actual[3, 1, 2] = np.nan
    for score in (scores.mae, scores.mape, scores.bias):
        with pytest.raises(MissingMetricError, match="1 of them not numbers"):
            score(actual, quantiles[4])
    for score in (scores.pinball, scores.crps, scores.pit_histogram):
        with pytest.raises(MissingMetricError, match="1 of them not numbers"):
            score(actual, quantiles, LEVELS)
    with pytest.raises(MissingMetricError, match="quantiles at 9 levels"):
        scores.pinball(np.ones(2), np.ones((8, 2)), LEVELS)


def test_coverage_counts_by_series_and_hour():
    actual = np.zeros((10, 2, 3))
    actual[:4, 1, 2] = 5.0  # outside
    low, high = np.full_like(actual, -1.0), np.full_like(actual, 1.0)
    table = scores.coverage(actual, low, high, ["a", "b"], by="series and hour").set_index(["series", "hour"])
    assert table.loc[("b", 3), "covered"] == pytest.approx(0.6)
    assert table["covered"].drop(("b", 3)).eq(1.0).all()
    assert table["values"].eq(10).all()
    by_series = scores.coverage(actual, low, high, ["a", "b"], by="series").set_index("series")
    assert by_series["covered"].tolist() == pytest.approx([1.0, 26 / 30])
    by_hour = scores.coverage(actual, low, high, ["a", "b"], by="hour").set_index("hour")
    assert by_hour.loc[3, "covered"] == pytest.approx(0.8)
    assert scores.coverage(actual, low, high, ["a", "b"])["covered"].item() == pytest.approx(56 / 60)


def test_the_interval_of_one_cell_is_wilsons():
    actual = np.zeros((50, 1, 1))
    actual[:9] = 5.0
    row = scores.coverage(actual, actual * 0 - 1, actual * 0 + 1, ["a"], by="series and hour").iloc[0]
    expected = stats.binomtest(41, 50).proportion_ci(method="wilson")
    # The variance between days has 49 degrees of freedom, Wilson's 50 values.
    assert (row["low"], row["high"]) == pytest.approx((expected.low, expected.high), abs=0.002)


def test_the_interval_of_a_coverage_holds_the_truth_where_hours_depend_on_each_other():
    held = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        latent = np.sqrt(0.7) * generator.normal(size=(80, 1, 1)) + np.sqrt(0.3) * generator.normal(size=(80, 4, 6))
        limit = np.full_like(latent, stats.norm.ppf(0.9))
        row = scores.coverage(latent, -limit, limit, list("abcd")).iloc[0]
        held += row["low"] <= 0.8 <= row["high"]
    assert held / 300 == pytest.approx(0.95, abs=0.035)  # treating each hour as independent holds in under 60 %


def test_the_histogram_is_flat_for_true_quantiles_and_a_bowl_for_narrow_ones():
    actual = np.random.default_rng(2).normal(size=(400, 2, 24))
    true = np.broadcast_to(stats.norm.ppf(LEVELS)[:, None, None, None], (9, *actual.shape))
    flat = scores.pit_histogram(actual, true, LEVELS)
    assert flat["expected"].sum() == pytest.approx(1)
    assert flat["seen"].sum() == pytest.approx(1)
    assert flat["seen"].to_numpy() == pytest.approx(flat["expected"].to_numpy(), abs=0.01)
    bowl = scores.pit_histogram(actual, true / 2, LEVELS)["seen"]
    assert bowl.iloc[[0, -1]].min() > 0.2
    assert bowl.iloc[4:6].max() < 0.07
