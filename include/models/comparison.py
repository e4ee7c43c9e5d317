"""Paired comparison of two models on the same fresh rows, and the two ways to replace a champion."""

from __future__ import annotations

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from include.classification import Classification
from include.models.metrics import HIGHER_IS_BETTER, Array, auc, brier, estimate
from include.records import Comparison, Route, Verdict
from include.spec import UseCase

_METRICS = {"auc": auc, "brier": brier}


def compare(
    spec: Classification, y: Array, candidate: Array, other: Array, weights: NDArray[np.float64], against: str
) -> Comparison:
    """Return the paired bootstrap of the primary metric's difference; positive favours the candidate.

    The same resample is used for both models, so what they share cancels (Efron & Tibshirani, 1993, ch. 16). Better and
    worse ask for an interval that excludes zero; non-inferior asks that its lower bound is above minus the margin.
    """
    metric = _METRICS[spec.primary_metric]
    sign = 1 if HIGHER_IS_BETTER[spec.primary_metric] else -1
    differences = sign * (metric(y, candidate, weights) - metric(y, other, weights))
    return concluded(spec, differences, against=against, metric=spec.primary_metric, rows=len(y))


def concluded(spec: UseCase, differences: Array, *, against: str, metric: str, rows: int) -> Comparison:
    """Return what follows from a difference and its bootstrap; positive favours the candidate.

    Args:
        spec: The use case, for its confidence and its margin.
        differences: The difference first, then that of each resample.
        against: Whom the candidate was compared with.
        metric: The metric.
        rows: How many cases were paired.
    """
    found = estimate(differences, spec.gates.confidence)
    verdict: Verdict = "not significantly better"
    if found.low > 0:
        verdict = "better"
    elif found.high < 0:
        verdict = "worse"
    drawn = differences[1:][np.isfinite(differences[1:])]
    return Comparison(
        against=against,
        metric=metric,
        rows=rows,
        difference=found,
        p_value=float((1 + (drawn <= 0).sum()) / (1 + len(drawn))),
        non_inferior=found.low > -spec.gates.non_inferiority_margin,
        verdict=verdict,
    )


def refresh_due(spec: UseCase, *, as_of: dt.date, champion_since: dt.date | None, drift_confirmed: str) -> str:
    """Return why the champion may be refreshed without being beaten, or nothing."""
    if drift_confirmed:
        return f"drift is confirmed: {drift_confirmed}"
    if champion_since is None:
        return ""
    age = (as_of - champion_since).days
    limit = spec.gates.max_champion_age_days
    if not limit:
        return "a champion is refreshed every day"
    return f"the champion is {age} days old, more than {limit}" if age > limit else ""


def route(comparison: Comparison | None, best_baseline: Comparison, due: str) -> Route | None:
    """Return the way by which a candidate may become champion, none where there is none.

    The first champion must beat the best baseline; a later one must beat the champion, or be no worse when it is due.
    """
    if best_baseline.verdict != "better":
        return None
    if comparison is None:
        return "first"
    if comparison.verdict == "better":
        return "superiority"
    return "refresh" if due and comparison.non_inferior else None
