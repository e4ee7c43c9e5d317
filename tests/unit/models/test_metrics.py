"""Metrics against independent implementations, and intervals against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import brier_score_loss, roc_auc_score

from include.classification import Costs
from include.errors import MissingMetricError
from include.models import metrics

COSTS = Costs(unit="EUR", false_accept=5, false_decline=1)


@pytest.fixture
def scored():
    generator = np.random.default_rng(3)
    risk = generator.beta(1, 4, 800)
    y = (generator.uniform(size=800) < risk).astype(float)
    return y, np.round(risk, 2)  # rounded: ties


def ones(y):
    return np.ones((1, len(y)))


def test_auc_gini_and_brier_agree_with_scikit_learn(scored):
    y, score = scored
    assert metrics.auc(y, score, ones(y))[0] == pytest.approx(roc_auc_score(y, score), abs=1e-12)
    assert metrics.gini(y, score, ones(y))[0] == pytest.approx(2 * roc_auc_score(y, score) - 1, abs=1e-12)
    assert metrics.brier(y, score, ones(y))[0] == pytest.approx(brier_score_loss(y, score), abs=1e-12)


def test_ks_agrees_with_scipy(scored):
    y, score = scored
    expected = stats.ks_2samp(score[y == 1], score[y == 0]).statistic
    assert metrics.ks(y, score, ones(y))[0] == pytest.approx(expected, abs=1e-12)


def test_weights_mean_the_same_as_repeated_rows(scored):
    y, score = scored
    counts = np.random.default_rng(1).integers(0, 4, len(y))
    for metric in metrics.all_metrics(COSTS, 0.2).values():
        if metric is metrics.ece:  # its bins are cut on the rows, not on the weights
            continue
        repeated = metric(np.repeat(y, counts), np.repeat(score, counts), np.ones((1, counts.sum())))
        assert metric(y, score, counts[None, :].astype(float))[0] == pytest.approx(repeated[0], abs=1e-12)


def test_calibration_error_is_small_for_true_probabilities_and_large_for_doubled_ones():
    generator = np.random.default_rng(5)
    risk = generator.uniform(0.05, 0.45, 20_000)
    y = (generator.uniform(size=20_000) < risk).astype(float)
    assert metrics.ece(y, risk, ones(y))[0] < 0.015  # noise alone gives sqrt(2 p q / (pi n)), .007 on average
    assert metrics.ece(y, 2 * risk, ones(y))[0] == pytest.approx(0.25, abs=0.02)


def test_the_best_threshold_is_the_best_of_all(scored):
    y, score = scored
    cost = [metrics.expected_cost(COSTS, at)(y, score, ones(y))[0] for at in [*np.unique(score), 2.0]]
    best = metrics.best_threshold(y, score, COSTS)
    assert metrics.expected_cost(COSTS, best)(y, score, ones(y))[0] == pytest.approx(min(cost), abs=1e-12)


def test_an_interval_covers_as_often_as_it_says():
    covered = 0
    for seed in range(150):
        generator = np.random.default_rng(seed)
        y = (generator.uniform(size=300) < 0.3).astype(float)
        score = generator.normal(y, 1.0)
        truth = stats.norm.cdf(1 / np.sqrt(2))
        found = metrics.estimate(metrics.auc(y, score, metrics.resamples(300, seed, 200)), 0.95)
        covered += found.low <= truth <= found.high
    assert 0.89 <= covered / 150 <= 0.99


def test_one_outcome_alone_is_no_metric():
    y = np.zeros(50)
    with pytest.raises(MissingMetricError, match="both outcomes"), np.errstate(invalid="ignore"):
        metrics.estimate(metrics.auc(y, np.linspace(0, 1, 50), metrics.resamples(50, 1)), 0.95)
