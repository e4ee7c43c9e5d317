"""Watch what was forecast against what came: error, bias and coverage of each series, a jump by its name, one verdict.

It keeps no state but its verdicts: the last days are judged again from the tables each time, and a day's verdicts are
replaced as a whole. Only the series that it names are trained anew.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from include.clock import business_time
from include.data.readings import known_readings
from include.data.sources import DAY
from include.data.tables import Table
from include.deployment.entries import State
from include.deployment.journal import Journal
from include.forecast import Forecast
from include.forecast_ops.promises import keep_promises
from include.forecast_ops.report import watch_report
from include.forecast_ops.rows import BANDS, FORECASTS
from include.forecasting.paths import LEVELS
from include.forecasting.scores import pinball
from include.models import registry, tracking
from include.monitor_ops.attempts import attempts
from include.monitoring.backoff import Backoff, backoff

Verdict = Literal["healthy", "watch", "retrain", "not judged"]
VERDICTS = "verdicts"
REPORT = "watch.html"
_GRAVEST: tuple[Verdict, ...] = ("retrain", "watch", "healthy")
PROOF_DAYS = 2
_STUCK_HOURS = 12  # of a day with one reading; rounding alone repeats one for six hours at most
_NOTHING = 0.02  # of the level before: less than this is an outage or a lost delivery, not a level


@dataclass(frozen=True)
class WatchResult:
    """What the watch says.

    Args:
        verdict: The gravest of all series.
        keys: The series to train anew.
        reason: One sentence that names them, with what was seen; or why nothing was judged.
        run_id: MLflow run that holds the report; none where nothing was judged.
    """

    verdict: Verdict
    keys: tuple[str, ...]
    reason: str
    run_id: str


def watch(spec: Forecast, *, as_of: dt.date, pipeline_run: str) -> WatchResult:
    """Judge the newest forecasts whose truth is known on a day.

    Raises:
        TransientError: a service is away; run it again.
    """
    joined = joined_truth(spec, as_of=as_of, days=spec.watch.window_days)
    if joined.empty:
        return WatchResult("not judged", (), f"nothing was forecast for a day whose truth is known on {as_of}", "")
    state, _ = Journal(spec.name).at(business_time(as_of))
    ahead = joined.loc[joined["day_ahead"] == 1]
    came = _truth(spec, as_of=as_of, first_day=as_of - dt.timedelta(days=spec.watch.window_days + PROOF_DAYS - 1))
    by_day = came.groupby(came.index.date)
    levels, stuck = by_day.median(), (by_day.nunique() == 1) & (by_day.count() >= _STUCK_HOURS)
    stuck[spec.total] = stuck.any(axis=1)
    tried = attempts(spec, state, as_of=as_of)
    waits = {key: backoff(spec.policy, days, window_days=spec.watch.min_days) for key, days in tried.items()}
    judged = [_judged(spec, as_of, key, ahead, levels[key], stuck[key], state, waits[key]) for key in spec.keys]
    verdicts = pd.DataFrame(judged)
    verdicts = verdicts.astype({"series": "str", "verdict": "str", "reason": "str"})
    Table(spec.name, VERDICTS).update(as_of, as_of, lambda present: verdicts, run=pipeline_run)
    wanted = verdicts.loc[verdicts["verdict"] == "retrain"]
    grave: Verdict = next((each for each in _GRAVEST if (verdicts["verdict"] == each).any()), "not judged")
    reason = "; ".join(f"series {row.series}: {row.reason}" for row in wanted.itertuples())
    run_id = _record(spec, state, as_of, joined, verdicts, pipeline_run)
    total = state.of(spec.total)
    if total.champion is not None:
        keep_promises(spec, total.champion, total.previous, joined, as_of)
    return WatchResult(grave, tuple(wanted["series"]), reason, run_id)


def flagged(spec: Forecast, as_of: dt.date) -> tuple[str, ...]:
    """Return the series that the watch of a day wants trained anew."""
    table = Table(spec.name, VERDICTS)
    found = table.read(first_day=as_of, last_day=as_of) if table.exists() else pd.DataFrame()
    return tuple(found.loc[found["verdict"] == "retrain", "series"]) if len(found) else ()


def joined_truth(spec: Forecast, *, as_of: dt.date, days: int) -> pd.DataFrame:
    """Return forecasts beside what came, for the hours of the last days whose truth is known.

    Returns:
        The columns of the forecasts, and ``actual_kw``; no row where there is no such hour. A total is what its series
        add up to, where all are known.
    """
    first = as_of - dt.timedelta(days=days - 1)
    issued = Table(spec.name, FORECASTS).read(first_day=first - dt.timedelta(days=spec.horizon_days), last_day=as_of)
    truth = _truth(spec, as_of=as_of, first_day=first)
    if issued.empty or truth.empty:
        return pd.DataFrame()
    long = truth.stack().rename("actual_kw").rename_axis(["time", "series"]).reset_index()
    return issued.merge(long, on=["time", "series"], how="inner")


def _truth(spec: Forecast, *, as_of: dt.date, first_day: dt.date) -> pd.DataFrame:
    """Return what came, kW, by hour (rows) and series (columns), the total included."""
    load = spec.dataset("load")
    known = known_readings(spec, load, first_day=first_day, last_day=as_of, known_at=business_time(as_of))
    if known.empty:
        return pd.DataFrame()
    wide = known.pivot(index="time", columns=load.series, values=load.value)
    wide.columns = wide.columns.astype(str)
    wide[spec.total] = wide.sum(axis=1, skipna=False)
    return wide


def _judged(
    spec: Forecast,
    as_of: dt.date,
    key: str,
    ahead: pd.DataFrame,
    levels: pd.Series,
    stuck: pd.Series,
    state: State,
    waiting: Backoff,
) -> dict[str, object]:
    mine = ahead.loc[ahead["series"] == key]
    line: dict[str, object] = {DAY: as_of, "series": key, "days": mine["time"].dt.date.nunique()}
    error = (mine["load_kw"] - mine["actual_kw"]).abs()
    daily = error.groupby(mine["time"].dt.date).mean()
    line |= {"mae": float(error.mean()), "bias": float((mine["load_kw"] - mine["actual_kw"]).mean())}
    line |= _band(mine.loc[mine["q10"].notna()])
    verdict, reason = _verdict(spec, as_of, key, daily, levels, stuck, state)
    if verdict == "retrain" and waiting.waits(as_of):
        verdict, reason = "watch", f"{reason}; {waiting.said}"
    return {**line, "verdict": verdict, "reason": reason}


def _band(rows: pd.DataFrame) -> dict[str, float]:
    """Return the coverage of the 80 % band, and the mean pinball loss over all levels, kW."""
    if rows.empty:
        return {"coverage": np.nan, "pinball": np.nan}
    loss = pinball(rows["actual_kw"].to_numpy(), rows[BANDS].to_numpy().T, LEVELS)
    inside = rows["actual_kw"].between(rows["q10"], rows["q90"])
    return {"coverage": float(inside.mean()), "pinball": float(loss.mean())}


def _verdict(
    spec: Forecast, as_of: dt.date, key: str, daily: pd.Series, levels: pd.Series, stuck: pd.Series, state: State
) -> tuple[Verdict, str]:
    limits, champion = spec.watch, state.of(key).champion
    if champion is None:
        return "not judged", "no champion"
    before = float(levels.iloc[:-PROOF_DAYS].median())
    ratios = levels.iloc[-PROOF_DAYS:] / before if before > 0 else levels.iloc[-PROOF_DAYS:] * np.nan
    if ratios.iloc[-1] < _NOTHING:
        return "watch", "nothing came on the newest day: an outage, or a delivery that was lost; no model mends it"
    if stuck.any():  # what was forecast from its readings is wrong for days, too
        days = ", ".join(f"{day}" for day in stuck.index[stuck])
        return "watch", f"a meter was stuck: one reading came for all hours of {days}; no model mends it"
    jumped = (ratios > limits.level_jump) | (ratios < 1 / limits.level_jump)
    level = f"its level is {ratios.iloc[-1]:.1f} times that of the days before"
    evaluation = registry.forecast_of(champion)
    expected = evaluation.metrics["mae"].value
    daily = daily[daily.index > evaluation.trained_until]  # what an earlier champion did is not this one's error
    times = f"{daily.mean() / expected:.1f} times the backtest's" if len(daily) else "not known yet"
    error = f"its error is {times} over {len(daily)} days"
    newest = daily.iloc[-PROOF_DAYS:]
    # Weather moves a level as well; a forecast that went along has nothing to learn.
    missed = len(newest) == PROOF_DAYS and bool((newest > limits.max_error_ratio * expected).all())
    if jumped.all() and missed:
        said = f"{level}, since {ratios.index[0]}; {error}"
    elif jumped.iloc[-1] and not jumped.iloc[0]:
        return "watch", f"{level}; one day is no proof"
    elif len(daily) < limits.min_days:
        return "not judged", f"{len(daily)} days with truth, {limits.min_days} are needed"
    else:
        test = stats.ttest_1samp(daily, expected, alternative="greater")
        if daily.mean() <= limits.max_error_ratio * expected or test.pvalue >= 1 - limits.confidence:
            return "healthy", f"{level}, and the forecast went along: {error}" if jumped.all() else error
        said = f"{error} (p {test.pvalue:.1g})"
    if evaluation.trained_until >= as_of - dt.timedelta(days=limits.min_days) and state.of(key).previous is not None:
        return "watch", f"{said}; trained anew on {evaluation.trained_until}, so it is given {limits.min_days} days"
    return "retrain", said


def _record(
    spec: Forecast, state: State, as_of: dt.date, joined: pd.DataFrame, verdicts: pd.DataFrame, pipeline_run: str
) -> str:
    run_id = tracking.run_under(state.of(spec.total).champion, spec.name, f"watch {as_of}", pipeline_run=pipeline_run)
    total = verdicts.set_index("series").loc[spec.total]
    numbers = {name: float(total[name]) for name in ("mae", "bias", "coverage", "pinball") if np.isfinite(total[name])}
    tracking.log_metrics(run_id, numbers | {"retrain": int((verdicts["verdict"] == "retrain").sum())})
    tracking.log_report(run_id, REPORT, watch_report(spec, as_of, joined, verdicts))
    tracking.close_run(run_id)
    return run_id
