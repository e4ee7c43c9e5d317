"""A Gaussian process over days for the competition's weeks: it also knows which days are near in time, on either side.

Beside the linear and the smooth part of ``include.forecasting.kernel`` it has a part that fades with the distance in
time. A blanked week so follows the weeks around it, and a week to come the days before it; the product, which forecasts
from the past alone, looks at the level of the last week instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from sklearn.gaussian_process.kernels import Matern
from sklearn.kernel_ridge import KernelRidge

from include.forecasting.calendar import Calendar
from include.forecasting.features import degrees
from include.forecasting.panel import Array

BEFORE = 6  # days of temperature before the day itself
_BLOCK = 4  # hours
# Chosen on the total, and rounded: by every week of 2005 to 2007 left out in turn, and by 74 weeks ahead of 2005 to
# June 2008. The competition's weeks had no part in it.
_LINEAR = {"calendar": 0.2, "temperature": 10.0, "degrees": 2.0, "yesterday_degrees": 1.5, "week_degrees": 0.5}
_SMOOTH = {"temperature": 1.0, "yesterday": 0.4, "week": 0.3, "season": 0.5, "weekday": 0.5, "special": 1.6}
_AMPLITUDE = 2.0
_NEARNESS = {3.0: 0.2, 30.0: 0.2, 1000.0: 1.0}  # variance by the days after which it has faded to 1/e
_NOISE = 0.25
_ONE_UNIT = ("temperature", "yesterday", "week")
_AS_IS = ("weekday", "special")


@dataclass(frozen=True)
class Days:
    """n days with what is known of them.

    Args:
        days: Midnights, shape (n,); the same one several times where several temperatures are supposed.
        groups: Their features by group, each of shape (n, size of the group).
    """

    days: pd.DatetimeIndex
    groups: dict[str, Array]

    @property
    def number(self) -> Array:
        """Return the days counted from a fixed one, shape (n, 1)."""
        since: Array = ((self.days - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta(days=1)).to_numpy()[:, None]
        return since


def describe(days: pd.DatetimeIndex, temperature: Array, calendar: Calendar) -> Days:
    """Return days with their features.

    Args:
        days: Midnights, shape (n,).
        temperature: °F of each day, behind that of the days before it, shape (n, BEFORE + 1, 24).
        calendar: Special days.
    """
    today, yesterday = temperature[:, -1], temperature[:, -2]
    mean = temperature.mean(axis=2)
    longer = np.column_stack([mean[:, :-2].mean(axis=1), mean[:, -3:].mean(axis=1)])
    groups = {
        "temperature": today,
        "yesterday": yesterday,
        "week": mean[:, :-2],
        "degrees": degrees(_blocks(today)),
        "yesterday_degrees": degrees(_blocks(yesterday)),
        "week_degrees": degrees(longer),
        "calendar": calendar.effects(days)[:, :-1],  # without its trend, which nearness in time follows better
        "weekday": calendar.weekday(days),
        "special": calendar.special(days),
        "season": calendar.season(days),
    }
    return Days(days, groups)


class NearbyDays:
    """Gives the 24 hours of a day from its weather, its place in the calendar, and the days near it."""

    def fit(self, known: Days, load: Array) -> Self:
        """Learn from n days and their load, kW, shape (n, 24); all must be there and positive."""
        self.scales_ = {name: _scale(name, known.groups[name]) for name in {**_LINEAR, **_SMOOTH}}
        self.known_ = known
        self.mean_ = np.log(load).mean(axis=0)
        self.ridge_ = KernelRidge(alpha=_NOISE, kernel="precomputed")
        self.ridge_.fit(self._kernel(known), np.log(load) - self.mean_)
        return self

    def predict(self, wanted: Days) -> Array:
        """Return kW, shape (n, 24)."""
        found: Array = np.exp(self.ridge_.predict(self._kernel(wanted)) + self.mean_)
        return found

    def _kernel(self, wanted: Days) -> Array:
        (linear, smooth), (known_linear, known_smooth) = self._places(wanted), self._places(self.known_)
        kernel: Array = linear @ known_linear.T + _AMPLITUDE * Matern(nu=1.5)(smooth, known_smooth)
        for reach, variance in _NEARNESS.items():
            kernel += variance * Matern(length_scale=reach, nu=0.5)(wanted.number, self.known_.number)
        return kernel

    def _places(self, days: Days) -> tuple[Array, Array]:
        """Return the two sets of coordinates, in which the kernels have unit length."""
        standard = {
            name: (days.groups[name] - mean) / spread / np.sqrt(days.groups[name].shape[1])
            for name, (mean, spread) in self.scales_.items()
        }
        return (
            np.hstack([standard[name] * np.sqrt(weight) for name, weight in _LINEAR.items()]),
            np.hstack([standard[name] * weight for name, weight in _SMOOTH.items()]),
        )


def _blocks(hours: Array) -> Array:
    mean: Array = hours.reshape(len(hours), -1, _BLOCK).mean(axis=2)
    return mean


def _scale(name: str, values: Array) -> tuple[Array, Array]:
    columns = values.shape[1]
    if name in _AS_IS:
        return np.zeros(columns), np.ones(columns)
    spread = values.std(axis=0)
    if name in _ONE_UNIT:
        spread = np.full(columns, spread.mean())
    return values.mean(axis=0), spread + 1e-9
