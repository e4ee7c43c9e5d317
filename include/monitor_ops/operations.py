"""What operations asks of a window: did the rows come, how many were turned away, and how fast and how was answered."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from include.clock import business_time
from include.data.landing import QUARANTINE, UNIQUE
from include.data.sources import AVAILABLE_AT, DAY
from include.data.tables import Table
from include.monitor_ops.response import released_on
from include.monitoring.delivery import Delivery, usual_days
from include.records import Record
from include.serving.shipping import REQUESTS
from include.spec import DatasetUseCase, Serving, UseCase

_USUAL_DAYS, _SEARCHED_DAYS = 35, 70  # by which a window's days are measured; before it, where these are looked for
_FALLBACK, _FALLBACK_LIMIT = "fallback", 0.05


class Operations(Record):
    """Volume, quarantine and service of some days."""

    first_day: dt.date
    last_day: dt.date
    delivery: Delivery
    requests: int = 0
    fallback_rate: float = Field(default=0.0, description="share of requests that the fall-back answered")
    flagged_rate: float = Field(default=0.0, description="share of requests with a flag, such as an input out of range")
    p50_ms: float = 0.0
    p99_ms: float = 0.0

    def wrong(self, serving: Serving | None) -> tuple[str, ...]:
        """Return in sentences what is not as it should be in the service."""
        if not self.requests or serving is None:
            return ()
        said = []
        if self.fallback_rate > _FALLBACK_LIMIT:
            said.append(f"the fall-back answered {self.fallback_rate:.1%} of {self.requests} requests")
        if self.p99_ms > serving.deadline_ms:
            said.append(
                f"one answer of a hundred took more than {self.p99_ms:.0f} ms, allowed are {serving.deadline_ms:g}"
            )
        return tuple(said)


def operations(spec: UseCase, first_day: dt.date, last_day: dt.date) -> Operations:
    """Return what came and what was answered on some days.

    Raises:
        TransientError: the store is away.
    """
    table, closed = spec.tables[0], spec.closed if isinstance(spec, DatasetUseCase) else ()
    before = first_day - dt.timedelta(days=_SEARCHED_DAYS)
    accepted = released_on(spec, spec.keys[0]) or before  # whoever lifts a stop has looked at what came before
    landed = Table(spec.name, table).read(first_day=before, last_day=last_day, columns=[DAY, AVAILABLE_AT])
    counts = landed[DAY].value_counts() if len(landed) else pd.Series(dtype=int)
    span = (each.date() for each in pd.date_range(max(first_day, accepted), last_day))
    days = [day for day in span if day not in closed]
    past = {day: int(counts[day]) for day in sorted(counts.index) if accepted <= day < first_day}
    usual = usual_days(past, days=_USUAL_DAYS)
    arrived = landed.groupby(DAY)[AVAILABLE_AT].min() if len(landed) else pd.Series(dtype=object)
    delays = {day: (arrived[day] - pd.Timestamp(business_time(day))).days for day in days if day in arrived.index}
    broken = _quarantined(spec, first_day, last_day)
    rules, again = broken["column"] + ": " + broken["rule"], broken["rule"] == UNIQUE
    delivery = Delivery(
        rows={day: int(counts.get(day, 0)) for day in days},
        usual=float(np.median(usual)) if usual else 0.0,
        spread=float(np.std(usual, ddof=1)) if len(usual) > 1 else 0.0,
        late={day: delay for day, delay in delays.items() if delay > 0},
        repeated={day: int(count) for day, count in broken.loc[again, DAY].value_counts().items()},
        quarantined={str(name): int(count) for name, count in rules.value_counts().items()},
    )
    answered = _answered(spec, first_day, last_day)
    return Operations(first_day=first_day, last_day=last_day, delivery=delivery, **answered)


def _quarantined(spec: UseCase, first_day: dt.date, last_day: dt.date) -> pd.DataFrame:
    columns = [DAY, "rule", "column"]
    broken = Table(spec.name, QUARANTINE).read(first_day=first_day, last_day=last_day, columns=columns)
    return broken.astype({"rule": "str", "column": "str"})


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
