"""How the rows of a window came, and what about it is a fault: a day away, a part of one, one that came twice, late."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Literal

import numpy as np
from pydantic import Field

from include.records import Record

_PART, _DOUBLE = 0.6, 1.6  # of a usual day's rows: less is a part, more is a batch and another one
_SURE = 4.0  # standard deviations that a day's rows must be away from a usual day's
_SPREAD = 1.5  # of days' rows over that of independent arrivals, at least
_FEWEST, _OF_A_WEEKDAY = 7, 4  # days by which others are measured; of one day of the week, before it has its own level
_REPEATED = 0.05  # of a day's rows: more of them that came before are a batch that came twice
_BROKEN = 0.05  # of the delivered rows: more of them in quarantine is a fault of the source


class Delivery(Record):
    """Volume and quarantine of some days."""

    rows: dict[dt.date, int] = Field(description="landed rows of each day; 0 where nothing came")
    usual: float = Field(default=0.0, description="median rows of usual days before; 0 where there are none")
    spread: float = Field(default=0.0, description="their standard deviation")
    repeated: dict[dt.date, int] = Field(default_factory=dict, description="rows whose key the day had already, if any")
    late: dict[dt.date, int] = Field(default_factory=dict, description="days after its own that a day came, if any")
    quarantined: dict[str, int] = Field(default_factory=dict, description="rows that broke a rule, by column and rule")

    @property
    def quarantine_rate(self) -> float:
        """Return the share of the delivered rows that broke a rule."""
        out = sum(self.quarantined.values())
        return out / max(out + sum(self.rows.values()), 1)

    @property
    def faults(self) -> list[str]:
        """Return in sentences what is wrong with the days."""
        said = [f"{day} did not come" for day, rows in self.rows.items() if not rows]
        for day, rows in self.rows.items():
            volume = _volume(rows, self.usual, self.spread)
            if volume == "part" and rows:
                said.append(f"{day} is a part: {rows} rows, usual are {self.usual:.0f}")
            elif self.repeated.get(day, 0) > _REPEATED * rows:
                said.append(f"{day} came twice: {self.repeated[day]} rows with a key that it had already")
            elif volume == "double":
                said.append(f"{day} has {rows} rows, usual are {self.usual:.0f}: a batch came twice, or another too")
        return said + [f"{day} came {days} days late" for day, days in self.late.items() if days > 0]

    @property
    def broken(self) -> list[str]:
        """Return in sentences which rules the rows broke, where that are many."""
        if self.quarantine_rate < _BROKEN:
            return []
        return [f"{rows} rows break a rule ({rule})" for rule, rows in self.quarantined.items()]


def usual_days(counts: Mapping[dt.date, int], *, days: int) -> list[int]:
    """Return the rows of the newest days that were usual when they came: a fault that lasts does not become usual.

    Args:
        counts: Rows of days, the oldest first. Days of the week are told from each other where four of each are there.
        days: How many are returned at most.
    """
    rows = np.array(list(counts.values()), dtype=float)
    weekday = np.array([day.weekday() for day in counts], dtype=int)
    level = rows.copy()
    for each in np.unique(weekday):
        mine = weekday == each
        if mine.sum() >= _OF_A_WEEKDAY and np.median(rows[mine]) > 0:
            level[mine] *= np.median(rows) / np.median(rows[mine])
    kept: list[int] = []
    for place, now in enumerate(level):
        before = level[kept[-days:]]
        if len(before) < _FEWEST or not _volume(now, float(np.median(before)), float(np.std(before, ddof=1))):
            kept.append(place)
    return [int(rows[place]) for place in kept[-days:]]


def _volume(rows: float, usual: float, spread: float) -> Literal["", "part", "double"]:
    """Return what a day's rows are by the rows of usual days."""
    sure, off = _SURE * max(spread, _SPREAD * np.sqrt(usual)), rows - usual
    if not usual or abs(off) <= sure:
        return ""
    return "part" if rows < _PART * usual else "double" if rows > _DOUBLE * usual else ""
