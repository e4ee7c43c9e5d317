"""How good the answers were, by the truth that came later: one number a window, whatever kind a use case is of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import pandas as pd

from include.classification import Classification
from include.data.ingest import TRUTH
from include.data.landing import newest_known
from include.data.sources import DAY
from include.data.tables import Table
from include.errors import MissingMetricError
from include.forecast import Forecast
from include.forecast_ops.watch import joined_truth
from include.models.metrics import auc, estimate, resamples
from include.recommend_ops.shown import VERDICTS
from include.recommendation import Recommendation
from include.records import Estimate
from include.serving.batch import PREDICTIONS
from include.spec import UseCase


@dataclass(frozen=True)
class Measure:
    """A number for the quality of some days' answers.

    Args:
        name: What it is, for the axis.
        band: What its interval is.
        higher_is_better: Which way is up.
        truth_days: Days until the truth of a day is known.
        of: The number of the days from one to another; none where no truth is known.
    """

    name: str
    band: str
    higher_is_better: bool
    truth_days: int
    of: Callable[[dt.date, dt.date], Estimate | None]


def measure_of(spec: UseCase) -> Measure:
    """Return the measure of a use case's kind."""
    if isinstance(spec, Forecast):
        return Measure("error of the median series a day ahead, %", "middle half of the series", False, 0,
                       lambda *days: _missed(spec, *days))  # fmt: skip
    if isinstance(spec, Recommendation):
        return Measure("households that bought from their list, %", "worst and best market", True, 0,
                       lambda *days: _bought(spec, *days))  # fmt: skip
    classified = cast("Classification", spec)
    return Measure("AUC", "95 % interval", True, classified.label_delay_days, lambda *days: _ranked(classified, *days))


def _ranked(spec: Classification, first: dt.date, last: dt.date) -> Estimate | None:
    """Return the AUC of the scores that were given first, with its interval by resampling."""
    columns = [DAY, spec.contract.key, "score", "sequence"]
    log = Table(spec.name, PREDICTIONS).read(first_day=first, last_day=last, columns=columns)
    truth = Table(spec.name, TRUTH).read(first_day=first, last_day=last)
    if log.empty or truth.empty:
        return None
    given = log.sort_values("sequence").drop_duplicates([DAY, spec.contract.key])
    rows = given.merge(newest_known(truth, [spec.contract.key], None), on=[DAY, spec.contract.key])
    y, score = rows[spec.contract.target].to_numpy(dtype=float), rows["score"].to_numpy(dtype=float)
    if not 0 < y.sum() < len(y):
        return None
    try:
        return estimate(auc(y, score, resamples(len(rows), spec.seed)), spec.gates.confidence)
    except MissingMetricError:
        return None


def _missed(spec: Forecast, first: dt.date, last: dt.date) -> Estimate | None:
    """Return the median series' mean absolute percentage error, and the quartiles of the series."""
    joined = joined_truth(spec, as_of=last, days=(last - first).days + 1)
    if joined.empty:
        return None
    ahead = joined.loc[(joined["day_ahead"] == 1) & (joined["actual_kw"] > 0)]
    error = 100 * (ahead["load_kw"] - ahead["actual_kw"]).abs() / ahead["actual_kw"]
    by_series = error.groupby(ahead["series"]).mean()  # a series whose load is near nothing has an error of any size
    return _spread(by_series, (0.25, 0.75), middle=float(by_series.median()))


def _bought(spec: Recommendation, first: dt.date, last: dt.date) -> Estimate | None:
    """Return the mean of the markets' hit rates, and the worst and the best of them."""
    rates = Table(spec.name, VERDICTS).read(first_day=first, last_day=last)
    if rates.empty:
        return None
    by_market = 100 * rates.groupby("market")["hit_rate"].mean()
    return _spread(by_market, (0.0, 1.0), middle=float(by_market.mean()))


def _spread(values: pd.Series, ends: tuple[float, float], *, middle: float) -> Estimate | None:
    known = values.dropna()
    if known.empty:
        return None
    low, high = known.quantile(list(ends))
    return Estimate(value=middle, low=float(low), high=float(high))
