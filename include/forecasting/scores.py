"""How good forecasts were: errors of the point, of the quantiles, and how often an interval was right.

All take arrays of shape (days, series, hours), quantiles with the levels in front. Nothing is averaged over what has
no number: a missing value is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from include.errors import MissingMetricError
from include.forecasting.hierarchy import Array

By = Literal["all", "series", "hour", "series and hour"]
_AXES: dict[By, tuple[int, ...]] = {"all": (1, 2), "series": (2,), "hour": (1,), "series and hour": ()}


def bias(actual: Array, forecast: Array) -> float:
    """Return the mean of forecast minus actual, in the series' unit; positive is too high."""
    _numbers(actual, forecast)
    return float((forecast - actual).mean())


def mae(actual: Array, forecast: Array) -> float:
    """Return the mean absolute error, in the series' unit."""
    _numbers(actual, forecast)
    return float(np.abs(forecast - actual).mean())


def mape(actual: Array, forecast: Array) -> float:
    """Return the mean absolute percentage error as a share; hours where nothing came have none, and are left out.

    Raises:
        MissingMetricError: a value is missing, or every actual is zero.
    """
    _numbers(actual, forecast)
    some = actual != 0
    if not some.any():
        raise _missing("an hour with an actual other than zero", "none")
    return float(np.abs(forecast[some] / actual[some] - 1).mean())


def pinball(actual: Array, quantiles: Array, levels: Sequence[float]) -> Array:
    """Return the pinball loss of each value, shape (levels, …) (Koenker & Bassett, 1978), in the series' unit.

    Args:
        actual: Shape (…).
        quantiles: Shape (levels, …).
        levels: Between 0 and 1.
    """
    _numbers(actual, quantiles)
    if len(levels) != len(quantiles):
        raise _missing(f"quantiles at {len(levels)} levels", f"{len(quantiles)}")
    level = np.asarray(levels, dtype=float).reshape(-1, *[1] * actual.ndim)
    over = actual - quantiles
    loss: Array = np.maximum(level * over, (level - 1) * over)
    return loss


def crps(actual: Array, quantiles: Array, levels: Sequence[float]) -> float:
    """Return the continuous ranked probability score, twice the mean pinball loss over evenly spaced levels.

    With levels of 10 to 90 % what lies beyond is seen only through the outer two (Gneiting & Ranjan, 2011).

    Raises:
        MissingMetricError: a value is missing, or the levels are not k / (m + 1).
    """
    even = np.arange(1, len(levels) + 1) / (len(levels) + 1)
    if not np.allclose(levels, even):
        raise _missing(f"evenly spaced levels like {np.round(even, 3).tolist()}", f"{list(levels)}")
    return float(2 * pinball(actual, quantiles, levels).mean())


def coverage(
    actual: Array, low: Array, high: Array, names: Sequence[str], *, by: By = "all", confidence: float = 0.95
) -> pd.DataFrame:
    """Return how often the actual was inside, with an interval for that share.

    Hours and series of one day depend on each other, so the share's variance is taken between days, and turned into
    the number of independent values of the same variance; Wilson's interval (1927) follows. Days count as independent.

    Args:
        actual: Shape (days, series, hours).
        low: Lower end, the same shape.
        high: Upper end, the same shape.
        names: Of the series.
        by: What to count separately.
        confidence: Of the share's interval.

    Returns:
        One row a group: ``series``, ``hour`` (from 1) where they were separated, ``covered``, ``low``, ``high``,
        ``values`` (how many were counted).
    """
    _numbers(actual, low, high)
    inside = ((low <= actual) & (actual <= high)).astype(float)
    daily = inside.mean(axis=_AXES[by]) if _AXES[by] else inside
    share = daily.mean(axis=0)
    days, counted = len(inside), inside.size // max(1, share.size)
    between = daily.var(axis=0, ddof=1) / days if days > 1 else np.full(share.shape, np.inf)
    binomial = share * (1 - share)
    worth = np.divide(binomial, between, out=np.full(share.shape, float(days)), where=(between > 0) & (binomial > 0))
    bottom, top = _wilson(share, np.clip(worth, 1, counted), confidence)
    table = pd.DataFrame({"covered": np.ravel(share), "low": np.ravel(bottom), "high": np.ravel(top)})
    hours = np.arange(1, actual.shape[2] + 1)
    if by == "series":
        table.insert(0, "series", list(names))
    elif by == "hour":
        table.insert(0, "hour", hours)
    elif by == "series and hour":
        table.insert(0, "series", np.repeat(list(names), len(hours)))
        table.insert(1, "hour", np.tile(hours, len(names)))
    return table.assign(values=counted)


def pit_histogram(actual: Array, quantiles: Array, levels: Sequence[float]) -> pd.DataFrame:
    """Return where the actuals fell among the quantiles: a flat histogram is calibrated (Gneiting et al., 2007).

    A hump says too wide, a bowl too narrow, a slope biased.

    Returns:
        One row a bin: ``low``, ``high`` (of probability), ``expected`` and ``seen`` (shares that sum to 1).
    """
    _numbers(actual, quantiles)
    edges = np.concatenate([[0.0], np.asarray(levels, dtype=float), [1.0]])
    place = (actual > quantiles).sum(axis=0)
    seen = np.bincount(place.ravel(), minlength=len(edges) - 1) / place.size
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "expected": np.diff(edges), "seen": seen})


def _wilson(share: Array, count: Array, confidence: float) -> tuple[Array, Array]:
    z = float(stats.norm.ppf((1 + confidence) / 2))
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return middle - half, middle + half


def _numbers(*values: NDArray[np.float64]) -> None:
    for each in values:
        if each.size == 0 or not np.isfinite(each).all():
            raise _missing("numbers", f"{each.size} values, {int((~np.isfinite(each)).sum())} of them not numbers")


def _missing(expected: str, seen: str) -> MissingMetricError:
    return MissingMetricError(
        expected=expected, seen=seen, where="forecast scores", next_step="see which series, day and hour has no number"
    )
