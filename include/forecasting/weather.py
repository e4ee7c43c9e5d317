"""A forecast of the temperature, made of the recorded one and a documented error.

The recordings hold no weather forecasts. A result with the recorded temperature of the target hours is optimistic: it
assumes a perfect forecast. So errors are drawn, and results are given for both. The error of an hour k hours ahead is

    e(k) = s(k) · z(k),   s(k)² = floor² + growth · k,   z(k) = φ · z(k−1) + √(1 − φ²) · ε(k),   ε ~ N(0, 1)

a process of unit variance, correlated from hour to hour, times a spread that grows with the lead. The defaults give a
root mean square error of 1.6 °F after 6 hours, 2.7 °F after 36 and 5.4 °F after a week, which is what services publish
for temperate places (from experience, not from this data). The draw depends on the origin's day alone: a forecast that
is made again, or for other hours of the same run, meets the same error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from include.forecasting.panel import Array
from include.forecasting.windows import DAY, Horizon

_LONGEST = 15 * DAY


@dataclass(frozen=True)
class ForecastError:
    """The error of a temperature forecast.

    Args:
        floor: Root mean square error at the origin, °F.
        growth: Growth of the error's variance, °F² an hour.
        persistence: Correlation of the scaled error from hour to hour, φ.
        seed: Of the whole series of errors.
    """

    floor: float = 1.2
    growth: float = 0.163
    persistence: float = 0.95
    seed: int = 2012

    def spread(self, ahead: Array) -> Array:
        """Return the root mean square error so many hours ahead, °F."""
        return np.sqrt(self.floor**2 + self.growth * ahead)

    def run(self, origin: pd.Timestamp) -> Array:
        """Return the errors of the forecast made on the origin's day, one an hour from the origin on, °F."""
        generator = np.random.default_rng([self.seed, origin.toordinal()])
        shocks = generator.standard_normal(_LONGEST)
        shocks[1:] *= np.sqrt(1 - self.persistence**2)
        path = lfilter([1.0], [1.0, -self.persistence], shocks)
        return path * self.spread(np.arange(1, _LONGEST + 1, dtype=float))


def forecast(actual: Array, days: pd.DatetimeIndex, horizon: Horizon, error: ForecastError) -> Array:
    """Return the temperature of the target hours as it was forecast at the origins.

    Args:
        actual: °F of the days, shape (n, 24, stations); all stations err alike.
        days: Target days.
        horizon: Where they lie from the origin.
        error: The error model.
    """
    runs = np.stack([error.run(horizon.origin(day)) for day in days])
    return actual + runs[:, horizon.lead : horizon.lead + DAY, None]
