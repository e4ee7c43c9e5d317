"""The newest windows of a use case against its reference; all are judged again from the rows every time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from include.forecast import Forecast
from include.monitor_ops.reference import Dated
from include.monitoring.causes import diagnose
from include.monitoring.drift import WindowDrift, detect
from include.monitoring.evidence import DriftFacts
from include.monitoring.profile import ReferenceProfile
from include.monitoring.window import WindowCounts, read
from include.spec import UseCase

_NAMED = 5  # a sentence that somebody reads at night; the report's table has them all


@dataclass(frozen=True)
class Window:
    """Some days of rows, and what was found.

    Args:
        first_day: Its first day.
        last_day: Its last day.
        rows: Its rows.
        seen: Their counts in the reference's cells.
        drift: What differs; it says so where the window was too small to judge.
    """

    first_day: dt.date
    last_day: dt.date
    rows: pd.DataFrame
    seen: WindowCounts
    drift: WindowDrift

    @property
    def named(self) -> str:
        """Return the columns that have drifted most with their effects and how many more, or why there are none."""
        if self.drift.not_judged:
            return f"not judged: {self.drift.not_judged}"
        drifted = self.drift.drifted
        columns = [f"{each.column} (effect {each.effect:.2f}, p {each.adjusted_p:.1g})" for each in drifted[:_NAMED]]
        together = ["all columns together"] if self.drift.joint_drifted and not columns else []
        more = f" and {len(drifted) - _NAMED} more" if len(drifted) > _NAMED else ""
        return (", ".join(columns + together) or "none") + more


def newest_day(spec: UseCase, as_of: dt.date) -> dt.date:
    """Return the last day that a monitor judges on a day."""
    # Of its own day a grid knows the hours so far, and a window of part of a day is no calm one.
    return as_of - dt.timedelta(days=1) if isinstance(spec, Forecast) else as_of


def newest_windows(spec: UseCase, profile: ReferenceProfile, dated: Dated, last_day: dt.date) -> list[Window]:
    """Judge as many windows up to a day as can confirm a drift, and return them with the oldest first.

    Args:
        spec: The use case.
        profile: Its reference.
        dated: Rows of the days, with the reference's columns.
        last_day: Last day of the newest window.
    """
    limits, windows = spec.monitoring, []
    for _ in range(limits.confirm[1]):
        first_day = last_day - dt.timedelta(days=limits.window_days - 1)
        windows.append(judged(spec, profile, dated.between(first_day, last_day), first_day, last_day))
        last_day = first_day - dt.timedelta(days=1)
    return windows[::-1]


def judged(
    spec: UseCase, profile: ReferenceProfile, rows: pd.DataFrame, first_day: dt.date, last_day: dt.date
) -> Window:
    """Judge one window."""
    limits, seen = spec.monitoring, read(profile, rows, seed=spec.seed)
    if seen.rows < limits.min_rows:
        said = f"{seen.rows} rows from {first_day} to {last_day}, fewer than {limits.min_rows}"
        drift = WindowDrift(rows=seen.rows, columns=(), problems=seen.problems, not_judged=said)
    else:
        drift = detect(
            profile, seen, rate=limits.false_alarm_rate, min_effect=limits.min_effect,
            first_day=first_day, last_day=last_day, seed=spec.seed,
        )  # fmt: skip
    return Window(first_day, last_day, rows, seen, drift)


def drift_facts(spec: UseCase, profile: ReferenceProfile, windows: Sequence[Window], **given: Any) -> DriftFacts:
    """Return which windows drifted, for a verdict; a window of wrong data confirms nothing.

    Args:
        spec: The use case.
        profile: Its reference.
        windows: Oldest first.
        given: What else the diagnosis is told.
    """
    newest = windows[-1]
    return DriftFacts(
        windows=tuple(
            None if each.drift.not_judged or diagnose(profile, each.seen, each.drift, **given).fault
            else each.drift.alarm
            for each in windows
        ),
        needed=spec.monitoring.confirm[0],
        said=f"{newest.named}, from {newest.first_day} to {newest.last_day}",
    )  # fmt: skip
