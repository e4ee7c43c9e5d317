"""What the champion's forecasts have shown day by day, and what the newest one says of its own error beforehand.

Both go to the evaluation store, for the total: the truth of the last days with its interval, and for tomorrow the error
that the band foretells, read as the errors of these days teach.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy import stats

from include.data.tables import Table
from include.forecast import Forecast
from include.forecast_ops.rows import BANDS, FORECASTS
from include.models import evaluations, registry
from include.models.evaluations import WindowEvaluation
from include.monitoring.estimate import ErrorModel, expected_error
from include.records import Estimate, ModelRef

_FEWEST_DAYS = 3


def keep_promises(spec: Forecast, champion: ModelRef, joined: pd.DataFrame, as_of: dt.date) -> None:
    """Record what a champion of the total has shown since it was trained, and what tomorrow's forecast foretells.

    Args:
        spec: The use case.
        champion: The total's.
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
    error = _measured(spec, (rows["load_kw"] - rows["actual_kw"]).abs(), rows["actual_kw"]).groupby(by_day).mean()
    reach = stats.t.ppf((1 + spec.gates.confidence) / 2, len(error) - 1) * error.std(ddof=1) / np.sqrt(len(error))
    mean = float(error.mean())
    _record(spec, champion, "online", min(by_day), max(by_day), len(rows),
            Estimate(value=mean, low=max(mean - float(reach), 0.0), high=mean + float(reach)))  # fmt: skip
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
