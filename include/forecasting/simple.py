"""Forecasters that every model must beat: they learn nothing, or only remember."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from include.forecasting.panel import Array
from include.forecasting.samples import Sample
from include.forecasting.training import usable

_ALIKE = 5  # days
_SEASON = 10.0  # °F that half a year counts, twice


class Yesterday(BaseEstimator):
    """The newest known value of the same time of day."""

    def fit(self, sample: Sample, actual: Array) -> Self:
        """Learn nothing."""
        return self

    def predict(self, sample: Sample) -> Array:
        """Return kW, shape (n, 24)."""
        return np.exp(sample.windows.newest())


class SameWeekday(BaseEstimator):
    """The mean of the last known same weekdays; of one, it is last week's.

    Args:
        weeks: How many weeks.
    """

    def __init__(self, weeks: int) -> None:
        self.weeks = weeks

    def fit(self, sample: Sample, actual: Array) -> Self:
        """Learn nothing."""
        return self

    def predict(self, sample: Sample) -> Array:
        """Return kW, shape (n, 24)."""
        found: Array = np.exp(sample.windows.weeks_back(self.weeks)).mean(axis=1)
        return found


class SimilarDay(BaseEstimator):
    """The mean shape of the past days that were most alike, at today's level.

    Alike are days of the same kind (working day, Saturday, Sunday or holiday) with a like temperature and season. Where
    the target day's temperature is not known, the last known day's stands for it.
    """

    def fit(self, sample: Sample, actual: Array) -> Self:
        """Remember n days.

        Args:
            sample: What was known before each day.
            actual: What was measured, kW, shape (n, 24).
        """
        rows, self.shapes_ = usable(sample, actual)
        self.kinds_ = _kind(sample)[rows]
        self.places_ = _place(sample)[rows]
        return self

    def predict(self, sample: Sample) -> Array:
        """Return kW, shape (n, 24)."""
        distance = ((_place(sample)[:, None] - self.places_[None]) ** 2).sum(axis=2)
        other = _kind(sample)[:, None] != self.kinds_[None]
        nearest = np.argsort(distance + np.where(other, 1e9, 0.0), axis=1, kind="stable")[:, :_ALIKE]
        return np.exp(self.shapes_[nearest].mean(axis=1) + sample.windows.level[:, None])


def _kind(sample: Sample) -> NDArray[np.int_]:
    day = sample.windows.days.day_of_week.to_numpy()
    return np.where(sample.free | (day == 6), 2, np.where(day == 5, 1, 0))


def _place(sample: Sample) -> Array:
    """Return temperatures and season in °F, so that distances between days add up."""
    target = sample.windows.target
    hours = sample.windows.nearby[:, -24:] if target is None else target
    return np.column_stack([hours.reshape(len(hours), 4, 6).mean(axis=2), _SEASON * sample.groups["season"]])
