"""Issue the forecast of one gate closure: every series, every hour of the horizon, coherent and with its band.

Each series is forecast by its champion; where that cannot answer, by the next of a chain of simple ones, and the row
says why. So the total is always published.
"""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from include.catalog import resolve
from include.data.tables import Table
from include.deployment.entries import State
from include.deployment.journal import Journal
from include.errors import FlightdeckError, TransientError
from include.forecast import Forecast
from include.forecast_ops import artifact
from include.forecast_ops.artifact import PackedForecaster
from include.forecast_ops.history import HISTORY_DAYS, History, history
from include.forecast_ops.report import issue_report
from include.forecast_ops.rows import FORECASTS, Issued, hourly, periods
from include.forecast_ops.training import BACKTEST, usable_days
from include.forecasting.families import family
from include.forecasting.hierarchy import Hierarchy, tree
from include.forecasting.panel import HOUR, Array
from include.forecasting.paths import CoherentForecast, fit_paths
from include.forecasting.samples import measured, observe, view
from include.forecasting.windows import WEEK, Horizon
from include.models import tracking
from include.records import ModelRef

PERIODS = "forecast_periods"
REPORT = "forecast.html"
FALL_BACKS = ("similar_day", "yesterday", "last_week")
_ABSURD = 10.0  # times the largest load of the last five weeks
_FIRST_KNOWN = 1  # at noon, yesterday is the last whole day


def issue(spec: Forecast, *, as_of: dt.date, pipeline_run: str) -> Issued:
    """Forecast the days after a day, from what was known at its gate closure, by the champions of that moment.

    Asked about a past day, it gives the forecast that would have been made then; repeated, it replaces its own rows.

    Raises:
        SourceError: nothing was known at the gate closure.
        TransientError: a service is away; run it again.
    """
    closure = spec.origin(as_of)
    known = history(spec, known_at=closure, first_day=as_of - dt.timedelta(days=HISTORY_DAYS))
    state, sequence = Journal(spec.name).at(closure)
    gaps = _gaps(known, pd.Timestamp(closure))
    hierarchy = tree({spec.total: spec.series})
    base, families, versions, fallen_back = {}, {}, {}, {}
    for key in spec.keys:
        now = state.of(key)
        champion = now.decides if now.switch_on else None
        base[key], families[key], why = _answer(
            spec, known, key, champion, pd.Timestamp(closure), off=now.switch_reason
        )
        versions[key] = champion.version if champion and not why else 0
        if why:
            fallen_back[key] = why
    stacked = np.stack([base[name] for name in hierarchy.names])
    coherent, no_band = _coherent(spec, hierarchy, stacked, state, closure)
    rows = hourly(spec, as_of, stacked, coherent, band=not no_band).assign(
        family=lambda frame: frame["series"].map(families),
        model_version=lambda frame: frame["series"].map(versions),
        fallback=lambda frame: frame["series"].map(lambda name: fallen_back.get(name, "")).astype("str"),
        filled_hours=lambda frame: frame["series"].map(lambda name: gaps.get(name, 0)).astype("int64"),
        sequence=sequence,
        pipeline_run=pipeline_run,
    )
    energy = periods(spec, as_of, coherent, band=not no_band).assign(sequence=sequence, pipeline_run=pipeline_run)
    Table(spec.name, PERIODS).update(as_of, as_of, lambda present: energy, run=pipeline_run)
    Table(spec.name, FORECASTS).update(as_of, as_of, lambda present: rows, run=pipeline_run)
    issued = Issued(as_of, rows, energy, sequence, fallen_back, gaps, no_band)
    return replace(issued, run_id=_record(spec, state, issued, pipeline_run))


def _gaps(known: History, closure: pd.Timestamp) -> dict[str, int]:
    """Return how many of the last week's hours each series lacks; its forecast rests on what fills them."""
    week = known.panel.load[known.panel.times >= closure - WEEK * HOUR]
    lacking = WEEK - np.isfinite(week).sum(axis=0)
    return {name: int(count) for name, count in zip(known.panel.names, lacking, strict=True) if count > 0}


