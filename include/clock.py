"""Business time: the one clock of every function that cares, so that a replay and a backfill hold as live runs do."""

from __future__ import annotations

import datetime as dt


def business_time(day: dt.date) -> dt.datetime:
    """Return the moment at which a day is complete: the start of the next one, UTC."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)
