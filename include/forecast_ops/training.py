"""Train the forecasters of a use case: one parent run, a few fat batches of series, a child run and a version for each.

A series whose training breaks keeps its champion, and the others go on; the last step names it.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from include.catalog import resolve
from include.clock import business_time
from include.data.tables import Table
from include.deployment.entries import KeyState
from include.deployment.journal import Journal
from include.errors import FlightdeckError, PermanentError
from include.forecast import Forecast
from include.forecast_ops import artifact
from include.forecast_ops.artifact import PackedForecaster
from include.forecast_ops.comparison import judged
from include.forecast_ops.history import History, history
from include.forecasting.backtest import Backtest, Temperature, backtest, mae, mape, training_days
from include.forecasting.calendar import Calendar
from include.forecasting.comparison import Choice, choose
from include.forecasting.families import family
from include.forecasting.panel import Array, Panel
from include.forecasting.samples import actual_temperature, measured, observe, view
from include.forecasting.windows import Horizon
from include.models import provenance, registry, tracking
from include.naming import model_name
from include.records import ForecastTraining, ModelRef

BACKTEST = "backtest.npz"
ANSWERS = "answers.json"
_ERROR = "error.txt"
_ALONE = threadpool_limits.wrap(limits=1)  # sums of several threads differ in their last digits


@dataclass(frozen=True)
class Prepared:
    """What one batch works with."""

    known: History
    days: pd.DatetimeIndex
    calendar: Calendar


def prepare(
    spec: Forecast,
    *,
    as_of: dt.date,
    keys: Sequence[str],
    pipeline_run: str,
    originator: str,
    originator_source: str,
    reason: str,
    try_number: int,
    airflow: Mapping[str, str],
) -> str:
    """Open the parent run, or find the one of an earlier try, and return its id.

    Raises:
        PermanentError: nothing has landed up to the day, or too little to learn from and be judged on.
    """
    table = Table(spec.name, spec.dataset("load").table)
    landed = sorted(day for day in table.days() if day <= as_of)
    needed = spec.min_history_days + spec.backtest_days
    if len(landed) < needed:
        raise PermanentError(
            expected=f"at least {needed} landed days up to {as_of}",
            seen=f"{len(landed)}",
            where=f"training of {spec.name}",
            next_step=f"land more days with {spec.name}_ingest, then ask for the training again",
        )
    training = ForecastTraining(
        use_case=spec.name,
        as_of=landed[-1],
        pipeline_run=pipeline_run,
        originator=originator,
        originator_source=originator_source,
        reason=reason,
        drift_confirmed=airflow.get("drift_confirmed", ""),
        seed=spec.seed,
        keys=tuple(keys),
        first_day=landed[0],
        versions={each.table: Table(spec.name, each.table).version() for each in spec.datasets},
        git_commit=provenance.git_commit(),
        lock_digest=provenance.lock_digest(),
        environment=provenance.environment(),
    )
    tags = {
        "mlflow.source.git.commit": training.git_commit, "lock_digest": training.lock_digest,
        "dag_id": airflow.get("dag_id", ""), "run_id": airflow.get("run_id", ""), "try": str(try_number),
        "originator": originator, "originator_source": originator_source, "reason": reason,
    }  # fmt: skip
    run_id = tracking.open_run(spec.name, f"train {training.as_of}", pipeline_run=pipeline_run, tags=tags)
    params = {"as_of": training.as_of, "first_day": training.first_day, "keys": ",".join(keys), "seed": spec.seed}
    tracking.log_params(run_id, params | {f"version.{name}": value for name, value in training.versions.items()})
    tracking.log_record(run_id, "training.json", training)
    return run_id


def trained_keys(run_id: str) -> tuple[str, ...]:
    """Return the series that a training is about."""
    return tracking.load_record(run_id, "training.json", ForecastTraining).keys


def train(spec: Forecast, run_id: str, keys: Sequence[str]) -> dict[str, str]:
    """Backtest, choose, fit and register the forecaster of each of some series that the training is about.

    Returns:
        The error of each series that broke; the others have a version.

    Raises:
        TransientError: a service is away; the step goes on where it ended.
    """
    training = tracking.load_record(run_id, "training.json", ForecastTraining)
    wanted = [key for key in keys if key in training.keys]
    known = known_to(spec, training)
    last = pd.Timestamp(training.as_of, tz="UTC")
    days = pd.date_range(end=last, periods=spec.backtest_days, freq="D")
    prepared = Prepared(known, days, resolve(spec.calendar)())
    journal = Journal(spec.name)
    state, sequence = journal.state(), journal.sequence()
    failed = {}
    for key in wanted:
        child = tracking.child_run(
            run_id, f"series {key}", pipeline_run=training.pipeline_run, tags={"series": key, **_who(training)}
        )
        try:
            _train_one(spec, training, prepared, key, child, state.of(key), sequence)
        except (FlightdeckError, ValueError, ArithmeticError, np.linalg.LinAlgError) as error:
            if isinstance(error, FlightdeckError) and not isinstance(error, PermanentError):
                raise
            failed[key] = f"{type(error).__name__}: {error}"
            tracking.log_text(child, _ERROR, failed[key])
            tracking.close_run(child, "FAILED")
        else:
            tracking.close_run(child)
    return failed


def known_to(spec: Forecast, training: ForecastTraining) -> History:
    """Return the history that a training has learned from; the same whatever has landed since."""
    at = business_time(training.as_of)
    return history(spec, known_at=at, first_day=training.first_day, versions=training.versions)


def outcome(spec: Forecast, run_id: str) -> tuple[dict[str, ModelRef], dict[str, str]]:
    """Return the version of each series that a training has registered, and the error of each that broke."""
    training = tracking.load_record(run_id, "training.json", ForecastTraining)
    made, broken = {}, {}
    for key in training.keys:
        child = tracking.child_run(run_id, f"series {key}", pipeline_run=training.pipeline_run)
        ref = registry.version_of_run(model_name(spec.name, key), child)
        if ref is None:
            broken[key] = tracking.load_text(child, _ERROR)
            tracking.close_run(child, "FAILED")
        else:
            made[key] = ref
            tracking.close_run(child)
    return made, broken


@_ALONE
def answers(known: History, forecaster: PackedForecaster, closure: pd.Timestamp) -> list[float]:
    """Return what a forecaster says at a gate closure from what was known then: what a clean process must repeat."""
    then = replace(known, panel=known.panel.known_at(closure))
    return [float(each) for each in forecaster.issue(then, closure)]


def _train_one(
    spec: Forecast,
    training: ForecastTraining,
    prepared: Prepared,
    key: str,
    child: str,
    present: KeyState,
    sequence: int,
) -> None:
    known, days, calendar = prepared.known, prepared.days, prepared.calendar
    first = Horizon(spec.leads[0], temperature=True)
    families = [family(name) for name in spec.families]
    tested = backtest(
        known.panel, [key], families, first, calendar, days,
        temperature=_as_issued(known, first), seed=spec.seed,
    )[key]  # fmt: skip
    models = [name for name in spec.families if name not in spec.simple]
    choice = choose(tested.losses(), simple=spec.simple, models=models, level=1 - spec.gates.confidence)
    paths = _all_leads(spec, prepared, key, choice.champion, tested)
    forecaster = fitted(spec, known, calendar, key, choice.champion)
    closure = pd.Timestamp(spec.origin(training.as_of))
    tracking.log_json(child, ANSWERS, {"closure": closure.isoformat(), "kw": answers(known, forecaster, closure)})
    ref = artifact.pack(spec, forecaster, run_id=child, as_of=training.as_of, pipeline_run=training.pipeline_run)
    evaluation = judged(
        spec, training, ref, key, choice, tested,
        champion=registry.forecast_of(present.champion) if present.champion else None,
        champion_since=present.champion_since, sequence=sequence,
        actual=_with_actual_temperature(spec, prepared, key, choice),
    )  # fmt: skip
    tracking.log_metrics(child, {name: each.value for name, each in evaluation.metrics.items()})
    tracking.log_params(child, {"family": evaluation.family, "trained_until": evaluation.trained_until})
    _keep_backtest(child, days, paths, tested)
    tracking.log_record(child, registry.EVALUATION, evaluation)


@_ALONE
def fitted(spec: Forecast, known: History, calendar: Calendar, key: str, name: str) -> PackedForecaster:
    """Fit a family on all that is known, for each day ahead."""
    views, fits = {}, {}
    for lead in spec.leads:
        horizon = Horizon(lead, temperature=True)
        past = usable_days(known, horizon)
        views[lead] = view(known.panel, horizon, calendar, names=[key])
        sample = observe(known.panel, past, views[lead], names=[key], target=known.temperature(past, horizon))[key]
        fits[lead] = family(name).build(horizon, spec.seed).fit(sample, measured(known.panel, past, key))
    return PackedForecaster(None, key, name, views, fits)


def usable_days(known: History, horizon: Horizon) -> pd.DatetimeIndex:
    """Return the days that a forecaster of a horizon may learn from: whole windows, and a weather forecast."""
    end = known.panel.times[-1] + pd.Timedelta(hours=1)
    return training_days(known.panel, end).intersection(known.forecast_days(horizon))


def _all_leads(spec: Forecast, prepared: Prepared, key: str, name: str, first: Backtest) -> Array:
    """Return the winner's backtest for the whole horizon, by issue: shape (days, days ahead, 24), NaN at the end."""
    known, days = prepared.known, prepared.days
    found = np.full((len(days), len(spec.leads), 24), np.nan)
    found[:, 0] = first.forecasts[name]
    for place, lead in enumerate(spec.leads[1:], start=1):
        horizon = Horizon(lead, temperature=True)
        ahead = days[place:]
        tested = backtest(
            known.panel, [key], [family(name)], horizon, prepared.calendar, ahead,
            temperature=_as_issued(known, horizon), seed=spec.seed,
        )[key]  # fmt: skip
        found[: len(ahead), place] = tested.forecasts[name]
    return found


