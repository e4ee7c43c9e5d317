"""Named groups of features of a window: what a day's load follows from.

All loads are relative to the series' own level of the last week, so a jump of the level is forgotten within days.
"""

from __future__ import annotations

import numpy as np

from include.forecasting.calendar import Calendar
from include.forecasting.panel import Array
from include.forecasting.windows import DAY, LENGTH, WEEK, Windows

KNOTS = (40.0, 50.0, 60.0, 65.0, 70.0, 75.0)  # °F: heating rises below 60, cooling above
_COOLING_FROM = 60.0
_BLOCK = 4  # hours

# Each a group that a model weighs as one.
OWN = ("profile", "week_ago", "two_weeks_ago", "days", "month")
NEARBY = ("last_day", "last_hours", "week_of_weather", "degrees", "hourly_change")
SHARED = ("calendar", "weekday", "special", "season", "others", "front", "front_moves", "day_change", "morning_change")
TARGET = ("temperature", "temperature_degrees", "temperature_range")


def own(windows: Windows) -> dict[str, Array]:
    """Return what a series' own past says, in the logarithm over its level."""
    load = windows.load - windows.level[:, None]
    weeks = windows.weeks_back(2) - windows.level[:, None, None]
    daily = load[:, -8 * DAY :].reshape(len(load), 8, DAY).mean(axis=2)
    return {
        "profile": load[:, -2 * DAY :],
        "week_ago": weeks[:, 0],
        "two_weeks_ago": weeks[:, 1],
        "days": daily[:, ::-1],
        "month": load[:, LENGTH - 4 * WEEK :].mean(axis=1, keepdims=True),
    }


def nearby(windows: Windows) -> dict[str, Array]:
    """Return what the series' own stations say: of the past, and of the target hours where that is given."""
    past = windows.nearby
    found = {
        "last_day": past[:, -2 * DAY :],
        "last_hours": past[:, -12:],
        "week_of_weather": past.reshape(len(past), -1, DAY).mean(axis=2)[:, ::-1],
        "degrees": degrees(_blocks(past[:, -DAY:])),
        "hourly_change": np.diff(past[:, -13:], axis=1),
    }
    if (target := windows.target) is not None:
        extremes = np.column_stack([target.mean(axis=1), target.max(axis=1), target.min(axis=1)])
        found |= {
            "temperature": target,
            "temperature_degrees": degrees(_blocks(target)),
            "temperature_range": degrees(extremes),
        }
    return found


def shared(windows: Windows, calendar: Calendar) -> dict[str, Array]:
    """Return what all series of a system share: calendar, moving weather, and the last day of the largest series.

    ``front`` and its kin are differences between stations and times: weather that is still on its way is seen at one
    station before another, and the direction of a change says more of tomorrow than today's temperature.
    """
    count = len(windows.days)
    past = windows.past
    apart = past[:, -7:] - past[:, -7:].mean(axis=2, keepdims=True)
    others = windows.others.reshape(count, DAY // _BLOCK, _BLOCK, -1).mean(axis=2)
    return {
        "calendar": calendar.effects(windows.days),
        "weekday": calendar.weekday(windows.days),
        "special": calendar.special(windows.days),
        "season": calendar.season(windows.days),
        "others": others.reshape(count, -1),
        "front": apart[:, -3:].reshape(count, -1),
        "front_moves": apart[:, -1] - apart[:, -7],
        "day_change": past[:, -1] - past[:, -1 - DAY],
        "morning_change": past[:, -6:].mean(axis=1) - past[:, -6 - DAY : -DAY].mean(axis=1),
    }


def degrees(temperature: Array) -> Array:
    """Return temperatures with their heating and cooling degrees at each knot, shape (n, columns · (1 + knots))."""
    parts = [temperature]
    parts += [np.maximum(temperature - k if k >= _COOLING_FROM else k - temperature, 0.0) for k in KNOTS]
    return np.stack(parts, axis=-1).reshape(len(temperature), -1)


def _blocks(hours: Array) -> Array:
    mean: Array = hours.reshape(len(hours), -1, _BLOCK).mean(axis=2)
    return mean
