"""Behavioural tests of a candidate: what must hold for every case, whatever the metrics say (Ribeiro et al., 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from include.classification import Classification
from include.records import GateResult

_CASES = 500
_STEPS = 6
_ROUNDING = 1e-9


def behavioural_gates(spec: Classification, model: Any, rows: pd.DataFrame, seed: int) -> list[GateResult]:
    """Return the gates: more of a risk column never lowers the score; a protected attribute changes nothing."""
    cases = rows.sample(min(_CASES, len(rows)), random_state=seed)
    gates = [_never_lowers(spec, model, cases, name) for name in spec.gates.raises_risk]
    gates += [_changes_nothing(model, cases, name, seed) for name in spec.protected_columns]
    return gates


def _never_lowers(spec: Classification, model: Any, cases: pd.DataFrame, name: str) -> GateResult:
    values = np.unique(np.quantile(cases[name], np.linspace(0, 1, _STEPS)))
    column = spec.contract.column(name)
    if column.minimum is not None and column.maximum is not None:
        values = np.unique(np.linspace(column.minimum, column.maximum, 2 * _STEPS).round())
    scores = np.stack([model.score(cases.assign(**{name: value})) for value in values])
    steps = np.diff(scores, axis=0)
    lowered = int((steps < -_ROUNDING).any(axis=0).sum())
    return GateResult(
        name=f"more {name} never lowers the risk",
        passed=lowered == 0,
        required="no case",
        observed=f"{lowered} of {len(cases)} cases",
        detail=f"largest fall {max(0.0, float(-steps.min())) if steps.size else 0.0:.4f}",
    )


def _changes_nothing(model: Any, cases: pd.DataFrame, name: str, seed: int) -> GateResult:
    before = model.score(cases)
    shuffled = cases[name].sample(frac=1, random_state=seed).to_numpy()
    changed = int((np.abs(model.score(cases.assign(**{name: shuffled})) - before) > _ROUNDING).sum())
    return GateResult(
        name=f"permuting {name} changes nothing",
        passed=changed == 0,
        required="no case",
        observed=f"{changed} of {len(cases)} cases",
    )
