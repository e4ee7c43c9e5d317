"""The reference window as a model was judged on it: what later windows are compared with, without its raw rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from include.classification import Classification
from include.records import Record

Array = NDArray[np.float64]
_QUANTILES = 1001
_FEW_VALUES = 20


class ColumnProfile(Record):
    """The distribution of one column: quantiles of an amount, or shares of the values of a category."""

    rows: int = Field(description="values that are not null")
    nulls: int
    quantiles: tuple[float, ...] = Field(
        default=(), description="evenly spaced quantiles, minimum and maximum included"
    )
    shares: dict[str, float] = Field(default_factory=dict, description="share of each value, where there are few")

    @property
    def is_category(self) -> bool:
        """Return whether values are compared as names."""
        return not self.quantiles


class ReferenceProfile(Record):
    """The columns a model sees, and its scores, over its fresh rows."""

    rows: int
    columns: dict[str, ColumnProfile]
    score: ColumnProfile


def build(spec: Classification, rows: pd.DataFrame, scores: Array) -> ReferenceProfile:
    """Return the profile of a reference window.

    Args:
        spec: The use case; protected columns are left out, for the model does not see them.
        rows: Raw rows of the window.
        scores: The model's scores of them, shape (rows,).
    """
    named = {
        column.name for column in spec.contract.columns if column.categorical or column.dtype in ("string", "boolean")
    }
    columns = {name: column_profile(rows[name], category=name in named) for name in spec.model_columns}
    return ReferenceProfile(rows=len(rows), columns=columns, score=column_profile(pd.Series(scores), category=False))


def column_profile(values: pd.Series, *, category: bool) -> ColumnProfile:
    """Return a column's profile; an amount with few values is kept as a category, for ties spoil a test by ranks."""
    known = values.dropna()
    nulls = len(values) - len(known)
    if category or known.nunique() <= _FEW_VALUES:
        shares = value_names(known).value_counts(normalize=True, sort=False).sort_index()
        return ColumnProfile(
            rows=len(known), nulls=nulls, shares={str(name): float(share) for name, share in shares.items()}
        )
    quantiles = np.quantile(known.astype(float), np.linspace(0, 1, _QUANTILES))
    return ColumnProfile(rows=len(known), nulls=nulls, quantiles=tuple(float(each) for each in quantiles))


def value_names(values: pd.Series) -> pd.Series:
    """Return values as names that do not depend on their storage: 2 and 2.0 are the same."""
    if values.dtype.kind in "iuf":
        return values.astype(float).map("{:g}".format)
    return values.astype(str)
