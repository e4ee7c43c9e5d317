"""The grid's recording, day by day, as a control room would get it: loads, temperatures, and the weather forecast."""

from __future__ import annotations

import datetime as dt
from functools import cache

import pandas as pd

from include.data import gefcom
from include.data.sources import AVAILABLE_AT
from include.errors import SourceError
from include.forecasting.weather import ForecastError

_HOUR = pd.Timedelta(hours=1)


def recorded_day(day: dt.date, *, gate_closure_hour: int, horizon_days: int) -> dict[str, pd.DataFrame]:
    """Return the frames ``load``, ``temperature`` and ``weather`` of a recorded day.

    Args:
        day: A day of 2004 to June 2008.
        gate_closure_hour: When the weather forecast is issued.
        horizon_days: How many days behind the day itself it covers.

    Raises:
        SourceError: the recording has no such day.
    """
    loads, temperatures = _by_day()
    moment = pd.Timestamp(day, tz="UTC")
    if moment not in loads or moment not in temperatures:
        first, last = min(loads), max(set(loads) & set(temperatures))
        raise SourceError(
            expected=f"a day from {first:%Y-%m-%d} to {last:%Y-%m-%d}: the recording has no others",
            seen=str(day),
            where="replay of the grid",
            next_step="choose a day of the recording, or point the spec's source to live data",
        )
    origin = moment + gate_closure_hour * _HOUR
    weather = _issued(temperatures, origin, until=moment + pd.Timedelta(days=1 + horizon_days))
    return {"load": loads[moment], "temperature": temperatures[moment], "weather": weather}


def _issued(
    temperatures: dict[pd.Timestamp, pd.DataFrame], origin: pd.Timestamp, *, until: pd.Timestamp
) -> pd.DataFrame:
    """Return the forecast of an origin: what was recorded later, with the error that the origin's day has drawn."""
    days = pd.date_range(origin.floor("D"), until, freq="D", inclusive="left")
    later = pd.concat([temperatures[day] for day in days if day in temperatures])
    later = later.loc[later[gefcom.TIME] >= origin]
    ahead = ((later[gefcom.TIME] - origin) // _HOUR).to_numpy()
    error = ForecastError().run(origin)[ahead]  # the weather is misjudged in the whole region alike
    return later.assign(**{gefcom.TEMPERATURE: later[gefcom.TEMPERATURE] + error, AVAILABLE_AT: origin})


@cache
def _by_day() -> tuple[dict[pd.Timestamp, pd.DataFrame], dict[pd.Timestamp, pd.DataFrame]]:
    loads, temperatures = gefcom.loads(), gefcom.temperatures()
    return _split(loads), _split(temperatures)


def _split(rows: pd.DataFrame) -> dict[pd.Timestamp, pd.DataFrame]:
    return {pd.Timestamp(day): part for day, part in rows.groupby(rows[gefcom.TIME].dt.floor("D"))}
