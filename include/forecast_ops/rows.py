"""The rows that an issue leaves: kW by hour, and energy by day and over the whole horizon, from the same paths."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.data.sources import DAY
from include.forecast import Forecast
from include.forecasting.hierarchy import over_days
from include.forecasting.panel import Array
from include.forecasting.paths import LEVELS, CoherentForecast

FORECASTS = "forecasts"  # the table of the hourly ones
WHOLE = "whole"
_DAY_HOURS = 24  # of a day in UTC, by which the partitions are cut; a local day is summed by ``over_days`` as well
BANDS = [f"q{level:.0%}".rstrip("%") for level in LEVELS]


@dataclass(frozen=True, eq=False)
class Issued:
    """What was issued at one gate closure.

    Args:
        as_of: Day of the gate closure.
        rows: One row a series and hour.
        energy: One row a series and period.
        sequence: The journal's sequence in force.
        fallen_back: Why a series was not forecast by its champion, by series.
        gaps: Hours of the last week that were not known and so were filled, by series that had any.
        no_band: Why there is no band; empty where there is one.
        run_id: MLflow run that holds the report, once it is logged.
    """

    as_of: dt.date
    rows: pd.DataFrame
    energy: pd.DataFrame
    sequence: int
    fallen_back: dict[str, str]
    gaps: dict[str, int]
    no_band: str
    run_id: str = ""


def hourly(spec: Forecast, as_of: dt.date, base: Array, coherent: CoherentForecast, *, band: bool) -> pd.DataFrame:
    """Return one row a series and hour: ``load_kw`` reconciled, ``base_kw`` as forecast, and ``q10`` to ``q90``.

    Args:
        spec: The use case.
        as_of: Day of the gate closure.
        base: Base forecasts, shape (series, hours).
        coherent: The reconciled forecast with its paths.
        band: Whether the paths are ones; without, the quantiles are missing.
    """
    names, hours = coherent.hierarchy.names, base.shape[1]
    start = pd.Timestamp(spec.origin(as_of)) + pd.Timedelta(hours=spec.leads[0])
    frame = pd.DataFrame(
        {
            DAY: as_of,
            "series": np.repeat(names, hours),
            "time": np.tile(pd.date_range(start, periods=hours, freq="h"), len(names)),
            "day_ahead": np.tile(np.arange(hours) // _DAY_HOURS + 1, len(names)),
            "load_kw": coherent.point.reshape(-1),
            "base_kw": base.reshape(-1),
            **_bands(coherent, band=band),
        }
    )
    return frame.assign(series=frame["series"].astype("str"), time=frame["time"].astype("datetime64[us, UTC]"))


def periods(spec: Forecast, as_of: dt.date, coherent: CoherentForecast, *, band: bool) -> pd.DataFrame:
    """Return one row a series and period: energy in kWh of each day and of the whole horizon, with its own quantiles.

    They are sums along the hourly paths, so they agree with them, and days add up to the whole; quantiles do not, and
    are not supposed to: a week is surer than seven days.
    """
    days = [_DAY_HOURS] * spec.horizon_days
    names = coherent.hierarchy.names
    summed = CoherentForecast(coherent.hierarchy, over_days(coherent.point, days), over_days(coherent.paths, days))
    first = as_of + dt.timedelta(days=1)
    labels = [str(first + dt.timedelta(days=step)) for step in range(spec.horizon_days)] + [WHOLE]
    frame = pd.DataFrame(
        {
            DAY: as_of,
            "series": np.repeat(names, len(labels)),
            "period": np.tile(labels, len(names)),
            "energy_kwh": summed.point.reshape(-1),
            **_bands(summed, band=band),
        }
    )
    return frame.astype({"series": "str", "period": "str"})


def _bands(coherent: CoherentForecast, *, band: bool) -> dict[str, Array]:
    found = coherent.quantiles() if band else np.full((len(LEVELS), *coherent.point.shape), np.nan)
    return dict(zip(BANDS, found.reshape(len(LEVELS), -1), strict=True))
