"""A Gaussian process for a whole day: a linear part, and a smooth one for what acts together.

Its mean is a kernel ridge regression, so one factorisation answers all 24 hours (Rasmussen & Williams 2006, ch. 2). On
a few years of days it is as cheap as a linear model, and says what a ridge cannot: that a cold front matters more in
January, or that a holiday behaves like a Sunday as cold as this one.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.gaussian_process.kernels import Matern
from sklearn.kernel_ridge import KernelRidge

from include.forecasting.panel import Array
from include.forecasting.samples import Sample
from include.forecasting.training import usable

# Columns of one unit keep their relations to each other; the others are scaled one by one.
_ONE_UNIT = ("profile", "week_ago", "two_weeks_ago", "days", "month", "last_day", "last_hours", "week_of_weather",
             "front", "front_moves", "day_change", "morning_change", "hourly_change", "temperature")  # fmt: skip
_AS_IS = ("weekday", "special")
_FARTHEST = 10.0  # standard deviations: one absurd value cannot carry a forecast away
_YEAR = 365.25


class DayKernel(BaseEstimator):
    """Forecasts the logarithm of 24 hours over the level of the last week.

    Args:
        linear: Variance of each group's linear effect.
        smooth: Inverse length scale of each group in the Matérn kernel (ν = 3/2).
        amplitude: Variance of the smooth part.
        noise: Variance of the noise.
        half_life: Years after which a day counts half; 0 for never.
    """

    def __init__(
        self, linear: dict[str, float], smooth: dict[str, float], amplitude: float, noise: float, half_life: float
    ) -> None:
        self.linear = linear
        self.smooth = smooth
        self.amplitude = amplitude
        self.noise = noise
        self.half_life = half_life

    def fit(self, sample: Sample, actual: Array) -> Self:
        """Learn from n days; days with a gap in what was measured are left out.

        Args:
            sample: What was known before each day.
            actual: What was measured, kW, shape (n, 24).
        """
        rows, y = usable(sample, actual)
        groups = {name: values[rows] for name, values in sample.groups.items()}
        self.scales_ = {name: _scale(name, groups[name]) for name in sorted({*self.linear, *self.smooth})}
        self.trained_ = self._places(groups)
        age = (sample.windows.days[rows].max() - sample.windows.days[rows]).days.to_numpy() / _YEAR
        weights = 0.5 ** (age / self.half_life) if self.half_life else np.ones(len(y))
        self.mean_ = np.average(y, axis=0, weights=weights)
        self.ridge_ = KernelRidge(alpha=self.noise, kernel="precomputed")
        self.ridge_.fit(self._kernel(self.trained_, self.trained_), y - self.mean_, sample_weight=weights)
        return self

    def predict(self, sample: Sample) -> Array:
        """Return kW, shape (n, 24)."""
        found: Array = self.ridge_.predict(self._kernel(self._places(sample.groups), self.trained_)) + self.mean_
        return np.exp(found + sample.windows.level[:, None])

    def _places(self, groups: dict[str, Array]) -> list[Array]:
        """Return the two sets of coordinates, in which the kernels have unit length."""
        standard = {
            name: np.clip((groups[name] - mean) / spread, -_FARTHEST, _FARTHEST) / np.sqrt(groups[name].shape[1])
            for name, (mean, spread) in self.scales_.items()
        }
        return [
            np.hstack([standard[name] * np.sqrt(weight) for name, weight in self.linear.items()]),
            np.hstack([standard[name] * weight for name, weight in self.smooth.items()]),
        ]

    def _kernel(self, one: list[Array], other: list[Array]) -> Array:
        smooth: Array = Matern(length_scale=1.0, nu=1.5)(one[1], other[1])
        return one[0] @ other[0].T + self.amplitude * smooth


def _scale(name: str, values: Array) -> list[Any]:
    if name in _AS_IS:
        return [0.0, 1.0]
    spread = values.std(axis=0)
    if name in _ONE_UNIT:
        spread = np.full_like(spread, spread.mean())
    return [values.mean(axis=0), spread + 1e-9]
