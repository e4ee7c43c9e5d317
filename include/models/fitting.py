"""Fit one configuration and calibrate it: the same code for a training and for rebuilding an old one."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from include.catalog import resolve
from include.classification import Classification

Array = NDArray[np.float64]
_FOLDS = 5
EDGE = 1e-6


class Calibrated(BaseEstimator, ClassifierMixin):
    """A fitted classifier whose log-odds are stretched and shifted to what was seen out of fold (Platt, 1999).

    The map only rises, so no ranking changes. ``typical_`` keeps the middle of the good cases of each raw column, the
    point of reference of the reason codes.
    """

    def __init__(
        self, model: Any, slope: float = 1.0, shift: float = 0.0, typical: dict[str, float] | None = None
    ) -> None:
        self.model = model
        self.slope = slope
        self.shift = shift
        self.typical = typical

    def fit(self, X: pd.DataFrame, y: Any) -> Self:
        """Do nothing: it is made of parts that are fitted."""
        return self

    @property
    def classes_(self) -> NDArray[np.int64]:
        """Return the two outcomes."""
        return np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict_proba(self, X: pd.DataFrame) -> Array:
        """Return probabilities of 0 and 1, shape (rows, 2)."""
        risk = _probability(self.slope * _log_odds(self.model.predict_proba(X)[:, 1]) + self.shift)
        return np.column_stack([1 - risk, risk])

    def predict(self, X: pd.DataFrame) -> Array:
        """Return the probability of the target, shape (rows,): what decisions are made of."""
        risk: Array = self.predict_proba(X)[:, 1]
        return risk


def build(spec: Classification, family: str, params: dict[str, Any], seed: int) -> Any:
    """Return the unfitted classifier of one of the spec's families."""
    chosen = next(each for each in spec.candidates if each.name == family)
    return resolve(chosen.build)(spec, {**chosen.params, **params}, seed)


def fit_calibrated(
    spec: Classification, family: str, params: dict[str, Any], rows: pd.DataFrame, seed: int
) -> tuple[Calibrated, Array]:
    """Fit on all rows, calibrate on out-of-fold scores, and return the model and those calibrated scores.

    Args:
        spec: The use case.
        family: One of the spec's families.
        params: The configuration that the search has found.
        rows: Training rows with the target.
        seed: Seed of folds and model.
    """
    X, y = rows[spec.model_columns], rows[spec.contract.target].to_numpy(dtype=int)
    model = build(spec, family, params, seed)
    folds = StratifiedKFold(_FOLDS, shuffle=True, random_state=seed)
    odds = _log_odds(cross_val_predict(model, X, y, cv=folds, method="predict_proba")[:, 1])
    platt = LogisticRegression(C=1e6).fit(odds[:, None], y)
    slope, shift = float(platt.coef_[0, 0]), float(platt.intercept_[0])
    if slope <= 0:  # a model that ranks no better than chance is left as it is, for a falling map would turn it around
        slope, shift = 1.0, 0.0
    good = X.loc[y == 0]
    typical = {name: float(value) for name, value in good.astype(float).median().items()}
    fitted = clone(model).fit(X, y)
    return Calibrated(fitted, slope, shift, typical), _probability(slope * odds + shift)


def _log_odds(probability: Array) -> Array:
    kept = np.clip(probability, EDGE, 1 - EDGE)
    return np.log(kept / (1 - kept))


def _probability(odds: Array) -> Array:
    return 1 / (1 + np.exp(-odds))
