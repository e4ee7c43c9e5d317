"""Weight-of-evidence scorecard: bins that a person can read, and a logistic regression over them.

The bins are found by optbinning's optimal binning; what is kept of it is plain numbers, so that the artifact needs no
solver and every part of it can be read. Weight of evidence here is ln(share of bads / share of goods): more is riskier.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from optbinning import OptimalBinning
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression

Array = NDArray[np.float64]
_SMOOTH = 0.5


class WeightOfEvidence(BaseEstimator, TransformerMixin):
    """Each column into the weight of evidence of its bin; missing values have a bin of their own.

    Args:
        rising: For each column, whether its weight may only rise with it.
        max_bins: Largest number of bins of a column.
    """

    def __init__(self, rising: list[bool], max_bins: int = 8) -> None:
        self.rising = rising
        self.max_bins = max_bins

    def fit(self, X: Array, y: NDArray[np.int64]) -> Self:
        """Find the bins of each column and their weights."""
        self.edges_: list[Array] = []
        self.weights_: list[Array] = []
        for column, rising in zip(X.T, self.rising, strict=True):
            trend = "ascending" if rising else "auto_asc_desc"
            found = OptimalBinning(solver="cp", monotonic_trend=trend, max_n_bins=self.max_bins, time_limit=10)
            found.fit(column, y)
            edges = np.asarray(found.splits, dtype=float)
            self.edges_.append(edges)
            self.weights_.append(_weights(self._bins(column, edges), y, len(edges) + 2))
        return self

    def transform(self, X: Array) -> Array:
        """Return the weights, shape as ``X``."""
        both = zip(X.T, self.edges_, self.weights_, strict=True)
        return np.column_stack([weights[self._bins(column, edges)] for column, edges, weights in both])

    @staticmethod
    def _bins(column: Array, edges: Array) -> NDArray[np.int64]:
        return np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, column, side="right"))


class Scorecard(BaseEstimator, ClassifierMixin):
    """Logistic regression over weights of evidence, without a coefficient of the wrong sign.

    A negative coefficient would turn a column's evidence around; the most negative column is left out until none is,
    as is usual for scorecards (Siddiqi, Credit Risk Scorecards, 2006).
    """

    def __init__(self, rising: list[bool], max_bins: int = 8, C: float = 1.0) -> None:
        self.rising = rising
        self.max_bins = max_bins
        self.C = C

    def fit(self, X: Array, y: NDArray[np.int64]) -> Self:
        """Find the bins, then the coefficients; all are zero or positive."""
        self.classes_ = np.array([0, 1])
        self.bins_ = WeightOfEvidence(self.rising, self.max_bins).fit(X, y)
        evidence = self.bins_.transform(X)
        kept = np.flatnonzero(evidence.std(axis=0) > 0)
        while True:
            model = LogisticRegression(C=self.C, max_iter=500).fit(evidence[:, kept], y)
            if (worst := model.coef_[0].argmin()) is None or model.coef_[0][worst] >= 0 or len(kept) == 1:
                break
            kept = np.delete(kept, worst)
        self.coef_ = np.zeros(X.shape[1])
        self.coef_[kept] = np.maximum(model.coef_[0], 0)
        self.intercept_ = float(model.intercept_[0])
        return self

    def decision_function(self, X: Array) -> Array:
        """Return log-odds of the target, shape (rows,)."""
        odds: Array = self.bins_.transform(X) @ self.coef_ + self.intercept_
        return odds

    def predict_proba(self, X: Array) -> Array:
        """Return probabilities of 0 and 1, shape (rows, 2)."""
        risk = 1 / (1 + np.exp(-self.decision_function(X)))
        return np.column_stack([1 - risk, risk])

    def predict(self, X: Array) -> Any:
        """Return 1 where the risk is at least one half."""
        return (self.decision_function(X) >= 0).astype(int)


def _weights(bins: NDArray[np.int64], y: NDArray[np.int64], count: int) -> Array:
    bad = np.bincount(bins, weights=y, minlength=count)
    good = np.bincount(bins, weights=1 - y, minlength=count)
    weight = np.log((bad + _SMOOTH) / (y.sum() + _SMOOTH)) - np.log((good + _SMOOTH) / ((1 - y).sum() + _SMOOTH))
    weight[(bad + good) == 0] = 0.0
    weights: Array = weight
    return weights
