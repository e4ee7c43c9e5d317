"""Business time: the one clock of every function that cares, so that a replay and a backfill hold as live runs do."""

from __future__ import annotations

import datetime as dt

from include.spec import UseCase


def business_time(day: dt.date) -> dt.datetime:
    """Return the moment at which a day is complete: the start of the next one, UTC."""
    return dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), dt.UTC)


def deciding_moment(spec: UseCase, day: dt.date, *, given: str | None, now: dt.datetime) -> dt.datetime:
    """Return the business moment at which a run decides about a day.

    Args:
        spec: The use case.
        day: The day that has ended.
        given: The moment that a person's form names, ISO 8601; none or empty where it names none.
        now: What the caller's clock says.

    Returns:
        What was given; of a recording under its own dates the end of the day; of the day that has just ended now; of
        an older one, as in a backfill, its end.
    """
    if given:
        moment = dt.datetime.fromisoformat(given)
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    ended = business_time(day)
    live = spec.source.recorded_from is None and ended <= now < ended + dt.timedelta(days=2)
    return now if live else ended
