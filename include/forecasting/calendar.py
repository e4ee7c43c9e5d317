"""What the calendar says about a day, known for ever in advance."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
_HARMONICS = 4  # the year's shape down to about six weeks
_YEAR = 365.25


@dataclass(frozen=True)
class Calendar:
    """Special days, and the clock that people live by.

    Args:
        kinds: Days by kind, e.g. ``{"holiday": …, "bridge": …}``; each kind gets an effect of its own. The neighbours
            of a day of the first kind that falls on a weekday are kinds of their own.
        clock: Time zone whose clock changes move people's habits against the hours of the data; empty for none.
    """

    kinds: Mapping[str, frozenset[dt.date]]
    clock: str = ""

    def weekday(self, days: pd.DatetimeIndex) -> Array:
        """Return one column a weekday, Monday first, shape (days, 7)."""
        return np.eye(7)[days.day_of_week.to_numpy()]

    def special(self, days: pd.DatetimeIndex) -> Array:
        """Return one column a kind, and two for the day before and after one of the first kind."""
        one = pd.Timedelta(days=1)
        columns = [self._is(kind, days) for kind in self.kinds]
        if columns:
            first = next(iter(self.kinds))
            columns += [self._is(first, days + step) * ((days + step).day_of_week < 5) for step in (one, -one)]
        return np.column_stack(columns) if columns else np.zeros((len(days), 0))

    def free(self, days: pd.DatetimeIndex) -> NDArray[np.bool_]:
        """Return which days are of the first kind, shape (days,)."""
        none = np.zeros(len(days), dtype=bool)
        return self._is(next(iter(self.kinds)), days).astype(bool) if self.kinds else none

    def season(self, days: pd.DatetimeIndex) -> Array:
        """Return the day's place on the circle of the year, shape (days, 2)."""
        angle = 2 * np.pi * (days.day_of_year.to_numpy() - 1) / _YEAR
        return np.column_stack([np.sin(angle), np.cos(angle)])

    def effects(self, days: pd.DatetimeIndex) -> Array:
        """Return all effects of the calendar: weekday, special days, season, its weekends, changed clock, trend."""
        angle = 2 * np.pi * (days.day_of_year.to_numpy() - 1) / _YEAR
        waves = [wave(k * angle) for k in range(1, _HARMONICS + 1) for wave in (np.sin, np.cos)]
        weekend = (days.day_of_week >= 5).astype(float)
        shifted = self._shifted(days)
        return np.column_stack(
            [
                self.weekday(days),
                self.special(days),
                *waves,
                *(wave * weekend for wave in waves[:4]),
                shifted,
                *(wave * shifted for wave in waves[:4]),
                (days - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta(days=_YEAR),
            ]
        )

    def _is(self, kind: str, days: pd.DatetimeIndex) -> Array:
        wanted = self.kinds[kind]
        return np.array([day in wanted for day in days.date], dtype=float)

    def _shifted(self, days: pd.DatetimeIndex) -> Array:
        if not self.clock:
            return np.zeros(len(days))
        zone = ZoneInfo(self.clock)
        noons = [dt.datetime.combine(day, dt.time(12), zone) for day in days.date]
        return np.array([bool(noon.dst()) for noon in noons], dtype=float)
