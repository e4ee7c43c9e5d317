"""What was known at a moment, read from the tables: loads, temperatures, and weather forecasts as they were issued."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.data.readings import known_readings
from include.data.sources import DAY
from include.errors import SourceError
from include.forecast import Forecast
from include.forecasting.panel import HOUR, Array, Panel, from_tidy
from include.forecasting.windows import DAY as HOURS
from include.forecasting.windows import Horizon


@dataclass(frozen=True)
class History:
    """All that was known at a moment.

    Args:
        panel: Loads and temperatures.
        weather: Forecast temperature by issue day (rows) and hours from its gate closure (columns), °F.
        closure: Hours from midnight to gate closure.
    """

    panel: Panel
    weather: pd.DataFrame
    closure: int

    def temperature(self, days: pd.DatetimeIndex, horizon: Horizon) -> Array:
        """Return the temperature of target days as it was forecast at their origins, °F, shape (n, 24).

        Raises:
            SourceError: no forecast was issued at some origin.
        """
        issued = pd.DatetimeIndex([horizon.origin(day).floor("D") for day in days])
        found = self.weather.reindex(issued).to_numpy(dtype=float)
        target = found[:, horizon.lead : horizon.lead + HOURS]
        if target.shape[1] < HOURS or (lost := ~np.isfinite(target).all(axis=1)).any():
            when = issued[lost][0] if target.shape[1] == HOURS else issued[0]
            raise SourceError(
                expected=f"a weather forecast that reaches {horizon.lead + HOURS} hours ahead",
                seen=f"none issued on {when:%Y-%m-%d}",
                where="history of weather forecasts",
                next_step="land that day again, or forecast without temperature",
            )
        return target

    def forecast_days(self, horizon: Horizon) -> pd.DatetimeIndex:
        """Return the target days whose origin has a weather forecast that reaches so far."""
        columns = list(range(horizon.lead, horizon.lead + HOURS))
        if not set(columns) <= set(self.weather.columns):
            return pd.DatetimeIndex([], tz="UTC")
        whole = self.weather[columns].notna().all(axis=1)
        origins = self.weather.index[whole] + self.closure * HOUR
        return pd.DatetimeIndex(origins + horizon.lead * HOUR)


def history(spec: Forecast, *, known_at: dt.datetime, first_day: dt.date) -> History:
    """Return what was known at a moment, from a day on.

    Raises:
        SourceError: no load was known.
        TransientError: the store is away.
    """
    loads = known_readings(spec, spec.dataset("load"), first_day=first_day, known_at=known_at)
    temperatures = known_readings(spec, spec.dataset("temperature"), first_day=first_day, known_at=known_at)
    weather = known_readings(spec, spec.dataset("weather"), first_day=first_day, known_at=known_at)
    if loads.empty or temperatures.empty:
        raise SourceError(
            expected="landed loads and temperatures",
            seen=f"{len(loads)} and {len(temperatures)} readings",
            where=f"history of {spec.name} from {first_day} as of {known_at}",
            next_step=f"run {spec.name}_ingest first",
        )
    panel = from_tidy(loads, temperatures, as_of=pd.Timestamp(known_at))
    return History(panel, _by_issue(weather, spec.gate_closure_hour), spec.gate_closure_hour)


def _by_issue(weather: pd.DataFrame, closure: int) -> pd.DataFrame:
    if weather.empty:
        return pd.DataFrame()
    issued = pd.to_datetime(weather[DAY]).dt.tz_localize("UTC")
    ahead = ((weather["time"] - (issued + closure * HOUR)) // HOUR).astype(int)
    return weather.assign(issued=issued, ahead=ahead).pivot(index="issued", columns="ahead", values="temperature_f")
