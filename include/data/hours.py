"""Wide rows of local hours, one row a day, as instants in UTC: also on the days on which the clock is changed.

Convention: column ``h1`` is the hour that *ends* at 01:00, and the columns count the hours as they pass. So a day has
23 values where the clock goes forward, 25 (``h25``) where it goes back, and 24 else. A stored hour is named by its
start.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.errors import SourceError

HOUR = pd.Timedelta(hours=1)


def hours_of(days: pd.Series, zone: str) -> pd.Series:
    """Return how many hours each local day has: 23, 24 or 25.

    Args:
        days: Local days, without a time zone.
        zone: Name of the time zone, e.g. ``Europe/Berlin``.
    """
    return ((_midnight(days + pd.Timedelta(days=1), zone) - _midnight(days, zone)) / HOUR).astype(int)


def to_utc(wide: pd.DataFrame, *, keys: list[str], zone: str, value: str) -> pd.DataFrame:
    """Return one row an hour.

    Args:
        wide: The keys, ``day`` (local, without a zone) and the columns ``h1`` to ``h24``, with ``h25`` where a day of
            25 hours is among them.
        keys: Names of the columns that say which series a row belongs to.
        zone: Time zone of the days.
        value: Name of the value's column.

    Returns:
        The keys, ``time`` (start of the hour, UTC) and the value; a blank stays as NaN, for a gap is a fact.

    Raises:
        SourceError: a day has a value in an hour that it does not have, or lacks the column of one that it has.
    """
    columns = [f"h{hour}" for hour in range(1, 26) if f"h{hour}" in wide]
    counts = hours_of(wide["day"], zone).to_numpy()
    values = wide[columns].to_numpy(dtype=float)
    hours = np.array([int(name[1:]) for name in columns])
    if (most := counts.max(initial=0)) > hours.max(initial=0):
        raise _broken(wide, zone, counts == most, f"columns h1 to h{most}", f"no h{most}")
    beyond = hours[None, :] > counts[:, None]
    if (wrong := (beyond & np.isfinite(values)).any(axis=1)).any():
        raise _broken(wide, zone, wrong, f"{counts[wrong][0]} values", "more")
    row, place = np.nonzero(~beyond)
    start = _midnight(wide["day"], zone).iloc[row] + pd.to_timedelta(hours[place] - 1, unit="h")
    tidy = wide[keys].iloc[row].assign(time=start.to_numpy(), **{value: values[row, place]})
    return tidy.assign(time=tidy["time"].dt.tz_localize("UTC")).reset_index(drop=True)


def _midnight(days: pd.Series, zone: str) -> pd.Series:
    """Return the instant at which each local day begins, as naive UTC.

    Where the clock is changed at midnight, the day begins with the first instant that its date has.
    """
    local = pd.to_datetime(days).dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return pd.Series(local.dt.tz_convert("UTC").dt.tz_localize(None), index=days.index)


def _broken(wide: pd.DataFrame, zone: str, rows: np.ndarray, expected: str, seen: str) -> SourceError:
    first = wide.loc[rows].iloc[0]
    return SourceError(
        expected=f"{expected} on {first['day']:%Y-%m-%d} in {zone}",
        seen=seen,
        where="wide rows of local hours",
        next_step="ask the sender which clock the rows were written by; hours are never guessed",
    )
