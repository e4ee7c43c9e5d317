"""When a champion may change: a window in the business's own hours, asked with a moment of business time."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from include.spec import UseCase

_ONE = dt.timedelta(days=1)


def next_opening(spec: UseCase, at: dt.datetime) -> dt.datetime | None:
    """Return when the window opens next, none where it is open at a moment or there is no window.

    Args:
        spec: The use case.
        at: Business time, with a zone.
    """
    window = spec.promotion_window
    if window is None:
        return None
    zone = ZoneInfo(spec.schedule.time_zone)
    local = at.astimezone(zone)
    opened = [dt.datetime.combine(local.date() + days * _ONE, window.opens, zone) for days in (-1, 0, 1)]
    for opening in opened:
        closing = dt.datetime.combine(opening.date(), window.closes, zone)
        if window.closes <= window.opens:
            closing = dt.datetime.combine(opening.date() + _ONE, window.closes, zone)
        if opening <= local < closing:
            return None
    return next(opening for opening in opened if opening > local).astimezone(dt.UTC)
