"""Judge a new forecaster of a series: against the simple ones, and against the champion on days new to both."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy import stats

from include.forecast import Forecast
from include.forecast_ops.artifact import PackedForecaster
from include.forecast_ops.history import History
from include.forecasting.backtest import Backtest, mae, mape
from include.forecasting.comparison import Choice, DieboldMariano, diebold_mariano
from include.forecasting.panel import Array
from include.records import (
    Comparison,
    Estimate,
    ForecastEvaluation,
    ForecastTraining,
    GateResult,
    ModelRef,
    Route,
    Verdict,
)

_FEW_DAYS = 3
_ENOUGH_DAYS = 20


def judged(
    spec: Forecast,
    training: ForecastTraining,
    ref: ModelRef,
    key: str,
    choice: Choice,
    tested: Backtest,
    *,
    champion: PackedForecaster | None,
    champion_until: dt.date | None,
    champion_since: dt.datetime | None,
    sequence: int,
    known: History,
    actual: dict[str, float],
) -> ForecastEvaluation:
    """Return the evaluation of a series' new forecaster.

    Args:
        spec: The use case.
        training: The training it comes from.
        ref: Its version.
        key: The series.
        choice: Why its family was chosen.
        tested: The backtest of all families, day ahead.
        champion: The forecaster that is live, if any.
        champion_until: Last day that it has learned from.
        champion_since: When it became champion.
        sequence: Journal sequence at which it was read.
        known: What was known at the training.
        actual: Errors with a perfect weather forecast.
    """
    own = tested.forecasts[choice.champion]
    against = _against_champion(spec, key, tested, own, champion, champion_until, known)
    naive = min(spec.simple, key=lambda name: float(tested.losses()[name].mean()))
    baseline = _against_baseline(spec, tested, choice, naive)
    due = _due(spec, training, champion_since)
    gates = [
        GateResult(
            name="beats the simple ones, or is one",
            passed=choice.champion in spec.simple or baseline.verdict == "better",
            required=f"significantly better than {naive}",
            observed=choice.reason,
        )
    ]
    if against is not None:
        gates.append(
            GateResult(
                name="no worse than the champion",
                passed=against.verdict != "worse" and against.non_inferior,
                required=f"at most {spec.gates.non_inferiority_margin:.0%} more error on days new to both",
                observed=f"{against.difference} kW less over {against.rows} days",
            )
        )
    return ForecastEvaluation(
        use_case=spec.name,
        key=key,
        model=ref,
        family=choice.champion,
        as_of=training.as_of,
        originator=training.originator,
        originator_source=training.originator_source,
        fresh_rows=int(np.isfinite(tested.actual).sum()),
        metrics=_metrics(spec, tested, own),
        comparisons=tuple(each for each in (against, baseline) if each is not None),
        champion_version=champion.ref.version if champion and champion.ref else None,
        champion_sequence=sequence,
        refresh_due=due,
        route=_route(champion, against, due),
        gates=tuple(gates),
        reason=choice.reason,
        trained_until=training.as_of,
        families={
            name: {"mape": mape(tested.actual, values), "mae": mae(tested.actual, values)}
            for name, values in tested.forecasts.items()
        },
        actual_temperature=actual,
    )


def _route(champion: PackedForecaster | None, against: Comparison | None, due: str) -> Route | None:
    if champion is None:
        return "first"
    if against is not None and against.verdict == "better":
        return "superiority"
    return "refresh" if due and (against is None or against.non_inferior) else None


def _due(spec: Forecast, training: ForecastTraining, since: dt.datetime | None) -> str:
    if training.drift_confirmed:
        return f"drift is confirmed: {training.drift_confirmed}"
    if since is None:
        return ""
    age, limit = (training.as_of - since.date()).days, spec.gates.max_champion_age_days
    return f"the champion is {age} days old, more than {limit}" if age > limit else ""


def _against_champion(
    spec: Forecast,
    key: str,
    tested: Backtest,
    own: Array,
    champion: PackedForecaster | None,
    until: dt.date | None,
    known: History,
) -> Comparison | None:
    """Compare on the days that came after the champion's training; none where they are too few to say anything."""
    if champion is None or champion.ref is None or until is None:
        return None
    new = np.asarray(tested.days > pd.Timestamp(until, tz="UTC")) & np.isfinite(tested.actual).all(axis=1)
    if new.sum() < _FEW_DAYS:
        return None
    theirs = champion.predict(known, tested.days[new], spec.leads[0])
    actual = tested.actual[new]
    mine_loss, their_loss = np.abs(own[new] - actual).mean(axis=1), np.abs(theirs - actual).mean(axis=1)
    return _compared(spec, mine_loss, their_loss, f"champion v{champion.ref.version}")


def _against_baseline(spec: Forecast, tested: Backtest, choice: Choice, naive: str) -> Comparison:
    losses = tested.losses()
    return _compared(spec, losses[choice.champion], losses[naive], f"baseline {naive}")


def _compared(spec: Forecast, mine: Array, theirs: Array, against: str) -> Comparison:
    """Return the paired comparison of losses by day: Diebold and Mariano's, or Student's where the days are few."""
    gain = theirs - mine
    if len(gain) >= _ENOUGH_DAYS:
        test = diebold_mariano(mine, theirs)
        error = test.difference / test.statistic if test.statistic else 0.0
    else:
        error = float(gain.std(ddof=1) / np.sqrt(len(gain)))
        statistic = float(gain.mean() / error) if error else 0.0
        p_value = float(stats.t.sf(statistic, len(gain) - 1)) if error else 1.0
        test = DieboldMariano(float(gain.mean()), statistic, p_value, len(gain), 0)
    reach = float(stats.t.ppf((1 + spec.gates.confidence) / 2, len(gain) - 1)) * abs(error)
    found = Estimate(value=test.difference, low=test.difference - reach, high=test.difference + reach)
    verdict: Verdict = "not significantly better"
    if found.low > 0:
        verdict = "better"
    elif found.high < 0:
        verdict = "worse"
    return Comparison(
        against=against,
        metric="mae",
        rows=len(gain),
        difference=found,
        p_value=test.p_value,
        non_inferior=test.difference > -spec.gates.non_inferiority_margin * float(theirs.mean()),
        verdict=verdict,
    )


def _metrics(spec: Forecast, tested: Backtest, own: Array) -> dict[str, Estimate]:
    """Return the winner's errors with bootstrap intervals over days."""
    whole = np.isfinite(tested.actual).all(axis=1)
    actual, forecast = tested.actual[whole], own[whole]
    lots = np.random.default_rng(spec.seed)
    drawn = [lots.integers(0, len(actual), len(actual)) for _ in range(200)]
    tail = (1 - spec.gates.confidence) / 2
    found = {}
    for name, measure in (("mape", mape), ("mae", mae)):
        low, high = np.quantile([measure(actual[rows], forecast[rows]) for rows in drawn], [tail, 1 - tail])
        found[name] = Estimate(value=measure(actual, forecast), low=float(low), high=float(high))
    return found
