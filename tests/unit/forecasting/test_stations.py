"""A series is given the stations that explain it, and all of them while that cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.forecasting.stations import NEAREST, nearest
from include.forecasting.windows import DAY
from tests.unit.forecasting.made import FIRST, panel_of

DAYS = 300
BY = (1, 2, 4, 6, 7)


@pytest.fixture(scope="module")
def made():
    """Load of a zone that follows five of eight stations, each with weather of its own."""
    generator = np.random.default_rng(3)
    season = 55 - 20 * np.cos(2 * np.pi * np.arange(DAYS) / 365)
    stations = np.repeat(season[:, None] + generator.normal(0, 8, (DAYS, 8)), DAY, axis=0)
    heat = stations[:, BY].mean(axis=1)
    load = 1_000 * (1 + 0.02 * np.maximum(60 - heat, 0)) * np.exp(generator.normal(0, 0.01, DAYS * DAY))
    times = pd.date_range(FIRST, periods=DAYS * DAY, freq="h")
    return load[:, None], stations, times


def test_the_stations_that_drive_a_series_are_found(made):
    assert nearest(panel_of(*made, total=False), ["1"]) == {"1": BY}
    assert len(BY) == NEAREST


def test_with_little_history_all_stations_count(made):
    load, stations, times = made
    short = panel_of(load[: 90 * DAY], stations[: 90 * DAY], times[: 90 * DAY], total=False)
    assert nearest(short, ["1"]) == {"1": tuple(range(8))}
