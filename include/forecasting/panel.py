"""Hourly series of one system side by side, each value with the moment from which it was known.

Hours run on one clock without gaps, 24 to a day, as ``include.data.gefcom`` has them. A missing value is NaN.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.errors import SourceError

Array = NDArray[np.float64]
HOUR = pd.Timedelta(hours=1)
TOTAL = "total"
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Panel:
    """Load by series and temperature by station.

    Args:
        times: Starts of the hours, UTC, without a gap; the first is a midnight. Shape (hours,).
        names: Names of the series; one of them may be ``total``.
        load: kW, shape (hours, series).
        known: Nanoseconds since 1970 at which each load became known, shape (hours, series).
        temperature: °F, shape (hours, stations); known at the end of its hour.
    """

    times: pd.DatetimeIndex
    names: tuple[str, ...]
    load: Array
    known: NDArray[np.int64]
    temperature: Array

    def place(self, moment: pd.Timestamp) -> int:
        """Return how many hours of the panel have ended by a moment; it may lie behind the panel's end."""
        return int((moment - self.times[0]) // HOUR)

    def series(self, name: str) -> int:
        """Return the column of a series.

        Raises:
            SourceError: there is no such series.
        """
        if name not in self.names:
            raise SourceError(
                expected=f"one of {', '.join(self.names)}",
                seen=name,
                where="panel of loads",
                next_step="ask for a series that was delivered",
            )
        return self.names.index(name)

    def hours_of(self, values: Array, days: pd.DatetimeIndex) -> Array:
        """Return the rows of days, shape (days, 24, columns); NaN where the panel does not reach.

        Args:
            values: One of the panel's arrays, or one like it, shape (hours, columns).
            days: Midnights of the panel's clock.
        """
        place = np.array([self.place(day) for day in days], dtype=int)[:, None] + np.arange(24)
        inside = (place >= 0) & (place < len(values))
        return np.where(inside[:, :, None], values[np.where(inside, place, 0)], np.nan)

    def known_at(self, origin: pd.Timestamp) -> Panel:
        """Return the panel as it was at an origin: later hours are cut off, later arrivals are NaN."""
        end = max(0, min(self.place(origin), len(self.times)))
        known = self.known[:end]
        return Panel(
            times=self.times[:end],
            names=self.names,
            load=np.where(known <= origin.value, self.load[:end], np.nan),
            known=known,
            temperature=self.temperature[:end],
        )


def from_tidy(
    loads: pd.DataFrame, temperatures: pd.DataFrame, *, as_of: pd.Timestamp | None = None, total: bool = True
) -> Panel:
    """Return a panel of tidy rows.

    Args:
        loads: ``zone``, ``time``, ``load_kw``, ``available_at``; a corrected hour has a row for each version.
        temperatures: ``station``, ``time``, ``temperature_f``.
        as_of: Rows that became known later are left out; none are without it. Of several versions the newest counts.
        total: Whether to add the sum of all zones; it is known when its last zone is.

    Raises:
        SourceError: there is no row left.
    """
    if as_of is not None:
        loads = loads[loads["available_at"] <= as_of]
    if loads.empty:
        raise SourceError(
            expected="rows of load",
            seen="none",
            where=f"panel as of {as_of}",
            next_step="land the history before a forecast is asked for",
        )
    newest = loads.sort_values("available_at", kind="stable").drop_duplicates(["zone", "time"], keep="last")
    first, last = newest["time"].min().floor("D"), newest["time"].max()
    times = pd.date_range(first, last, freq="h")
    load = newest.pivot(index="time", columns="zone", values="load_kw").reindex(times)
    known = newest.pivot(index="time", columns="zone", values="available_at").reindex(times)
    moments = known.apply(lambda column: column.astype("datetime64[ns, UTC]").astype("int64")).to_numpy(copy=True)
    values = load.to_numpy(dtype=float)
    moments[np.isnan(values)] = _NEVER
    names = [str(name) for name in load.columns]
    if total:
        values = np.column_stack([values, values.sum(axis=1)])
        moments = np.column_stack([moments, moments.max(axis=1)])
        names.append(TOTAL)
    weather = temperatures.pivot(index="time", columns="station", values="temperature_f").reindex(times)
    return Panel(times, tuple(names), values, moments, weather.to_numpy(dtype=float))
