"""What scores and bands foretell of their own performance, and that the truth does what they said."""

from __future__ import annotations

import numpy as np
import pytest

from include.models.metrics import auc, brier, ece, ks
from include.monitoring import estimate as estimating
from include.monitoring.estimate import ErrorModel, Reliability, checked, expected, expected_error
from include.records import Estimate


def drawn(rows, seed, *, sure=1.0):
    """Return scores of a model that is too sure of itself by a factor, and outcomes."""
    draw = np.random.default_rng(seed)
    odds = draw.normal(-1.2, 1.2, size=rows)
    outcomes = (draw.random(rows) < 1 / (1 + np.exp(-odds))).astype(float)
    return 1 / (1 + np.exp(-sure * odds)), outcomes


def true(metric, scores, outcomes):
    return float(metric(outcomes, scores, np.ones((1, len(scores))))[0])


def test_the_truth_lies_in_the_interval_about_as_often_as_it_says():
    windows = [drawn(800, seed) for seed in range(60)]
    said = [expected(scores, Reliability(), {"auc": auc, "brier": brier}, seed=1) for scores, _ in windows]
    for name, metric in (("auc", auc), ("brier", brier)):
        found = checked([each[name] for each in said], [true(metric, *window) for window in windows])
        assert found.windows == 60
        assert 0.88 <= found.coverage <= 1
        assert abs(found.bias) < 0.006


@pytest.mark.parametrize("metric", [ks, ece])
def test_a_metric_that_noise_raises_is_foretold_with_its_noise(metric):
    windows = [drawn(500, seed) for seed in range(30)]
    said = [expected(scores, Reliability(), {"it": metric}, seed=1)["it"] for scores, _ in windows]
    truths = [true(metric, *window) for window in windows]
    assert abs(checked(said, truths).bias) < 2.5 * np.std(truths) / np.sqrt(30)


def test_a_large_window_is_judged_in_parts_and_says_the_same(monkeypatch):
    scores, _ = drawn(1000, 4)
    at_once = expected(scores, Reliability(), {"auc": auc}, seed=1)["auc"]
    monkeypatch.setattr(estimating, "_CELLS", 30_000)
    in_parts = expected(scores, Reliability(), {"auc": auc}, seed=1)["auc"]
    assert in_parts.value == pytest.approx(at_once.value, abs=1e-12)
    assert (in_parts.low, in_parts.high) == pytest.approx((at_once.low, at_once.high), abs=1e-12)


def test_outcomes_that_are_certain_have_no_ranking():
    assert "auc" not in expected(np.array([0.2, 0.4, 0.9]), Reliability(shift=-1e6), {"auc": auc}, seed=1)


def test_a_model_too_sure_of_itself_is_read_as_its_outcomes_say():
    reliability = Reliability.of(*drawn(20_000, 1, sure=2.0))
    assert reliability.slope == pytest.approx(0.5, abs=0.05)
    scores, outcomes = drawn(20_000, 2, sure=2.0)
    naive, read = (
        expected(scores, each, {"brier": brier}, seed=1)["brier"].value for each in (Reliability(), reliability)
    )
    assert abs(read - true(brier, scores, outcomes)) < 0.004 < abs(naive - true(brier, scores, outcomes))


def test_an_interval_covers_what_few_fresh_rows_do_not_know_of_a_model():
    said, truths = [], []
    for seed in range(50):
        reliability = Reliability.of(*drawn(500, seed, sure=1.3))
        scores, outcomes = drawn(1000, 1000 + seed, sure=1.3)
        said.append(expected(scores, reliability, {"brier": brier}, seed=seed)["brier"])
        truths.append(true(brier, scores, outcomes))
    assert 0.88 <= checked(said, truths).coverage <= 1


@pytest.mark.parametrize("scores", [[0.5] * 6, [0.1, 0.1, 0.1, 0.9, 0.9, 0.9], [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]])
def test_fresh_rows_that_hardly_teach_promise_little(scores):
    given = np.array(scores)
    reliability = Reliability.of(given, np.array([0.0, 0, 0, 1, 1, 1]))
    said = expected(given, reliability, {"brier": brier}, seed=1)["brier"]
    assert 0 <= said.low <= said.value <= said.high <= 1


def test_a_reading_that_was_stored_before_its_spread_was_known_is_still_read():
    assert Reliability.model_validate_json('{"slope": 2.0, "shift": 0.5}').covariance == (0.0, 0.0, 0.0)


def test_a_few_rows_hardly_move_what_a_model_says_of_itself():
    few, many = (Reliability.of(*drawn(rows, 1, sure=2.0)) for rows in (50, 20_000))
    assert abs(few.slope - 1) < 0.3 < abs(many.slope - 1)
    assert few.covariance[0] > 20 * many.covariance[0]


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_outcomes_of_one_kind_teach_a_little(outcome):
    reliability = Reliability.of(np.full(20, 0.5), np.full(20, outcome))
    assert (reliability.slope, np.sign(reliability.shift)) == (1.0, 2 * outcome - 1)
    assert abs(reliability.shift) < 0.15


def test_a_concept_that_turned_is_not_seen_before_the_truth():
    scores, outcomes = drawn(4000, 3)
    said = expected(scores, Reliability(), {"auc": auc}, seed=1)["auc"]
    assert said.low > true(auc, scores, 1 - outcomes)


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_foretell_nothing(rows):
    assert expected(np.full(rows, 0.5), Reliability(), {"auc": auc}, seed=1) == {}


def test_the_error_of_a_forecast_follows_from_its_band_and_from_earlier_errors():
    draw = np.random.default_rng(0)
    levels = np.linspace(0.05, 0.95, 10)
    forecast = draw.normal(100, 10, size=5000)
    spread = draw.uniform(1, 5, size=5000)
    band = forecast[:, None] + spread[:, None] * np.array([np.quantile(draw.normal(size=10**6), at) for at in levels])
    actual = forecast + spread * draw.normal(size=5000)
    said = expected_error(forecast, band)
    assert said.mean() == pytest.approx(np.abs(actual - forecast).mean(), rel=0.1)
    model = ErrorModel(ratios=tuple(np.abs(actual - forecast)[at::50].mean() / said[at::50].mean() for at in range(50)))
    estimate = model.estimate(float(said.mean()))
    assert estimate.low < np.abs(actual - forecast).mean() < estimate.high


@pytest.mark.parametrize("windows", [3, 6, 20])
def test_the_error_of_one_more_window_lies_in_its_range_whatever_the_number_of_earlier_ones(windows):
    ratios = np.exp(np.random.default_rng(windows).normal(0.1, 0.2, size=(1500, windows + 1)))
    said = [ErrorModel(ratios=tuple(earlier)).estimate(2.0) for earlier in ratios[:, :-1]]
    assert checked(said, list(2 * ratios[:, -1])).coverage == pytest.approx(0.95, abs=0.02)


def test_nothing_to_check_is_no_check():
    assert checked([], []) is None
    assert checked([Estimate(value=1, low=0, high=2)], [3.0]).coverage == 0
