"""What a classifier's windows are made of: the columns that it sees and its scores, in the reference as in a window."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.classification import Classification
from include.monitoring.drift import SCORE
from include.monitoring.profile import ReferenceProfile, build


def watched(spec: Classification, rows: pd.DataFrame, scores: np.ndarray) -> pd.DataFrame:
    """Return the columns that are compared; protected ones are left out, for the model does not see them.

    Args:
        spec: The use case.
        rows: Raw rows.
        scores: The model's scores of them, shape (rows,).
    """
    return rows[spec.model_columns].assign(**{SCORE: np.asarray(scores, dtype=float)})


def reference_of(spec: Classification, rows: pd.DataFrame, scores: np.ndarray) -> ReferenceProfile:
    """Return the profile of the fresh rows that a model was judged on; arguments as of ``watched``."""
    named = [column.name for column in spec.contract.columns if column.categorical]
    return build(
        watched(spec, rows, scores), categorical=named, groups=spec.monitoring.groups, days=rows.get("day"),
        seed=spec.seed,
    )  # fmt: skip
