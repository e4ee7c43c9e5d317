"""Naive baselines: what a candidate must beat to be worth anything."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.classification import Classification
from include.models.metrics import Array, auc
from include.models.scorecard import Scorecard

BASE_RATE, BEST_FEATURE = "base_rate", "best_feature"


def fit_baselines(spec: Classification, trained: pd.DataFrame, fresh: pd.DataFrame) -> dict[str, Array]:
    """Return the fresh rows' scores by the base rate, and by the one raw column that ranks the training rows best.

    Args:
        spec: The use case.
        trained: Training rows with the target.
        fresh: Rows to score.
    """
    y = trained[spec.contract.target].to_numpy(dtype=int)
    ones = np.ones((1, len(trained)))
    ranks = {name: auc(y.astype(float), trained[name].to_numpy(dtype=float), ones)[0] for name in spec.model_columns}
    best = max(ranks, key=lambda name: abs(ranks[name] - 0.5))
    one = Scorecard(rising=[False]).fit(trained[[best]].to_numpy(dtype=float), y)
    return {
        BASE_RATE: np.full(len(fresh), y.mean()),
        BEST_FEATURE: one.predict_proba(fresh[[best]].to_numpy(dtype=float))[:, 1],
    }