def _answer(
    spec: Forecast, known: History, key: str, champion: ModelRef | None, closure: pd.Timestamp, *, off: str
) -> tuple[Array, str, str]:
    """Return kW for the whole horizon, who gave it, and why it was not the champion."""
    why = f"switched off: {off}" if off else "no champion at this gate closure"
    if champion is not None:
        try:
            forecaster = artifact.load(champion)
            return _sane(known, key, forecaster.issue(known, closure)), forecaster.family, ""
        except TransientError:
            raise
        except (FlightdeckError, ValueError, ArithmeticError) as error:
            why = f"v{champion.version}: {error}"
    for name in FALL_BACKS:
        try:
            return _sane(known, key, _simple(spec, known, key, name).issue(known, closure)), name, why
        except (FlightdeckError, ValueError, ArithmeticError) as error:
            why = f"{why}; {name}: {error}"
    return np.zeros(24 * len(spec.leads)), "zero", why


def _simple(spec: Forecast, known: History, key: str, name: str) -> PackedForecaster:
    views, models = {}, {}
    for lead in spec.leads:
        horizon = Horizon(lead, temperature=False)
        views[lead] = view(known.panel, horizon, resolve(spec.calendar)(), names=[key])
        past = usable_days(known, horizon)
        sample = observe(known.panel, past, views[lead], names=[key])[key]
        models[lead] = family(name).build(horizon, spec.seed).fit(sample, measured(known.panel, past, key))
    return PackedForecaster(None, key, name, views, models)


def _sane(known: History, key: str, found: Array) -> Array:
    largest = float(np.nanmax(known.panel.load[:, known.panel.series(key)], initial=0.0))
    if not np.isfinite(found).all() or (found < 0).any() or found.max() > _ABSURD * largest > 0:
        raise ValueError(f"an absurd forecast: {np.nanmin(found):g} to {np.nanmax(found):g} kW, seen up to {largest:g}")
    return found


def _coherent(
    spec: Forecast, hierarchy: Hierarchy, base: Array, state: State, closure: dt.datetime
) -> tuple[CoherentForecast, str]:
    """Return the reconciled forecast with its paths, or the plain sums and why there are no paths."""
    try:
        forecasts, actuals = _past(spec, hierarchy, state)
        model = fit_paths(hierarchy, forecasts, actuals, gap_days=spec.horizon_days + _FIRST_KNOWN)
        return model.draw(base, origin=closure, seed=spec.seed), ""
    except TransientError:
        raise
    except FlightdeckError as error:
        point = hierarchy.complete(base[: hierarchy.bottom])
        return CoherentForecast(hierarchy, point, point[None]), str(error)


def _past(spec: Forecast, hierarchy: Hierarchy, state: State) -> tuple[Array, Array]:
    """Return the champions' backtests of the days that all have, (days, series, hours), and what came."""
    kept: dict[str, dict[str, Array]] = {}
    for name in hierarchy.names:
        champion = state.of(name).champion
        kept[name] = tracking.fetch(champion.run_id, BACKTEST, _unpacked) if champion else _nothing(spec)
    days = sorted(set.intersection(*({str(day) for day in each["days"]} for each in kept.values())))
    shape = (len(days), len(hierarchy.names), 24 * len(spec.leads))
    forecasts, actuals = np.full(shape, np.nan), np.full(shape, np.nan)
    for place, name in enumerate(hierarchy.names):
        each = kept[name]
        rows = np.searchsorted(each["days"], days)
        forecasts[:, place] = each["forecasts"][rows].reshape(len(days), shape[2])
        shifted = np.full_like(each["forecasts"], np.nan)
        for lead in range(len(spec.leads)):
            shifted[: len(shifted) - lead, lead] = each["actual"][lead:]
        actuals[:, place] = shifted[rows].reshape(len(days), shape[2])
    return forecasts, actuals[:, : hierarchy.bottom]


def _unpacked(path: Any) -> dict[str, Array]:
    with np.load(io.BytesIO(path.read_bytes())) as box:
        return {name: box[name] for name in box.files}


def _nothing(spec: Forecast) -> dict[str, Array]:
    return {
        "days": np.array([], dtype=str),
        "forecasts": np.zeros((0, len(spec.leads), 24)),
        "actual": np.zeros((0, 24)),
    }


def _record(spec: Forecast, state: State, issued: Issued, pipeline_run: str) -> str:
    run_id = tracking.run_under(
        state.of(spec.total).champion, spec.name, f"forecast {issued.as_of}", pipeline_run=pipeline_run
    )
    rows = issued.rows
    tracking.log_metrics(
        run_id,
        {
            "rows": len(rows),
            "fallen_back": len(issued.fallen_back),
            "gaps": len(issued.gaps),
            "reconciliation": float((rows["load_kw"] - rows["base_kw"]).abs().mean() / rows["base_kw"].abs().mean()),
        },
    )
    tracking.log_report(run_id, REPORT, issue_report(spec, issued))
    tracking.close_run(run_id)
    return run_id
