"""Train the forecasters of a use case: one parent run, a few fat batches of series, a child run and a version for each.

A series whose training breaks keeps its champion, and the others go on; the last step names it.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from include.catalog import resolve
from include.clock import business_time
from include.deployment.entries import KeyState
from include.deployment.journal import Journal
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
from include.models import evaluations, keyed, registry, tracking
from include.monitor_ops.reference import keep_reference, watched_hours
from include.records import KeyedTraining, ModelRef

BACKTEST = "backtest.npz"
ANSWERS = "answers.json"
WHAT = "series"
_ALONE = threadpool_limits.wrap(limits=1)  # sums of several threads differ in their last digits


@dataclass(frozen=True)
class Prepared:
    """What one batch works with."""

    known: History
    days: pd.DatetimeIndex
    calendar: Calendar


def prepare(spec: Forecast, **given: Any) -> str:
    """Open the parent run, as ``include.models.keyed.prepare`` does, and return its id."""
    return keyed.prepare(spec, needed_days=spec.min_history_days + spec.backtest_days, **given)


def concerned(spec: Forecast, as_of: dt.date) -> tuple[str, ...]:
    """Return the series that the watch of a day has named."""
    from include.forecast_ops.watch import flagged

    return tuple(flagged(spec, as_of))


def check(spec: Forecast, refs: Mapping[str, ModelRef]) -> None:
    """Test versions in a clean process, as ``include.forecast_ops.clean_check.check`` does."""
    from include.forecast_ops import clean_check

    clean_check.check(spec, refs)


def train(spec: Forecast, run_id: str, keys: Sequence[str]) -> dict[str, str]:
    """Backtest, choose, fit and register the forecaster of each of some series that the training is about.

    Returns:
        The error of each series that broke; the others have a version.

    Raises:
        TransientError: a service is away; the step goes on where it ended.
    """
    training = keyed.record_of(run_id)
    known = known_to(spec, training)
    last = pd.Timestamp(training.as_of, tz="UTC")
    days = pd.date_range(end=last, periods=spec.backtest_days, freq="D")
    prepared = Prepared(known, days, resolve(spec.calendar)())
    if training.keys[0] in keys:  # of all batches, one
        keep_reference(spec, run_id, watched_hours(known.panel))
    journal = Journal(spec.name)
    state, sequence = journal.state(), journal.sequence()

    def one(key: str, child: str) -> None:
        _train_one(spec, training, prepared, key, child, state.of(key), sequence)

    return keyed.train_each(training, run_id, keys, what=WHAT, one=one)


def known_to(spec: Forecast, training: KeyedTraining) -> History:
    """Return the history that a training has learned from; the same whatever has landed since."""
    at = business_time(training.as_of)
    return history(spec, known_at=at, first_day=training.first_day, versions=training.versions)


@_ALONE
def answers(known: History, forecaster: PackedForecaster, closure: pd.Timestamp) -> list[float]:
    """Return what a forecaster says at a gate closure from what was known then: what a clean process must repeat."""
    then = replace(known, panel=known.panel.known_at(closure))
    return [float(each) for each in forecaster.issue(then, closure)]


def _train_one(
    spec: Forecast,
    training: KeyedTraining,
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
    tracking.log_params(child, {"family": evaluation.family, "trained_until": evaluation.trained_until})
    _keep_backtest(child, days, paths, tested)
    evaluations.keep_first(spec, evaluation, first_day=days[0].date(), last_day=days[-1].date())


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
