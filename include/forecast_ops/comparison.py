"""Judge a new forecaster of a series: against the simple ones, and against the champion's family."""

from __future__ import annotations

import datetime as dt

import numpy as np
from scipy import stats

from include.forecast import Forecast
from include.forecasting.backtest import Backtest, mae, mape
from include.forecasting.comparison import Choice, diebold_mariano
from include.forecasting.panel import Array
from include.records import (
    Comparison,
    Estimate,
    ForecastEvaluation,
    GateResult,
    KeyedTraining,
    ModelRef,
    Route,
    Verdict,
)

_DRAWS = 200


def judged(
    spec: Forecast,
    training: KeyedTraining,
    ref: ModelRef,
    key: str,
    choice: Choice,
    tested: Backtest,
    *,
    champion: ForecastEvaluation | None,
    champion_since: dt.datetime | None,
    sequence: int,
    actual: dict[str, float],
) -> ForecastEvaluation:
    """Return the evaluation of a series' new forecaster.

    New data alone cannot be judged on days that came before it. So families are compared, in one backtest in which each
    is fitted again and again on what was known; a new fit of the champion's own family is a refresh, and equal to it.

    Args:
        spec: The use case.
        training: The training it comes from.
        ref: Its version.
        key: The series.
        choice: Why its family was chosen.
        tested: The backtest of all families, day ahead.
        champion: The evaluation of the forecaster that is live, if any.
        champion_since: When it became champion.
        sequence: Journal sequence at which it was read.
        actual: Errors with a perfect weather forecast.
    """
    own, losses = tested.forecasts[choice.champion], tested.losses()
    mine = losses[choice.champion]
    naive = min(spec.simple, key=lambda name: float(losses[name].mean()))
    baseline = compared(spec, mine, losses[naive], f"baseline {naive}")
    against = None
    if champion is not None and champion.family in losses:
        against = compared(spec, mine, losses[champion.family], f"champion v{champion.model.version}")
    due = _due(spec, training, champion_since)
    gate = GateResult(
        name="beats the simple ones, or is one",
        passed=choice.champion in spec.simple or baseline.verdict == "better",
        required=f"significantly better than {naive}",
        observed=choice.reason,
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
        champion_version=champion.model.version if champion else None,
        champion_sequence=sequence,
        refresh_due=due,
        route=_route(champion, against, due),
        gates=(gate,),
        reason=choice.reason,
        trained_until=training.as_of,
        families={
            name: {"mape": mape(tested.actual, values), "mae": mae(tested.actual, values)}
            for name, values in tested.forecasts.items()
        },
        actual_temperature=actual,
    )


def _route(champion: ForecastEvaluation | None, against: Comparison | None, due: str) -> Route | None:
    if champion is None:
        return "first"
    if against is not None and against.verdict == "better":
        return "superiority"
    return "refresh" if due and (against is None or against.non_inferior) else None


def _due(spec: Forecast, training: KeyedTraining, since: dt.datetime | None) -> str:
    if training.drift_confirmed:
        return f"drift is confirmed: {training.drift_confirmed}"
    if since is None:
        return ""
    age, limit = (training.as_of - since.date()).days, spec.gates.max_champion_age_days
    return f"the champion is {age} days old, more than {limit}" if age > limit else ""


def compared(spec: Forecast, mine: Array, theirs: Array, against: str) -> Comparison:
    """Return the comparison of losses paired by day, after Diebold and Mariano; positive favours the candidate."""
    test = diebold_mariano(mine, theirs)
    error = test.difference / test.statistic if test.statistic else 0.0
    reach = float(stats.t.ppf((1 + spec.gates.confidence) / 2, test.days - 1)) * abs(error)
    found = Estimate(value=test.difference, low=test.difference - reach, high=test.difference + reach)
    verdict: Verdict = "not significantly better"
    if found.low > 0:
        verdict = "better"
    elif found.high < 0:
        verdict = "worse"
    return Comparison(
        against=against,
        metric="mae",
        rows=test.days,
        difference=found,
        p_value=test.p_value,
        non_inferior=found.low > -spec.gates.non_inferiority_margin * float(theirs.mean()),
        verdict=verdict,
    )


def _metrics(spec: Forecast, tested: Backtest, own: Array) -> dict[str, Estimate]:
    """Return the winner's errors with bootstrap intervals over days."""
    whole = np.isfinite(tested.actual).all(axis=1)
    actual, forecast = tested.actual[whole], own[whole]
    lots = np.random.default_rng(spec.seed)
    drawn = [lots.integers(0, len(actual), len(actual)) for _ in range(_DRAWS)]
    tail = (1 - spec.gates.confidence) / 2
    found = {}
    for name, measure in (("mape", mape), ("mae", mae)):
        low, high = np.quantile([measure(actual[rows], forecast[rows]) for rows in drawn], [tail, 1 - tail])
        found[name] = Estimate(value=measure(actual, forecast), low=float(low), high=float(high))
    return found
