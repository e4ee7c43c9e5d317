"""A small grid that a test can spoil: three zones, two stations, made of a day's and a week's shape and weather."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from include.spec import Source
from include.use_cases.load_forecast import SPEC as LOAD_FORECAST

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

START = dt.date(2007, 7, 1)
ZONES = ("1", "2", "3")
STATIONS = (1, 2)
SPOILT: dict[tuple[str, dt.date], Callable[[pd.DataFrame], pd.DataFrame]] = {}  # what a test does to a day's table
JUMPED: dict[str, dt.date] = {}  # zone → the day on which its level becomes 2.5 times what it was


def _two_stations(dataset):
    columns = tuple(
        column.model_copy(update={"allowed": STATIONS}) if column.name == "station" else column
        for column in dataset.contract.columns
    )
    return dataset.model_copy(update={"contract": dataset.contract.model_copy(update={"columns": columns})})


SPEC = LOAD_FORECAST.model_copy(
    update={
        "datasets": tuple(_two_stations(dataset) for dataset in LOAD_FORECAST.datasets),
        "name": "small_grid",
        "title": "Small grid",
        "series": ZONES,
        "source": Source(
            fetch="tests.small_grid:fetch", description="made", history_days=200, recorded_from=dt.date(2008, 1, 17)
        ),
        "calendar": "tests.small_grid:calendar",
        "families": ("yesterday", "last_week", "four_weeks", "kernel"),
        "backtest_days": 75,
        "min_history_days": 100,
        "horizon_days": 2,
        "series_a_batch": 2,
    }
)


def calendar():
    """Return a calendar without holidays."""
    from include.forecasting.calendar import Calendar

    return Calendar({"holiday": frozenset()})


def fetch(spec, day: dt.date) -> dict[str, pd.DataFrame]:
    """Return the readings of a day, and the forecast of its weather."""
    import numpy as np
    import pandas as pd

    from include.data.sources import AVAILABLE_AT

    hours = pd.date_range(pd.Timestamp(day, tz="UTC"), periods=24, freq="h")
    temperature = _temperature(hours)
    loads = []
    for zone in ZONES:
        lots = np.random.default_rng([int(zone), day.toordinal()])
        shape = 1 + 0.3 * np.sin((hours.hour - 7) / 24 * 2 * np.pi) - 0.15 * (hours.day_of_week >= 5)
        level = 1000.0 * int(zone) * (2.5 if day >= JUMPED.get(zone, dt.date.max) else 1.0)
        kw = level * (shape + 0.03 * np.maximum(65 - temperature, 0)) * np.exp(lots.normal(0, 0.02, 24))
        loads.append(pd.DataFrame({"zone": int(zone), "time": hours, "load_kw": kw}))
    load = pd.concat(loads, ignore_index=True)
    stations = [
        pd.DataFrame({"station": station, "time": hours, "temperature_f": temperature + station})
        for station in STATIONS
    ]
    readings = pd.concat(stations, ignore_index=True)
    ahead = pd.date_range(hours[0] + pd.Timedelta(hours=12), periods=12 + 24 * spec.horizon_days, freq="h")
    forecasts = [
        pd.DataFrame({"station": station, "time": ahead, "temperature_f": _temperature(ahead) + station + 1.5})
        for station in STATIONS
    ]
    weather = pd.concat(forecasts, ignore_index=True)
    hour = pd.Timedelta(hours=1)
    good = {
        "load": load.assign(**{AVAILABLE_AT: load["time"] + hour}),
        "temperature": readings.assign(**{AVAILABLE_AT: readings["time"] + hour}),
        "weather": weather.assign(**{AVAILABLE_AT: ahead[0]}),
    }
    return {table: SPOILT.get((table, day), lambda rows: rows)(rows) for table, rows in good.items()}


def _temperature(hours):
    import numpy as np

    place = (hours.day_of_year + hours.hour / 24).to_numpy()
    front = 12 * np.sin(place / 5.3 * 2 * np.pi) + 8 * np.sin(place / 11.7 * 2 * np.pi)
    return 55 - 20 * np.cos((place - 20) / 365 * 2 * np.pi) + front + 6 * np.sin((hours.hour - 9) / 24 * 2 * np.pi)
