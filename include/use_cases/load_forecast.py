"""Electricity load of twenty zones and their total, forecast each noon for the seven days to come.

GEFCom2012 is a recording of 2004 to June 2008; its days are the partitions, under their own dates. There are no weather
forecasts in it: the one issued each noon is made of the recorded temperature and a documented error.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from include.forecast import Forecast, Watch
from include.policy import Policy
from include.spec import (
    Column,
    Contract,
    Dataset,
    Monitoring,
    PromotionGates,
    Risk,
    Role,
    Schedule,
    Serving,
    Source,
    Unit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from include.forecasting.calendar import Calendar

ZONES = tuple(str(zone) for zone in range(1, 21))
STATIONS = tuple(range(1, 12))

_TIME = Column(name="time", dtype="datetime", role=Role.IDENTIFIER, description="start of the hour, UTC")
LOAD = Dataset(
    table="load",
    series="zone",
    value="load_kw",
    contract=Contract(
        columns=(
            Column(name="zone", dtype="integer", role=Role.IDENTIFIER, allowed=tuple(range(1, 21))),
            _TIME,
            Column(name="load_kw", dtype="number", minimum=0, maximum=1e6, description="mean power of the hour, kW"),
        ),
        min_rows=20,
        max_quarantine_share=0.1,
    ),
    mistaken_units=(Unit(name="MW instead of kW", scale=1000),),
)
TEMPERATURE = Dataset(
    table="temperature",
    series="station",
    value="temperature_f",
    contract=Contract(
        columns=(
            Column(name="station", dtype="integer", role=Role.IDENTIFIER, allowed=STATIONS),
            _TIME,
            Column(name="temperature_f", dtype="number", minimum=-40, maximum=130, description="°F"),
        ),
        min_rows=11,
        max_quarantine_share=0.2,
    ),
    mistaken_units=(Unit(name="°C instead of °F", scale=1.8, offset=32),),
)
WEATHER = Dataset(
    table="weather",
    series="station",
    value="temperature_f",
    contract=Contract(
        columns=(
            Column(name="station", dtype="integer", role=Role.IDENTIFIER, allowed=STATIONS),
            _TIME,
            Column(name="temperature_f", dtype="number", minimum=-60, maximum=150, description="°F, as forecast"),
        ),
        min_rows=24,
    ),
)

SPEC = Forecast(
    name="load_forecast",
    title="Load forecast",
    owner="omar",
    team="grid-oncall",
    goal="Buy tomorrow's energy before the gate closes at noon, neither too much nor too little.",
    kpi="imbalance of the total",
    kpi_unit="kWh for each MWh of load",
    risk=Risk(
        likelihood=3,
        impact=2,
        reasons=(
            "A wrong forecast costs imbalance energy; no person is judged by it.",
            "A simple forecast always stands behind the model, and operators see the band.",
        ),
    ),
    source=Source(
        fetch="include.use_cases.load_forecast:fetch",
        description="GEFCom2012: hourly load of 20 zones and temperature of 11 stations of a US utility. Weather "
        "forecasts are made of the recorded temperature and a documented error (include.forecasting.weather).",
        licence="free to use with citation: Hong, Pinson and Fan, International Journal of Forecasting 30 (2014)",
        recorded_from=dt.date(2008, 1, 1),
        calm_from=dt.date(2007, 5, 7),  # in January 2008 zone 10 jumps
        history_days=365,
        scenarios="include.data.scenarios:grid",
    ),
    datasets=(LOAD, TEMPERATURE, WEATHER),
    series=ZONES,
    backtest_days=91,
    calendar="include.use_cases.load_forecast:calendar",
    families=("yesterday", "last_week", "four_weeks", "similar_day", "ridge", "kernel"),
    gates=PromotionGates(
        non_inferiority_margin=0.1, max_champion_age_days=4, max_latency_ms=500, max_size_mb=100
    ),
    schedule=Schedule(ingest="30 11 * * *", retrain="0 3 * * 1", time_zone="America/New_York"),
    watch=Watch(),
    monitoring=Monitoring(window_days=7, min_rows=120, confirm=(2, 3)),
    # Its truth comes a day later and decides; the margin is the error that is too much for the watch as well.
    policy=Policy(on_drift="watch", on_selection="watch", margin=0.5),
    serving=Serving(deadline_ms=200, outputs=(0, 1e7)),
)  # fmt: skip


def fetch(spec: Forecast, day: dt.date) -> Mapping[str, pd.DataFrame]:
    """Return a day's readings, and the weather forecast that was issued at its gate closure.

    Raises:
        SourceError: the recording has no such day.
    """
    from include.data.grid_replay import recorded_day

    return recorded_day(day, gate_closure_hour=spec.gate_closure_hour, horizon_days=spec.horizon_days)


def calendar() -> Calendar:
    """Return the holidays of the recording, and the clock that people lived by."""
    from include.data import gefcom
    from include.forecasting.calendar import Calendar

    return Calendar({"holiday": frozenset(gefcom.holidays())}, gefcom.CLOCK)
