"""Made series, of which it is known what drives them."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from include.forecasting.calendar import Calendar
from include.forecasting.panel import HOUR, Panel, from_tidy
from include.forecasting.windows import DAY

FIRST = pd.Timestamp("2023-01-01", tz="UTC")
CALENDAR = Calendar({"holiday": frozenset({dt.date(2023, 5, 1), dt.date(2023, 12, 25)})})
SHAPE = 1 + 0.3 * np.sin(np.arange(DAY) / DAY * 2 * np.pi - 2)


def weather_driven(days, *, seed=1):
    """Return a panel of three zones and their total that heat and cool, and two stations."""
    generator = np.random.default_rng(seed)
    hours = days * DAY
    front = pd.Series(generator.normal(0, 6, days)).rolling(4, min_periods=1).sum().to_numpy()
    season = 55 - 20 * np.cos(2 * np.pi * np.arange(days) / 365)
    mean = np.repeat(season + front, DAY) + 8 * np.sin(np.arange(hours) / DAY * 2 * np.pi - 2)
    stations = mean[:, None] + generator.normal(0, 1, (hours, 2)) + np.array([-2.0, 2.0])
    times = pd.date_range(FIRST, periods=hours, freq="h")
    weekday = np.where(times.day_of_week < 5, 1.0, 0.85)
    degrees = 1 + 0.02 * np.maximum(60 - mean, 0) + 0.03 * np.maximum(mean - 65, 0)
    size = np.array([100.0, 2_000.0, 30_000.0])
    base = (np.tile(SHAPE, days) * weekday * degrees)[:, None] * size
    return panel_of(base * np.exp(generator.normal(0, 0.01, (hours, 3))), stations, times)


def wandering(days, *, seed=2):
    """Return a panel of one series whose days are the day before's, times a little chance: yesterday is best."""
    generator = np.random.default_rng(seed)
    level = np.exp(np.cumsum(generator.normal(0, 0.03, days)))
    load = (level[:, None] * SHAPE * 1_000).reshape(-1, 1)
    times = pd.date_range(FIRST, periods=days * DAY, freq="h")
    return panel_of(load, generator.normal(50, 5, (days * DAY, 2)), times, total=False)


def panel_of(load, stations, times, *, total=True):
    """Return a panel of arrays, each hour known at its end."""
    return from_tidy(*tidy_of(load, stations, times), total=total)


def tidy_of(load, stations, times):
    """Return the arrays as tidy rows, as a table would hold them."""
    zones = pd.DataFrame(load, index=times, columns=range(1, load.shape[1] + 1)).rename_axis("time", axis=0)
    rows = zones.reset_index().melt(id_vars="time", var_name="zone", value_name="load_kw")
    weather = pd.DataFrame(stations, index=times, columns=range(1, stations.shape[1] + 1)).rename_axis("time", axis=0)
    heat = weather.reset_index().melt(id_vars="time", var_name="station", value_name="temperature_f")
    return rows.dropna().assign(available_at=lambda frame: frame["time"] + HOUR), heat


def days_of(first, count):
    """Return so many days from the n-th of the made data on."""
    return pd.date_range(FIRST + pd.Timedelta(days=first), periods=count, freq="D")


def changed(panel: Panel, **arrays) -> Panel:
    """Return a panel with other arrays."""
    return Panel(**{**panel.__dict__, **arrays})
