"""The last five weeks before each origin: all that a feature or a forecaster ever gets to see of the past.

Looking ahead is impossible by construction: a window ends at its origin, holds nothing that arrived later, and is cut
before anything is computed. Gaps are filled from the same window alone, so training sees what serving will see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.errors import SourceError
from include.forecasting.panel import HOUR, Array, Panel

DAY: Final = 24
WEEK: Final = 7 * DAY
LENGTH: Final = 5 * WEEK
WEATHER: Final = WEEK  # hours of temperature that a window holds


@dataclass(frozen=True)
class Horizon:
    """Which 24 hours are forecast, seen from the origin, and what is known of them.

    Args:
        lead: Whole hours from the origin to the first hour: 0 at the midnight before the day, 12 at the noon before.
        temperature: Whether a temperature of the target hours is given.
    """

    lead: int
    temperature: bool

    def origin(self, day: pd.Timestamp) -> pd.Timestamp:
        """Return the moment at which the day's forecast is made."""
        return day - self.lead * HOUR


@dataclass(frozen=True)
class Windows:
    """What was known at each of n origins.

    Args:
        days: The target days, shape (n,).
        horizon: Where the target hours lie.
        load: Logarithm of the load before the origin, oldest first, shape (n, LENGTH); gaps are filled.
        level: Its mean over the last week, shape (n,).
        share: Share of the last week's hours that were known and not zero, shape (n,).
        others: Logarithm of other series' loads in the last day over their level, shape (n, DAY, others).
        past: °F before the origin, shape (n, WEATHER, stations); gaps are filled.
        nearby: Its mean over the series' own stations, shape (n, WEATHER).
        target: °F of the target hours, the mean of the same stations, shape (n, DAY); None where it is not given.
    """

    days: pd.DatetimeIndex
    horizon: Horizon
    load: Array
    level: Array
    share: Array
    others: Array
    past: Array
    nearby: Array
    target: Array | None

    def lag(self, hours: int) -> Array:
        """Return the log load so many hours before each target hour, shape (n, DAY).

        Raises:
            SourceError: that is not known at the origin, or not within the window.
        """
        start = LENGTH + self.horizon.lead - hours
        if not 0 <= start <= LENGTH - DAY:
            raise SourceError(
                expected=f"a lag of {self.horizon.lead + DAY} to {LENGTH + self.horizon.lead} hours",
                seen=f"{hours} hours",
                where=f"window of a forecast {self.horizon.lead} hours ahead",
                next_step="use a lag that is known at the origin",
            )
        return self.load[:, start : start + DAY]

    def weeks_back(self, count: int) -> Array:
        """Return the log loads of the same hours in the last known weeks, the newest first, shape (n, count, DAY)."""
        first = -(-(self.horizon.lead + DAY) // WEEK)
        return np.stack([self.lag(WEEK * (first + step)) for step in range(count)], axis=1)

    def newest(self) -> Array:
        """Return the newest known log load of each target hour's time of day, shape (n, DAY)."""
        ahead = self.horizon.lead + np.arange(DAY)
        return self.load[:, LENGTH + ahead - DAY * (ahead // DAY + 1)]


def cut(
    panel: Panel,
    days: pd.DatetimeIndex,
    horizon: Horizon,
    *,
    names: Sequence[str],
    others: Sequence[int] = (),
    stations: Mapping[str, Sequence[int]] | None = None,
    target: Array | None = None,
) -> dict[str, Windows]:
    """Return each series' windows that end at the days' origins; what they share is held once.

    Args:
        panel: At least what was known at the last origin; more of it changes nothing.
        days: Target days.
        horizon: Where the target hours lie.
        names: The series to forecast.
        others: Columns of the series that every forecast may look at.
        stations: Columns of the stations that lie by a series; all of them without it.
        target: °F of the target hours, shape (n, DAY, stations); needed where the horizon says that it is given.

    Raises:
        SourceError: no load at all is known in some window, or an hour's temperature is promised and not there.
    """
    ahead = _given(target, days, panel.temperature.shape[1]) if horizon.temperature else None
    everywhere = range(panel.temperature.shape[1])
    origins = pd.DatetimeIndex([horizon.origin(day) for day in days])
    ends = np.array([panel.place(origin) for origin in origins], dtype=int)
    moments = origins.as_unit("ns").asi8
    near = np.log(_positive(_before(panel, ends, moments, list(others), WEEK)))
    relative = np.nan_to_num(near[:, -DAY:] - _mean(near, axis=1)[:, None])
    past = _weather(_gather(panel.temperature, ends, WEATHER))
    found = {}
    for name in names:
        raw = _positive(_before(panel, ends, moments, [panel.series(name)], LENGTH)[:, :, 0])
        load = np.log(_filled(raw, days, name))
        by = list(stations[name] if stations else everywhere)
        found[name] = Windows(
            days=days,
            horizon=horizon,
            load=load,
            level=load[:, -WEEK:].mean(axis=1),
            share=np.isfinite(raw[:, -WEEK:]).mean(axis=1),
            others=relative,
            past=past,
            nearby=past[:, :, by].mean(axis=2),
            target=None if ahead is None else ahead[:, :, by].mean(axis=2),
        )
    return found


def _given(target: Array | None, days: pd.DatetimeIndex, stations: int) -> Array:
    """Return the target's temperature; a station without one gets the mean of the others that hour."""
    if target is not None and target.shape == (len(days), DAY, stations):
        whole: Array = np.where(np.isnan(target), _mean(target, axis=2)[:, :, None], target)
        if np.isfinite(whole).all():
            return whole
    raise SourceError(
        expected=f"a temperature for {DAY} hours of each of {len(days)} days, at one of {stations} stations at least",
        seen="none, or with gaps",
        where="known temperature of the target hours",
        next_step="give the forecast's temperature, or use a model that does without",
    )


def _gather(values: NDArray[np.generic], ends: NDArray[np.int_], length: int) -> Array:
    """Return the rows before each end, shape (n, length, columns); NaN before the first and behind the last row."""
    place = ends[:, None] + np.arange(-length, 0)
    inside = (place >= 0) & (place < len(values))
    return np.where(inside[:, :, None], values[np.where(inside, place, 0)], np.nan)


def _before(panel: Panel, ends: NDArray[np.int_], moments: NDArray[np.int64], columns: list[int], length: int) -> Array:
    load = _gather(panel.load[:, columns], ends, length)
    place = np.clip(ends[:, None] + np.arange(-length, 0), 0, max(len(panel.known) - 1, 0))
    arrived = panel.known[:, columns][place] <= moments[:, None, None]
    return np.where(arrived, load, np.nan)


def _positive(values: Array) -> Array:
    return np.where(values > 0, values, np.nan)


def _filled(values: Array, days: pd.DatetimeIndex, series: str) -> Array:
    """Fill a gap with the hour a week before it, else after it in the window, else with the mean of its time of day."""
    if (empty := ~np.isfinite(values).any(axis=1)).any():
        raise SourceError(
            expected=f"a positive load within {LENGTH // DAY} days before the origin",
            seen="none",
            where=f"{series}, forecast of {days[empty][0]:%Y-%m-%d}",
            next_step="use the fall-back, and see why nothing was delivered",
        )
    weeks = values.reshape(len(values), -1, WEEK).copy()
    for order in (range(1, weeks.shape[1]), range(weeks.shape[1] - 2, -1, -1)):
        step = 1 if order.step > 0 else -1
        for week in order:
            weeks[:, week] = np.where(np.isnan(weeks[:, week]), weeks[:, week - step], weeks[:, week])
    by_hour = weeks.reshape(len(values), -1, DAY)
    by_hour = np.where(np.isnan(by_hour), _mean(by_hour, axis=1)[:, None], by_hour)
    flat: Array = by_hour.reshape(len(values), -1)
    return np.where(np.isnan(flat), _mean(flat, axis=1)[:, None], flat)


def _weather(past: Array) -> Array:
    """Fill a station's gap with the mean of the others that hour plus its usual offset, else with the hour's usual."""
    mean = _mean(past, axis=2)
    offset = np.nan_to_num(_mean(past - mean[:, :, None], axis=1))
    whole = np.where(np.isnan(past), mean[:, :, None] + offset[:, None], past)
    days = whole.reshape(len(past), -1, DAY, past.shape[2])
    filled: Array = np.where(np.isnan(days), _mean(days, axis=1)[:, None], days).reshape(past.shape)
    return filled


def _mean(values: Array, axis: int) -> Array:
    """Return the mean of what is there; NaN, without a warning, where nothing is."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: Array = np.where(there, values, 0.0).sum(axis=axis) / there.sum(axis=axis)
    return mean
