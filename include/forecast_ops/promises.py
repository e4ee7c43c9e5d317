"""What the champion's forecasts have shown day by day, and what the newest one says of its own error beforehand.

All goes to the evaluation store, for the total: the truth of the last days with its interval, and for tomorrow the
error that the band foretells, read as the errors of these days teach. The champion before forecasts the same days once
more from what was known then: a shadow as a job.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy import stats

from include.data.sources import DAY
from include.data.tables import Table
from include.errors import FlightdeckError, TransientError
from include.forecast import Forecast
from include.forecast_ops import artifact
from include.forecast_ops.history import HISTORY_DAYS, history
from include.forecast_ops.rows import BANDS, FORECASTS
from include.models import evaluations, registry
from include.models.evaluations import WindowEvaluation
from include.monitoring.estimate import ErrorModel, expected_error
from include.records import Estimate, ModelRef

_FEWEST_DAYS = 3
_DAY_HOURS = 24


def keep_promises(
    spec: Forecast, champion: ModelRef, previous: ModelRef | None, joined: pd.DataFrame, as_of: dt.date
) -> None:
    """Record what a champion of the total has shown since it was trained, and what tomorrow's forecast foretells.

    Args:
        spec: The use case.
        champion: The total's.
        previous: The total's champion before, if there is one.
        joined: Forecasts beside what came, as ``include.forecast_ops.watch.joined_truth`` gives them.
        as_of: Day of the newest issue.

    Raises:
        TransientError: a service is away.
    """
    rows = joined.loc[(joined["series"] == spec.total) & (joined["day_ahead"] == 1) & (joined["actual_kw"] > 0)]
    days = rows["time"].dt.date
    rows = rows.loc[days > registry.forecast_of(champion).trained_until]
    by_day = rows["time"].dt.date
    if by_day.nunique() < _FEWEST_DAYS:
        return
    error = _by_day(spec, rows, rows["load_kw"])
    _record(spec, champion, "online", min(by_day), max(by_day), len(rows), _mean(spec, error))
    if previous is not None:
        _keep_rival(spec, previous, rows)
    issued = Table(spec.name, FORECASTS).read(first_day=as_of, last_day=as_of)
    ahead = issued.loc[(issued["series"] == spec.total) & (issued["day_ahead"] == 1)] if len(issued) else issued
    said = _foretold(spec, rows).groupby(by_day).mean().dropna()
    ratios = (error[said.index] / said)[lambda each: each > 0]
    if ahead.empty or ahead["q10"].isna().any() or len(ratios) < _FEWEST_DAYS:
        return
    tomorrow = ErrorModel(ratios=tuple(ratios)).estimate(
        float(_foretold(spec, ahead).mean()), confidence=spec.gates.confidence
    )
    day = as_of + dt.timedelta(days=1)
    _record(spec, champion, "estimate", day, day, len(ahead), tomorrow)


def _keep_rival(spec: Forecast, ref: ModelRef, rows: pd.DataFrame) -> None:
    """Record what a version would have shown on hours that it has not learned from, by itself: not reconciled."""
    fresh = rows.loc[rows["time"].dt.date > registry.forecast_of(ref).trained_until]
    fresh = fresh.assign(again=_forecast_again(spec, ref, fresh)).dropna(subset="again")
    days = fresh["time"].dt.date
    if days.nunique() >= _FEWEST_DAYS:
        error = _by_day(spec, fresh, fresh["again"])
        _record(spec, ref, "replay", min(days), max(days), len(fresh), _mean(spec, error))


def _forecast_again(spec: Forecast, ref: ModelRef, rows: pd.DataFrame) -> pd.Series:
    """Return what a version forecasts for the first day ahead, kW, from what was known at each origin; NaN where it
    cannot."""
    forecaster = artifact.load(ref)
    found: dict[pd.Timestamp, float] = {}
    for as_of in sorted(set(rows[DAY])):
        closure = spec.origin(as_of)
        try:
            known = history(spec, known_at=closure, first_day=as_of - dt.timedelta(days=HISTORY_DAYS))
            ahead = forecaster.issue(known, pd.Timestamp(closure))[:_DAY_HOURS]
        except TransientError:
            raise
        except FlightdeckError:  # as in an issue, where a simple forecast would take its place
            continue
        start = pd.Timestamp(closure) + pd.Timedelta(hours=spec.leads[0])
        found |= dict(zip(pd.date_range(start, periods=_DAY_HOURS, freq="h"), ahead, strict=True))
    return rows["time"].map(found).astype(float)


def _by_day(spec: Forecast, rows: pd.DataFrame, forecast: pd.Series) -> pd.Series:
    """Return the mean error of each day."""
    error = _measured(spec, (forecast - rows["actual_kw"]).abs(), rows["actual_kw"])
    return error.groupby(rows["time"].dt.date).mean()


def _mean(spec: Forecast, error: pd.Series) -> Estimate:
    reach = stats.t.ppf((1 + spec.gates.confidence) / 2, len(error) - 1) * error.std(ddof=1) / np.sqrt(len(error))
    mean = float(error.mean())
    return Estimate(value=mean, low=max(mean - float(reach), 0.0), high=mean + float(reach))


def _measured(spec: Forecast, kw: pd.Series, load: pd.Series) -> pd.Series:
    """Return errors in the unit of the primary metric."""
    return 100 * kw / load if spec.primary_metric == "mape" else kw


def _foretold(spec: Forecast, rows: pd.DataFrame) -> pd.Series:
    """Return the error of each hour that its band foretells, NaN where there is no band."""
    point = rows["load_kw"].to_numpy()
    kw = pd.Series(expected_error(point, rows[BANDS].to_numpy(dtype=float)), index=rows.index)
    return _measured(spec, kw, rows["load_kw"])


def _record(
    spec: Forecast,
    champion: ModelRef,
    source: evaluations.EvaluationSource,
    first_day: dt.date,
    last_day: dt.date,
    rows: int,
    found: Estimate,
) -> None:
    evaluation = WindowEvaluation(
        source=source, first_day=first_day, last_day=last_day, rows=rows, metrics={spec.primary_metric: found}
    )
    evaluations.record(spec, spec.total, champion, evaluation)
