"""Parity of the favourable outcome over protected groups, with intervals and a smallest group that is judged.

Favourable is 'not declined by the score'. Demographic parity compares the rates as they are; equal opportunity compares
them among those who turned out good (Hardt, Price & Srebro, 2016).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.classification import Classification, Fairness
from include.errors import MissingMetricError
from include.models.metrics import Array, estimate
from include.records import Estimate, FairnessResult, GroupOutcome


def groups_of(rule: Fairness, values: pd.Series) -> NDArray[np.str_]:
    """Return the group name of each row: the value itself, or its band."""
    if not rule.bands:
        return values.astype(str).to_numpy(dtype=str)
    edges = [-np.inf, *rule.bands, np.inf]
    names = [f"under {rule.bands[0]:g}"]
    names += [f"{low:g} to under {high:g}" for low, high in zip(rule.bands, rule.bands[1:], strict=False)]
    names += [f"{rule.bands[-1]:g} and over"]
    return np.asarray(pd.cut(values.astype(float), edges, right=False, labels=names)).astype(str)


def audit(
    spec: Classification,
    rows: pd.DataFrame,
    score: Array,
    threshold: float,
    weights: Array,
    *,
    rules: Sequence[Fairness] | None = None,
) -> tuple[FairnessResult, ...]:
    """Return the parity of each protected column that the spec names.

    Args:
        spec: The use case, with its rules.
        rows: Fresh rows with protected columns and target.
        score: Probability of the target, shape (rows,).
        threshold: Score at and above which a case is declined.
        weights: Resamples, shape (1 + count, rows).
        rules: Some of its rules; none for all.

    Raises:
        MissingMetricError: fewer than two groups are large enough to be judged.
    """
    favourable = (score < threshold).astype(float)
    good = (rows[spec.contract.target].to_numpy() == 0).astype(float)
    rules = spec.gates.fairness if rules is None else rules
    return tuple(_one(spec, rule, rows, favourable, good, weights) for rule in rules)


def _one(
    spec: Classification, rule: Fairness, rows: pd.DataFrame, favourable: Array, good: Array, weights: Array
) -> FairnessResult:
    names = groups_of(rule, rows[rule.column])
    outcomes, rates, chances = [], [], []
    for name in sorted(set(names)):
        member = (names == name).astype(float)
        rate = _rate(weights, member, favourable)
        chance = _rate(weights, member * good, favourable)
        judged = member.sum() >= rule.min_group
        outcomes.append(
            GroupOutcome(
                column=rule.column,
                group=name,
                rows=int(member.sum()),
                favourable_rate=_estimate(rate, spec.gates.confidence),
                true_favourable_rate=_estimate(chance, spec.gates.confidence) if (member * good).any() else None,
                judged=bool(judged),
            )
        )
        if judged:
            rates.append(rate)
            chances.append(chance)
    if len(rates) < 2:
        raise MissingMetricError(
            expected=f"at least two groups of {rule.min_group} rows",
            seen=", ".join(f"{each.group}: {each.rows}" for each in outcomes),
            where=f"fairness of {rule.column}",
            next_step="wait for more fresh rows, or lower min_group in the spec with the reviewer's consent",
        )
    all_rates, all_chances = np.stack(rates), np.stack(chances)
    ratio = estimate(all_rates.min(axis=0) / all_rates.max(axis=0), spec.gates.confidence)
    gap = estimate(all_chances.max(axis=0) - all_chances.min(axis=0), spec.gates.confidence)
    return FairnessResult(
        column=rule.column,
        parity_ratio=ratio,
        opportunity_gap=gap,
        groups=tuple(outcomes),
        passed=ratio.value >= rule.min_ratio,
    )


def _rate(weights: Array, member: Array, favourable: Array) -> Array:
    with np.errstate(invalid="ignore"):
        rate: Array = (weights @ (member * favourable)) / (weights @ member)
    return rate


def _estimate(values: Array, confidence: float) -> Estimate:
    """Return an interval also for a group that is too small to have one: then it is all of [0, 1]."""
    if np.isfinite(values).all():
        return estimate(values, confidence)
    return Estimate(value=float(np.nan_to_num(values[0])), low=0.0, high=1.0)
