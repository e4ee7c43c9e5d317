"""How well a classifier did, window by window, once its labels are there; and how well it seems to do before.

Performance by the spec's metrics with intervals, by slice and for protected groups, beside what scores had foretold.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import numpy as np
import pandas as pd
from pydantic import Field

from include.classification import Classification
from include.data.sources import DAY
from include.errors import MissingMetricError
from include.models.fairness import audit
from include.models.metrics import Array, all_metrics, estimate, resamples
from include.monitoring.diagnosis import Promise
from include.monitoring.estimate import Metric, Reliability, expected
from include.monitoring.profile import ReferenceProfile, group_codes
from include.records import ClassificationEvaluation, Estimate, FairnessResult, Record

_SHOWN = ("auc", "brier", "cost")
_FEWEST = 100  # rows of a slice that is judged
_ONE_OUTCOME = "too few of one outcome"
_TOGETHER = 4  # windows that fairness is judged on


class Slice(Record):
    """One group of cases."""

    column: str
    group: str
    rows: int
    rate: float = Field(description="share of cases with the outcome")
    quality: Estimate | None = Field(default=None, description="the primary metric; none where it has no number")
    why: str = Field(default="", description="why there is none")


class Quality(Record):
    """One window: what was foretold, and what came."""

    first_day: dt.date
    last_day: dt.date
    rows: int
    foretold: dict[str, Estimate] = Field(description="metrics by the scores alone, before the labels")
    seen: dict[str, Estimate] = Field(default_factory=dict, description="metrics by the labels; empty before them")
    slices: tuple[Slice, ...] = ()
    fairness: tuple[FairnessResult, ...] = ()
    why: dict[str, str] = Field(default_factory=dict, description="why a metric or a column's parity has no number")

    @property
    def promises(self) -> list[Promise]:
        """Return what was foretold beside what came."""
        return [
            Promise(metric=name, expected=self.foretold[name], seen=seen)
            for name, seen in self.seen.items()
            if name in self.foretold
        ]


def foretold(
    spec: Classification, evaluation: ClassificationEvaluation, reliability: Reliability, scores: Array
) -> dict[str, Estimate]:
    """Return the metrics that scores foretell of themselves."""
    return expected(scores, reliability, _metrics(spec, evaluation), seed=spec.seed,
                    confidence=spec.gates.confidence)  # fmt: skip


def qualities(
    spec: Classification,
    evaluation: ClassificationEvaluation,
    reliability: Reliability,
    profile: ReferenceProfile,
    known: pd.DataFrame,
    *,
    until: dt.date,
    count: int,
) -> list[Quality]:
    """Return the newest windows whose labels are there, oldest first.

    Args:
        spec: The use case.
        evaluation: The champion's, for its threshold.
        reliability: How its probabilities are read.
        profile: Its reference, which names the groups of slices.
        known: Scored rows with ``day``, the raw columns, ``score`` and the target.
        until: Last day whose labels are due.
        count: How many windows at most.
    """
    found: list[Quality] = []
    first = known[DAY].min() if len(known) else until
    while len(found) < count and until >= first:
        begin = until - dt.timedelta(days=spec.monitoring.window_days - 1)
        rows = known.loc[known[DAY].between(begin, until)]
        if len(rows) >= spec.monitoring.min_rows:
            found.append(_quality(spec, evaluation, reliability, profile, rows, begin, until))
        until = begin - dt.timedelta(days=1)
    return found[::-1]


def fairness(
    spec: Classification, evaluation: ClassificationEvaluation, known: pd.DataFrame, *, until: dt.date
) -> tuple[FairnessResult, ...]:
    """Return the audit of several windows together, none where there are not so many yet.

    A week has too few of a small group: the worst of a few noisy rates is low whatever they come from.
    """
    first = until - dt.timedelta(days=_TOGETHER * spec.monitoring.window_days - 1)
    rows = known.loc[known[DAY].between(first, until)].reset_index(drop=True)
    if len(rows) < _TOGETHER * spec.monitoring.min_rows:
        return ()
    weights = resamples(len(rows), spec.seed)
    return _audited(spec, evaluation, rows, weights)[0]


def _quality(
    spec: Classification,
    evaluation: ClassificationEvaluation,
    reliability: Reliability,
    profile: ReferenceProfile,
    rows: pd.DataFrame,
    first_day: dt.date,
    last_day: dt.date,
) -> Quality:
    scores, y = rows["score"].to_numpy(dtype=float), rows[spec.contract.target].to_numpy(dtype=float)
    weights = resamples(len(rows), spec.seed)
    every = {name: _estimated(spec, metric, y, scores, weights) for name, metric in _metrics(spec, evaluation).items()}
    seen = {name: value for name, value in every.items() if value is not None}
    audited, why = _audited(spec, evaluation, rows.reset_index(drop=True), weights)
    return Quality(
        first_day=first_day,
        last_day=last_day,
        rows=len(rows),
        foretold=foretold(spec, evaluation, reliability, scores),
        seen=seen,
        slices=tuple(_slices(spec, evaluation, profile, rows)),
        fairness=audited,
        why=why | {name: _ONE_OUTCOME for name in every if name not in seen},
    )


def _metrics(spec: Classification, evaluation: ClassificationEvaluation) -> dict[str, Metric]:
    found = all_metrics(spec.costs, evaluation.threshold)
    return {name: found[name] for name in dict.fromkeys((spec.primary_metric, *_SHOWN))}


def _slices(
    spec: Classification, evaluation: ClassificationEvaluation, profile: ReferenceProfile, rows: pd.DataFrame
) -> Sequence[Slice]:
    metric, found = _metrics(spec, evaluation)[spec.primary_metric], []
    for column, groups in profile.groups.items():
        place = group_codes(profile.columns[column], groups, rows[column])
        for number, label in enumerate(groups.labels):
            mine = rows.loc[place == number]
            if mine.empty:
                continue
            y, score = mine[spec.contract.target].to_numpy(dtype=float), mine["score"].to_numpy(dtype=float)
            line = Slice(column=column, group=label, rows=len(mine), rate=float(y.mean()))
            if len(mine) < _FEWEST:
                found.append(line.model_copy(update={"why": f"{len(mine)} rows, {_FEWEST} are needed"}))
                continue
            quality = _estimated(spec, metric, y, score, resamples(len(mine), spec.seed))
            found.append(line.model_copy(update={"quality": quality, "why": "" if quality else _ONE_OUTCOME}))
    return found


def _audited(
    spec: Classification, evaluation: ClassificationEvaluation, rows: pd.DataFrame, weights: Array
) -> tuple[tuple[FairnessResult, ...], dict[str, str]]:
    """Return the parity of each protected column, and why one has none; its groups may be too small in a window."""
    found: list[FairnessResult] = []
    why, scores = {}, rows["score"].to_numpy(dtype=float)
    for rule in spec.gates.fairness:
        try:
            found += audit(spec, rows, scores, evaluation.threshold, weights, rules=(rule,))
        except MissingMetricError as error:
            why[f"parity by {rule.column}"] = f"{error.expected} are needed, and there are {error.seen}"
    return tuple(found), why


def _estimated(spec: Classification, metric: Metric, y: Array, scores: Array, weights: Array) -> Estimate | None:
    """Return an estimate; none where there is no number, as for the ranking of one outcome alone."""
    with np.errstate(invalid="ignore"):
        values = metric(y, scores, weights)
    try:
        return estimate(values, spec.gates.confidence)
    except MissingMetricError:
        return None
