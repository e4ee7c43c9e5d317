"""Made-up clients, and the families fitted to them, each once a session."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from include.models.fitting import fit_calibrated
from include.use_cases.credit_risk import SPEC

FAMILIES = ["logistic", "scorecard", "boosting"]


@cache
def made_clients():
    """Return 1,500 clients whose delays raise the risk, and whose sex and age do nothing."""
    generator = np.random.default_rng(7)
    rows = pd.DataFrame({"ID": np.arange(1500), "day": 0})
    for column in SPEC.contract.columns:
        if column.allowed:
            rows[column.name] = generator.choice(column.allowed, len(rows))
        elif column.name.startswith("PAY_") and "AMT" not in column.name:
            rows[column.name] = generator.integers(-2, 5, len(rows))
        elif column.dtype == "number":
            rows[column.name] = generator.uniform(1, 1e5, len(rows))
        elif column.name == "AGE":
            rows[column.name] = generator.integers(20, 70, len(rows))
    odds = -2 + 0.8 * rows["PAY_0"] + 0.2 * rows["PAY_2"]
    rows["default"] = (generator.uniform(size=len(rows)) < 1 / (1 + np.exp(-odds))).astype(int)
    return rows


@cache
def made_model(family):
    """Return a calibrated model of a family, and its scores out of fold."""
    return fit_calibrated(SPEC, family, {}, made_clients(), 1)
