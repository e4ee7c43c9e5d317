"""The first step of every model: raw columns into numbers, derived features included.

It is part of the model artifact, so training and serving cannot differ. The output is a plain array: a frame would
cost a single request more time than the model itself.

Every number is rounded to single precision, before and after the operations, in training too: serving sends float32,
and what a model has learned from other digits could lie on the other side of a split. Between the roundings all is
double, and sums are taken from left to right, so that another program comes to the same number.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from include.classification import Classification
from include.errors import ContractError

Array = NDArray[np.float64]
LARGEST = float(np.finfo(np.float32).max)


def _ratio(block: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(block[:, 1] == 0, np.nan, block[:, 0] / block[:, 1])


def _total(block: Array) -> Array:
    """Return the sum of columns from left to right; NumPy's own order depends on how they lie in memory."""
    return functools.reduce(np.add, block.T)


def steps_of(count: int) -> Array:
    """Return equally spaced places around zero, one step apart."""
    return np.arange(count, dtype=float) - (count - 1) / 2


def _slope(block: Array) -> Array:
    """Return the least-squares slope over equally spaced columns, in the column's unit a step."""
    steps = steps_of(block.shape[1])
    return _total(block * steps) / (steps @ steps)


def single(values: Array) -> Array:
    """Return values rounded to single precision, still as doubles; what is too large becomes the largest there is."""
    return np.clip(values, -LARGEST, LARGEST).astype(np.float32).astype(float)


OPERATIONS: dict[str, Callable[[Array], Array]] = {
    "ratio": _ratio,
    "difference": lambda block: block[:, 0] - block[:, 1],
    "mean": lambda block: _total(block) / block.shape[1],
    "maximum": lambda block: block.max(axis=1),
    "minimum": lambda block: block.min(axis=1),
    "total": _total,
    "slope": _slope,
    "count_positive": lambda block: (block > 0).sum(axis=1).astype(float),
}
_RISES_WITH_ITS_INPUTS = {"mean", "maximum", "minimum", "total", "count_positive"}


class Features(BaseEstimator, TransformerMixin):
    """Raw model columns and derived features as one float array, in single precision.

    Args:
        columns: Names of the raw columns, in order.
        derived: ``(name, operation, input columns)`` of each derived feature.
    """

    def __init__(self, columns: list[str], derived: list[tuple[str, str, list[str]]]) -> None:
        self.columns = columns
        self.derived = derived

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Learn nothing; there to be a step of a pipeline."""
        self.n_features_out_ = len(self.columns) + len(self.derived)
        return self

    def transform(self, X: pd.DataFrame) -> Array:
        """Return an array of shape (rows, raw + derived columns).

        Raises:
            ContractError: a raw column is missing.
        """
        if missing := [name for name in self.columns if name not in X.columns]:
            raise ContractError(
                expected=f"the columns {self.columns}",
                seen=f"no {missing}",
                where="model input",
                next_step="send every column of the model's signature",
            )
        raw = single(X[self.columns].to_numpy(dtype=float))
        at = {name: place for place, name in enumerate(self.columns)}
        more = [OPERATIONS[op](raw[:, [at[name] for name in inputs]]) for _, op, inputs in self.derived]
        return np.column_stack([raw, single(np.column_stack(more))]) if more else raw

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the output columns."""
        return np.array([*self.columns, *(name for name, _, _ in self.derived)], dtype=object)


def features_of(spec: Classification) -> Features:
    """Return the unfitted feature step of a use case."""
    derived = [(each.name, str(each.op), list(each.columns)) for each in spec.features]
    return Features(columns=list(spec.model_columns), derived=derived)


def raises_risk(spec: Classification) -> list[bool]:
    """Return for each output column whether more of it must never lower the score.

    A derived feature inherits the promise where it can only rise with inputs that all carry it.
    """
    promised = set(spec.gates.raises_risk)
    inherited = {
        each.name for each in spec.features if each.op in _RISES_WITH_ITS_INPUTS and promised.issuperset(each.columns)
    }
    return [name in promised | inherited for name in features_of(spec).get_feature_names_out()]


def categorical(spec: Classification) -> list[bool]:
    """Return for each output column whether its numbers are names."""
    named = {column.name for column in spec.contract.columns if column.categorical}
    return [name in named for name in features_of(spec).get_feature_names_out()]
