"""Forecasts of whole weeks, for the competition: hidden ones between known days, and one behind the last known hour.

A hidden week's own recorded temperature is used, for the competition gave it. The week ahead is forecast twice: with
its recorded temperature, and from what it might be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.nearby_days import BEFORE, Days, NearbyDays, describe
from include.forecasting.backtest import training_days
from include.forecasting.calendar import Calendar
from include.forecasting.families import family
from include.forecasting.panel import HOUR, Array, Panel
from include.forecasting.samples import measured, observe, view
from include.forecasting.stations import nearest
from include.forecasting.windows import Horizon

WEEK = 7  # days
_DAY = pd.Timedelta(days=1)
_LEAST = 1.0  # kW; an outage teaches nothing, and has no logarithm
_SHIFTS = (-14, -7, 0, 7, 14)  # days around the date in each year before
_FADES = 36.0  # hours in which the difference to today's temperature falls to 1/e


@dataclass(frozen=True)
class Weather:
    """Temperatures by day.

    Args:
        days: Midnights without a gap, shape (n,).
        hours: °F, shape (n, 24, stations).
    """

    days: pd.DatetimeIndex
    hours: Array

    def runs(self, last: pd.DatetimeIndex, length: int) -> Array:
        """Return the days that end with the given ones, shape (given, length, 24, stations)."""
        places = self.days.get_indexer(last)[:, None] + np.arange(1 - length, 1)
        assert (places >= 0).all(), "a run of days reaches out of the recording"
        return self.hours[places]


@dataclass(frozen=True)
class Weeks:
    """What one series was forecast to be, kW.

    Args:
        hidden: The hidden days, shape (n, 24).
        ahead: The seven days behind the last known one, shape (7, 24), by whether their temperature was known.
    """

    hidden: Array
    ahead: dict[bool, Array]


def days_ahead(last: pd.Timestamp) -> pd.DatetimeIndex:
    """Return the seven whole days behind the last known hour, which ends at the given moment."""
    return pd.date_range(last.floor("D") + _DAY, periods=WEEK)


def forecast_weeks(
    panel: Panel, weather: Weather, calendar: Calendar, last: pd.Timestamp, *, names: Sequence[str],
    hidden: pd.DatetimeIndex,
) -> dict[str, Weeks]:  # fmt: skip
    """Return the hidden days and the week ahead of each series.

    Args:
        panel: What is known; nothing behind the last known hour, and nothing of the hidden days.
        weather: All recorded temperatures. Those behind the last hour are used for the forecast that knows them alone.
        calendar: Special days.
        last: End of the last known hour.
        names: The series.
        hidden: Days before it.
    """
    ahead, scenarios = days_ahead(last), supposed(weather, last)
    first_day = _first_day(panel, calendar, last, names)
    days = weather.days[BEFORE:]
    days = days[days < last.floor("D")]
    stations = nearest(panel, names)
    found = {}
    for name in names:
        by = list(stations[name])
        load = measured(panel, days, name)
        there = (np.nan_to_num(load) >= _LEAST).all(axis=1)
        assert not days[there].isin(hidden).any(), "the truth of a hidden day is among what a model learns from"
        model = NearbyDays().fit(_recorded(weather, days[there], by, calendar), load[there])
        each = model.predict(_supposed(scenarios[:, :, :, by].mean(axis=3), ahead, calendar))
        week = each.reshape(len(scenarios), WEEK, 24).mean(axis=0)
        week[0] = (week[0] + first_day[name]) / 2
        found[name] = Weeks(
            hidden=model.predict(_recorded(weather, hidden, by, calendar)) if len(hidden) else np.zeros((0, 24)),
            ahead={False: week, True: model.predict(_recorded(weather, ahead, by, calendar))},
        )
    return found


def supposed(weather: Weather, last: pd.Timestamp) -> Array:
    """Return what the weather of the week ahead might be, seen from the last known hour.

    It is that of the same weeks of the years before, moved by a difference that fades: that of the hours of today.

    Returns:
        °F from ``BEFORE`` days before the week to its end, shape (supposed, days, 24, stations).
    """
    today, hours = last.floor("D"), last.hour
    years = range(1, today.year - weather.days[0].year + 1)
    then = [today - pd.DateOffset(years=back) + shift * _DAY for back in years for shift in _SHIFTS]
    past = pd.DatetimeIndex([day for day in then if day >= weather.days[0]])
    weeks = weather.runs(past + WEEK * _DAY, 1 + WEEK)
    known = weather.runs(pd.DatetimeIndex([today]), BEFORE)[0]
    night = known[-1, :hours]
    fading = np.exp(-np.maximum(np.arange((1 + WEEK) * 24) - hours / 2, 0) / _FADES).reshape(1 + WEEK, 24, 1)
    moved = weeks + (night.mean(axis=0) - weeks[:, :1, :hours].mean(axis=2, keepdims=True)) * fading
    moved[:, 0, :hours] = night
    return np.concatenate([np.repeat(known[None, :-1], len(weeks), axis=0), moved], axis=1)


def _first_day(panel: Panel, calendar: Calendar, last: pd.Timestamp, names: Sequence[str]) -> dict[str, Array]:
    """Return the first day of the week ahead by the product's kernel without its temperature, kW, each of shape (24,).

    It sees which weather is on its way. On other weeks ahead its half made the first day better, and no later one.
    """
    day = days_ahead(last)[:1]
    horizon = Horizon(int((day[0] - last) / HOUR), temperature=False)
    past, looks = training_days(panel, last), view(panel, horizon, calendar, names=names)
    train, ahead = (observe(panel, days, looks, names=names) for days in (past, day))
    return {
        name: family("kernel").build(horizon, 0).fit(train[name], measured(panel, past, name)).predict(ahead[name])[0]
        for name in names
    }


def _recorded(weather: Weather, days: pd.DatetimeIndex, stations: list[int], calendar: Calendar) -> Days:
    return describe(days, weather.runs(days, BEFORE + 1)[:, :, :, stations].mean(axis=3), calendar)


def _supposed(temperature: Array, ahead: pd.DatetimeIndex, calendar: Calendar) -> Days:
    """Return the week ahead once for each supposed weather, shape (supposed, BEFORE + 7, 24)."""
    runs = np.stack([temperature[:, start : start + BEFORE + 1] for start in range(WEEK)], axis=1)
    days = pd.DatetimeIndex(np.tile(ahead, len(temperature)))
    return describe(days, runs.reshape(-1, BEFORE + 1, 24), calendar)