def _with_actual_temperature(spec: Forecast, prepared: Prepared, key: str, choice: Choice) -> dict[str, float]:
    """Return the winner's errors with a perfect weather forecast: optimistic, and comparable with the literature."""
    horizon = Horizon(spec.leads[0], temperature=True)
    tested = backtest(
        prepared.known.panel, [key], [family(choice.champion)], horizon, prepared.calendar, prepared.days,
        temperature=_recorded, seed=spec.seed,
    )[key]  # fmt: skip
    forecast = tested.forecasts[choice.champion]
    return {"mape": mape(tested.actual, forecast), "mae": mae(tested.actual, forecast)}


def _as_issued(known: History, horizon: Horizon) -> Temperature:
    def given(_: Panel, days: pd.DatetimeIndex) -> Array:
        return known.temperature(days, horizon)

    return given


def _recorded(panel: Panel, days: pd.DatetimeIndex) -> Array:
    return actual_temperature(panel, days)


def _keep_backtest(run_id: str, days: pd.DatetimeIndex, paths: Array, tested: Backtest) -> None:
    body = io.BytesIO()
    np.savez_compressed(body, days=days.strftime("%Y-%m-%d").to_numpy(dtype=str), forecasts=paths, actual=tested.actual)
    tracking.log_bytes(run_id, BACKTEST, body.getvalue())


def _who(training: ForecastTraining) -> dict[str, str]:
    return {"originator": training.originator, "originator_source": training.originator_source}
