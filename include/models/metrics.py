"""Metrics of a score for a binary outcome, each for many bootstrap resamples at once.

A resample is a vector of counts, one a row; a metric takes all of them as a matrix and works on weights. So an interval
costs one sort and a few matrix products, and two models judged with the same matrix are judged on the same rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from include.classification import Costs
from include.errors import MissingMetricError
from include.records import Estimate

Array = NDArray[np.float64]
RESAMPLES = 400
_BINS = 10
HIGHER_IS_BETTER = {"auc": True, "gini": True, "ks": True, "brier": False, "ece": False, "cost": False}


def resamples(rows: int, seed: int, count: int = RESAMPLES) -> Array:
    """Return weights of shape (1 + count, rows): all ones first, then bootstrap counts (Efron, 1979)."""
    generator = np.random.default_rng(seed)
    drawn = generator.integers(0, rows, size=(count, rows))
    counts = np.stack([np.bincount(each, minlength=rows) for each in drawn])
    return np.vstack([np.ones(rows), counts]).astype(float)


def auc(y: Array, score: Array, weights: Array) -> Array:
    """Return the area under the ROC curve for each row of weights; ties count one half."""
    bad, good = _by_score(y, score, weights)
    below = np.cumsum(good, axis=1) - good
    return ((bad * (below + good / 2)).sum(axis=1)) / (bad.sum(axis=1) * good.sum(axis=1))


def gini(y: Array, score: Array, weights: Array) -> Array:
    """Return 2 AUC − 1."""
    return 2 * auc(y, score, weights) - 1


def ks(y: Array, score: Array, weights: Array) -> Array:
    """Return the largest distance between the score distributions of goods and bads."""
    bad, good = _by_score(y, score, weights)
    distance = np.cumsum(good, axis=1) / good.sum(axis=1, keepdims=True)
    distance -= np.cumsum(bad, axis=1) / bad.sum(axis=1, keepdims=True)
    largest: Array = np.abs(distance).max(axis=1)
    return largest


def brier(y: Array, score: Array, weights: Array) -> Array:
    """Return the mean squared error of the probabilities (Brier, 1950)."""
    mean: Array = weights @ (score - y) ** 2 / weights.sum(axis=1)
    return mean


def ece(y: Array, score: Array, weights: Array) -> Array:
    """Return the expected calibration error over ten bins of equal size (Naeini et al., 2015)."""
    edges = np.quantile(score, np.linspace(0, 1, _BINS + 1)[1:-1])
    belongs = np.eye(_BINS)[np.searchsorted(edges, score, side="right")]
    gap: Array = np.abs(weights @ (belongs * (y - score)[:, None])).sum(axis=1) / weights.sum(axis=1)
    return gap


def expected_cost(costs: Costs, threshold: float) -> Callable[[Array, Array, Array], Array]:
    """Return the metric 'mean cost of a case when all at or above the threshold are declined'."""

    def cost(y: Array, score: Array, weights: Array) -> Array:
        declined = score >= threshold
        each = np.where(declined, (1 - y) * costs.false_decline, y * costs.false_accept)
        mean: Array = weights @ each / weights.sum(axis=1)
        return mean

    return cost


def best_threshold(y: Array, score: Array, costs: Costs) -> float:
    """Return the score at and above which declining costs least, over the rows given."""
    order = np.argsort(score, kind="stable")
    y, score = y[order], score[order]
    # Declining from place i on: the bads below i are accepted, the goods from i on are declined.
    accepted_bad = np.concatenate([[0.0], np.cumsum(y)])
    declined_good = (1 - y).sum() - np.concatenate([[0.0], np.cumsum(1 - y)])
    cost = costs.false_accept * accepted_bad + costs.false_decline * declined_good
    first_of_ties = np.concatenate([[True], np.diff(score) > 0, [True]])
    place = int(np.where(first_of_ties, cost, np.inf).argmin())
    return float(score[place]) if place < len(score) else float(np.nextafter(score[-1], np.inf))


def all_metrics(costs: Costs, threshold: float) -> dict[str, Callable[[Array, Array, Array], Array]]:
    """Return the metrics that every model is judged by, by name."""
    return {
        "auc": auc,
        "gini": gini,
        "ks": ks,
        "brier": brier,
        "ece": ece,
        "cost": expected_cost(costs, threshold),
    }


def estimate(values: Array, confidence: float) -> Estimate:
    """Return the first value with the percentile interval of the others.

    Raises:
        MissingMetricError: the value or its interval is not a number, e.g. where one class has no row.
    """
    drawn = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or len(drawn) < 0.9 * (len(values) - 1):
        raise MissingMetricError(
            expected="a number with an interval",
            seen=f"{values[0]} and {len(drawn)} of {len(values) - 1} resamples with a number",
            where="metrics",
            next_step="see whether both outcomes are among the fresh rows, and whether there are enough of them",
        )
    tail = (1 - confidence) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Estimate(value=float(values[0]), low=float(low), high=float(high))


def _by_score(y: Array, score: Array, weights: Array) -> tuple[Array, Array]:
    """Return the weights of bads and goods of each distinct score, in rising order."""
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(ranked)) + 1])
    outcome, ordered = y[order], weights[:, order]
    with np.errstate(divide="ignore", invalid="ignore"):
        return (
            np.add.reduceat(ordered * outcome, starts, axis=1),
            np.add.reduceat(ordered * (1 - outcome), starts, axis=1),
        )
