"""Timelines made by hand: ten weeks, two of them calm, with the words and moments that a test gives them."""

from __future__ import annotations

import datetime as dt

from include.monitor_ops.seen_quality import Measure
from include.monitor_ops.timeline import Moment, Step, Timeline
from include.records import Estimate

START, WEEKS = dt.date(2025, 4, 21), 10
CHANGED = START + dt.timedelta(weeks=2)
LATE = CHANGED + dt.timedelta(days=30)
KNOWN = 6  # weeks whose truth is known


def timeline(scenario, *, verdicts=None, causes=None, moments=(), unseen_days=0):
    """Return a timeline whose weeks are healthy but for those given by their number; the last days are not judged."""
    return Timeline(
        use_case="credit_risk",
        title="Consumer credit risk",
        measure=Measure("AUC", "95 % interval", True, 30, lambda first, last: None),
        steps=tuple(_week(number, verdicts or {}, causes or {}) for number in range(WEEKS)),
        moments=tuple(moments),
        scenario=scenario,
        changed_from=CHANGED,
        truth_from=LATE,
        judged_until=START + dt.timedelta(days=7 * WEEKS - 1 - unseen_days),
    )


def moment(week, kind):
    """Return something that happened at the end of a week."""
    return Moment(START + dt.timedelta(days=7 * week + 6), kind, "as it was said")


def _week(number, verdicts, causes):
    first, value = START + dt.timedelta(weeks=number), 0.77 - 0.01 * number
    return Step(
        first_day=first,
        last_day=first + dt.timedelta(days=6),
        quality=Estimate(value=value, low=value - 0.03, high=value + 0.03) if number < KNOWN else None,
        estimated=Estimate(value=0.77, low=0.76, high=0.78),
        verdict=verdicts.get(number, "healthy"),
        cause=causes.get(number, ""),
        reason="as it was said",
    )
