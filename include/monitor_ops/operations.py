"""What operations asks of a window: did the rows come, how many were turned away, and how fast and how was answered."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
from pydantic import Field

from include.clock import business_time
from include.data.landing import QUARANTINE
from include.data.sources import AVAILABLE_AT, DAY
from include.data.tables import Table
from include.records import Record
from include.serving.shipping import REQUESTS
from include.spec import DatasetUseCase, UseCase

_USUAL_DAYS = 28  # before the window, by which its days are measured
_FALLBACK = "fallback"


class Operations(Record):
    """Volume, quarantine and service of some days."""

    first_day: dt.date
    last_day: dt.date
    rows: dict[dt.date, int] = Field(description="landed rows of each day; 0 where nothing came")
    usual_rows: float = Field(description="median of the days before; 0 where there are none")
    late: dict[dt.date, int] = Field(default_factory=dict, description="days after its own that a day came, if any")
    quarantined: dict[str, int] = Field(default_factory=dict, description="rows that broke a rule, by column and rule")
    requests: int = 0
    fallback_rate: float = Field(default=0.0, description="share of requests that the fall-back answered")
    flagged_rate: float = Field(default=0.0, description="share of requests with a flag, such as an input out of range")
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    @property
    def absent(self) -> list[dt.date]:
        """Return the days that did not come."""
        return [day for day, rows in self.rows.items() if not rows]

    @property
    def quarantine_rate(self) -> float:
        """Return the share of the delivered rows that broke a rule."""
        out = sum(self.quarantined.values())
        return out / max(out + sum(self.rows.values()), 1)


def operations(spec: UseCase, first_day: dt.date, last_day: dt.date) -> Operations:
    """Return what came and what was answered on some days.

    Raises:
        TransientError: the store is away.
    """
    table, closed = spec.tables[0], spec.closed if isinstance(spec, DatasetUseCase) else ()
    before = first_day - dt.timedelta(days=_USUAL_DAYS)
    landed = Table(spec.name, table).read(first_day=before, last_day=last_day, columns=[DAY, AVAILABLE_AT])
    counts = landed[DAY].value_counts() if len(landed) else pd.Series(dtype=int)
    days = [each.date() for each in pd.date_range(first_day, last_day) if each.date() not in closed]
    usual = counts[counts.index < first_day] if len(counts) else counts
    arrived = landed.groupby(DAY)[AVAILABLE_AT].min() if len(landed) else pd.Series(dtype=object)
    delays = {day: (arrived[day] - pd.Timestamp(business_time(day))).days for day in days if day in arrived.index}
    return Operations(
        first_day=first_day,
        last_day=last_day,
        rows={day: int(counts.get(day, 0)) for day in days},
        usual_rows=float(usual.median()) if len(usual) else 0.0,
        late={day: delay for day, delay in delays.items() if delay > 0},
        quarantined=_quarantined(spec, first_day, last_day),
        **_answered(spec, first_day, last_day),
    )


def _quarantined(spec: UseCase, first_day: dt.date, last_day: dt.date) -> dict[str, int]:
    columns = [DAY, "rule", "column"]
    broken = Table(spec.name, QUARANTINE).read(first_day=first_day, last_day=last_day, columns=columns)
    if broken.empty:
        return {}
    return {str(name): int(count) for name, count in (broken["column"] + ": " + broken["rule"]).value_counts().items()}


def _answered(spec: UseCase, first_day: dt.date, last_day: dt.date) -> dict[str, Any]:
    columns = [DAY, "variant", "flags", "latency_ms"]
    asked = Table(spec.name, REQUESTS).read(first_day=first_day, last_day=last_day, columns=columns)
    if asked.empty:
        return {}
    p50, p99 = asked["latency_ms"].quantile([0.5, 0.99])
    plain = asked["flags"] == "[]"
    return {
        "requests": len(asked),
        "fallback_rate": float((asked["variant"] == _FALLBACK).mean()),
        "flagged_rate": float(1 - plain.mean()),
        "p50_ms": float(p50),
        "p99_ms": float(p99),
    }
