"""Two usual families of models: a ridge regression for each hour, and gradient boosting over all hours."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from include.forecasting.features import NEARBY, OWN, SHARED, TARGET
from include.forecasting.panel import Array
from include.forecasting.samples import Sample
from include.forecasting.training import usable
from include.forecasting.windows import DAY

_DAILY = ("days", "month", "week_of_weather", "season", "special", "weekday")


class HourlyRidge(BaseEstimator):
    """A ridge regression for each hour of the day on all features; the interpretable model of the house.

    Args:
        penalty: Weight of the squared coefficients of standardised features.
    """

    def __init__(self, penalty: float) -> None:
        self.penalty = penalty

    def fit(self, sample: Sample, actual: Array) -> Self:
        """Learn from n days with what was measured, kW, shape (n, 24)."""
        rows, y = usable(sample, actual)
        self.model_ = make_pipeline(StandardScaler(), Ridge(alpha=self.penalty)).fit(_wide(sample)[rows], y)
        return self

    def predict(self, sample: Sample) -> Array:
        """Return kW, shape (n, 24)."""
        found: Array = self.model_.predict(_wide(sample))
        return np.exp(found + sample.windows.level[:, None])


class HourlyBoosting(BaseEstimator):
    """Gradient boosting over histograms with the hour as a feature, so that all hours share their trees.

    Args:
        rounds: Number of trees.
        rate: Learning rate.
        leaves: Most leaves of a tree.
        smallest: Fewest rows of a leaf; 24 rows are one day.
        seed: Of the features that each split may choose among.
    """

    def __init__(self, rounds: int, rate: float, leaves: int, smallest: int, seed: int) -> None:
        self.rounds = rounds
        self.rate = rate
        self.leaves = leaves
        self.smallest = smallest
        self.seed = seed

    def fit(self, sample: Sample, actual: Array) -> Self:
        """Learn from n days with what was measured, kW, shape (n, 24)."""
        rows, y = usable(sample, actual)
        self.model_ = HistGradientBoostingRegressor(
            loss="absolute_error", max_iter=self.rounds, learning_rate=self.rate, max_leaf_nodes=self.leaves,
            min_samples_leaf=self.smallest, max_features=0.3, early_stopping=False, random_state=self.seed,
        )  # fmt: skip
        long = _long(sample).reshape(len(sample), DAY, -1)[rows]
        self.model_.fit(long.reshape(len(rows) * DAY, -1), y.reshape(-1))
        return self

    def predict(self, sample: Sample) -> Array:
        """Return kW, shape (n, 24)."""
        found: Array = self.model_.predict(_long(sample)).reshape(len(sample), DAY)
        return np.exp(found + sample.windows.level[:, None])


def _wide(sample: Sample) -> Array:
    """Return one row a day with all features."""
    known = TARGET if sample.windows.horizon.temperature else ()
    return np.hstack([sample.groups[name] for name in (*OWN, *NEARBY, *SHARED, *known)])


def _long(sample: Sample) -> Array:
    """Return one row an hour: what holds for the whole day, and what belongs to the hour."""
    windows, level = sample.windows, sample.windows.level[:, None]
    mean = windows.nearby
    last = windows.load[:, -DAY:] - level
    daily = [sample.groups[name] for name in _DAILY]
    daily += [last.reshape(len(last), 8, 3).mean(axis=2), mean[:, -1:], mean[:, -1:] - mean[:, -1 - DAY : -DAY]]
    ahead = windows.horizon.lead + np.arange(DAY)
    weeks = windows.weeks_back(2) - level[:, None]
    then = mean[:, mean.shape[1] + ahead - DAY * (ahead // DAY + 1)]
    hourly = [np.broadcast_to(np.arange(DAY), last.shape), windows.newest() - level, weeks[:, 0], weeks[:, 1], then]
    if windows.target is not None:
        before = np.hstack([mean[:, -DAY:], windows.target])
        sums = np.cumsum(np.hstack([np.zeros((len(before), 1)), before]), axis=1)
        hourly += [windows.target, *((sums[:, DAY + 1 :] - sums[:, DAY + 1 - n : -n]) / n for n in (3, DAY))]
        daily += [windows.target.max(axis=1, keepdims=True), windows.target.min(axis=1, keepdims=True)]
    day = np.repeat(np.hstack(daily)[:, None], DAY, axis=1)
    return np.concatenate([day, np.stack(hourly, axis=-1)], axis=2).reshape(len(last) * DAY, -1)
