"""What was known at a moment, read from the tables: loads, temperatures, and weather forecasts as they were issued."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from include.data.readings import known_readings
from include.data.sources import DAY
from include.errors import SourceError
from include.forecast import Forecast
from include.forecasting.panel import HOUR, Array, Panel, from_tidy
from include.forecasting.windows import DAY as HOURS
from include.forecasting.windows import Horizon

HISTORY_DAYS = 160  # before an origin, from which a forecast is made


@dataclass(frozen=True)
class History:
    """All that was known at a moment.

    Args:
        panel: Loads and temperatures.
        issued: Days on which a weather forecast was issued, shape (issues,).
        weather: Forecast temperature, °F, by issue, hours from its gate closure and station; NaN where none was given.
        closure: Hours from midnight to gate closure.
    """

    panel: Panel
    issued: pd.DatetimeIndex
    weather: Array
    closure: int

    def temperature(self, days: pd.DatetimeIndex, horizon: Horizon) -> Array:
        """Return the temperature of target days as it was forecast at their origins, °F, shape (n, 24, stations).

        Raises:
            SourceError: no forecast was issued at some origin.
        """
        wanted = pd.DatetimeIndex([horizon.origin(day).floor("D") for day in days])
        place = self.issued.get_indexer(wanted)
        target = self.weather[place, horizon.lead : horizon.lead + HOURS]
        given = np.isfinite(target).any(axis=2).sum(axis=1)
        lost = (place < 0) | (given < HOURS)
        if lost.any():
            raise SourceError(
                expected=f"a weather forecast that reaches {horizon.lead + HOURS} hours ahead",
                seen=f"none issued on {wanted[lost][0]:%Y-%m-%d}",
                where="history of weather forecasts",
                next_step="land that day again, or forecast without temperature",
            )
        return target

    def forecast_days(self, horizon: Horizon) -> pd.DatetimeIndex:
        """Return the target days whose origin has a weather forecast that reaches so far."""
        reach = self.weather[:, horizon.lead : horizon.lead + HOURS]
        if reach.shape[1] < HOURS:
            return pd.DatetimeIndex([], tz="UTC")
        whole = np.isfinite(reach).any(axis=2).sum(axis=1) == HOURS
        return pd.DatetimeIndex(self.issued[whole] + (self.closure + horizon.lead) * HOUR)


def history(
    spec: Forecast, *, known_at: dt.datetime, first_day: dt.date, versions: Mapping[str, int] | None = None
) -> History:
    """Return what was known at a moment, from a day on; of given versions of the tables, or of the newest.

    Raises:
        SourceError: no load was known.
        TransientError: the store is away.
    """

    def known(table: str) -> pd.DataFrame:
        version = versions[table] if versions else None
        return known_readings(spec, spec.dataset(table), first_day=first_day, known_at=known_at, version=version)

    loads, temperatures, weather = known("load"), known("temperature"), known("weather")
    if loads.empty or temperatures.empty:
        raise SourceError(
            expected="landed loads and temperatures",
            seen=f"{len(loads)} and {len(temperatures)} readings",
            where=f"history of {spec.name} from {first_day} as of {known_at}",
            next_step=f"run {spec.name}_ingest first",
        )
    stations = spec.dataset("temperature").contract.column("station").allowed or ()
    return assembled(loads, temperatures, weather, stations=stations, closure=spec.gate_closure_hour)


def assembled(
    loads: pd.DataFrame,
    temperatures: pd.DataFrame,
    weather: pd.DataFrame,
    *,
    stations: Sequence[int | str],
    closure: int,
) -> History:
    """Return the history of tidy readings; a station that is silent keeps its column."""
    panel = from_tidy(loads, temperatures)
    heat = temperatures.pivot(index="time", columns="station", values="temperature_f")
    heat = heat.reindex(index=panel.times, columns=list(stations))
    panel = replace(panel, temperature=heat.to_numpy(dtype=float))
    issued = pd.to_datetime(weather[DAY]).dt.tz_localize("UTC")
    ahead = ((weather["time"] - (issued + closure * HOUR)) // HOUR).astype(int)
    days = pd.DatetimeIndex(sorted(issued.unique()), tz="UTC")
    found = np.full((len(days), int(ahead.max()) + 1 if len(ahead) else 0, len(stations)), np.nan)
    columns = pd.Index(list(stations)).get_indexer(weather["station"])
    found[days.get_indexer(issued), ahead, columns] = weather["temperature_f"]
    return History(panel, days, found, closure)
