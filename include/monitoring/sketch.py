"""What is kept of a column: cells that every value falls into, and how many of the reference did.

A cell is a range between quantiles, a value by its name, or an hour of the week. Counts of cells add up, so a window is
read once and in parts, and no row of the reference is needed again.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field

from include.records import Record

Counts = NDArray[np.int64]
Codes = NDArray[np.uint8]
Kind = Literal["number", "category", "many", "boolean", "datetime", "text"]
ORDERED: frozenset[Kind] = frozenset({"number", "text"})
_BINS = 20
_FEW = 50  # values: more of them are a column of high cardinality
_NAMED = 30  # values of such a column that have a cell of their own
_FREE_TEXT = 30  # characters in the mean, from which a text is measured by its length
_WEEK = tuple(f"{day} {part}" for day in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
              for part in ("night", "morning", "afternoon", "evening"))  # fmt: skip


class ColumnSketch(Record):
    """The cells of one column, and the reference's counts.

    Cells in order: of an ordered kind those below, between and above ``edges``; of a named kind one for each of
    ``names`` and one for all others; in the end one for what is missing.
    """

    kind: Kind
    edges: tuple[float, ...] = Field(default=(), description="bounds of ranges, a range is left-closed; rising")
    names: tuple[str, ...] = Field(default=(), description="values that have a cell of their own")
    counts: tuple[int, ...] = Field(description="rows of the reference in each cell")

    @property
    def ordered(self) -> bool:
        """Return whether cells have an order."""
        return self.kind in ORDERED

    @property
    def rows(self) -> int:
        """Return the reference's rows, with and without a value."""
        return sum(self.counts)

    @property
    def missing_rate(self) -> float:
        """Return the share of the reference's rows without a value."""
        return self.counts[-1] / max(self.rows, 1)

    @property
    def labels(self) -> list[str]:
        """Return a cell's name in reports."""
        if not self.ordered:
            return [*self.names, "other", "missing"]
        low, high = [f"{each:g}" for each in self.edges], [f"{each:g}" for each in self.edges[1:]]
        between = [f"{one} to {two}" for one, two in zip(low, high, strict=False)]
        return [f"below {low[0]}", *between, f"{low[-1]} and above", "missing"] if low else ["any", "missing"]


def kind_of(values: pd.Series, *, categorical: bool) -> Kind:
    """Return how a column is looked at, by its type and its values."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "datetime"
    if pd.api.types.is_numeric_dtype(values.dtype) and not categorical:
        return "number"
    known = values.dropna()
    distinct = known.nunique()
    if distinct <= _FEW:
        return "category"
    long = not categorical and known.astype(str).str.len().mean() >= _FREE_TEXT
    return "text" if long and distinct > len(known) / 2 else "many"


def sketch(values: pd.Series, *, categorical: bool = False) -> ColumnSketch:
    """Return the sketch of a reference's column, shape (rows,)."""
    kind = kind_of(values, categorical=categorical)
    empty = ColumnSketch(kind=kind, edges=(), names=(), counts=())
    if kind in ORDERED:
        empty = empty.model_copy(update={"edges": _edges(_numbers(empty, values)[0])})
    else:
        empty = empty.model_copy(update={"names": _names(kind, values)})
    counts = count(empty, values)
    return empty.model_copy(update={"counts": tuple(counts.tolist())})


def count(column: ColumnSketch, values: pd.Series) -> Counts:
    """Return how many values fall into each cell, shape (cells,)."""
    if not column.ordered:
        return np.bincount(codes(column, values), minlength=len(column.names) + 2)
    numbers, missing = _numbers(column, values)
    # Sorting by vector instructions and looking each edge up is several times faster than looking each value up.
    ranked = np.sort(numbers)[: len(numbers) - missing]
    places = np.searchsorted(ranked, np.array(column.edges), side="left")
    return np.append(np.diff(places, prepend=0, append=len(ranked)), missing)


def held(column: ColumnSketch, values: pd.Series) -> tuple[float, int]:
    """Return the number that more than half of an ordered column's values are, if one is, and how many are."""
    numbers, _ = _numbers(column, values)
    known = numbers[~np.isnan(numbers)]
    middle = float(np.partition(known, len(known) // 2)[len(known) // 2])
    return middle, int((known == middle).sum())


def codes(column: ColumnSketch, values: pd.Series) -> Codes:
    """Return the cell of each value, shape (rows,)."""
    if not column.ordered:
        return _named(column, values)
    numbers, _ = _numbers(column, values)
    cells = np.searchsorted(np.array(column.edges), numbers, side="right")
    return np.where(np.isnan(numbers), len(column.edges) + 1, cells).astype(np.uint8)


def value_names(values: pd.Series) -> pd.Series:
    """Return values as names that do not depend on their storage: 2 and 2.0 are the same."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return values.astype(str)
    if pd.api.types.is_numeric_dtype(values.dtype):
        return values.astype(float).map("{:.15g}".format)
    return values.astype(str)


def unreadable(column: ColumnSketch, values: pd.Series) -> int:
    """Return how many values of an ordered column are no numbers, though they are there."""
    if column.kind != "number" or pd.api.types.is_numeric_dtype(values.dtype):
        return 0
    return int(pd.to_numeric(values, errors="coerce").isna().sum() - values.isna().sum())


def _numbers(column: ColumnSketch, values: pd.Series) -> tuple[NDArray[np.float64], int]:
    """Return values as numbers, those without one as NaN, and how many these are."""
    if column.kind == "text":
        numbers = values.astype("str").str.len().to_numpy(dtype=float, na_value=np.nan)
    elif pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype=float, na_value=np.nan)
    else:
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return numbers, int(np.isnan(numbers).sum())


def _edges(numbers: NDArray[np.float64]) -> tuple[float, ...]:
    """Return bounds of ranges of about one size, the first one the minimum, the last one just above the maximum."""
    known = numbers[np.isfinite(numbers)]
    if not len(known):
        return ()
    distinct = np.unique(known)
    inner = distinct if len(distinct) <= _BINS else np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[:-1]))
    return tuple(float(each) for each in np.append(inner, np.nextafter(known.max(), np.inf)))


def _names(kind: Kind, values: pd.Series) -> tuple[str, ...]:
    if kind == "datetime":
        return _WEEK
    shares = value_names(values.dropna()).value_counts()
    return tuple(sorted(shares.index if len(shares) <= _FEW else shares.index[:_NAMED]))


def _named(column: ColumnSketch, values: pd.Series) -> Codes:
    other, missing = len(column.names), len(column.names) + 1
    if column.kind == "datetime":
        times = pd.to_datetime(values, errors="coerce")
        cells = (times.dt.day_of_week * 4 + times.dt.hour // 6).to_numpy(dtype=float, na_value=np.nan)
        return np.where(np.isnan(cells), missing, cells).astype(np.uint8)
    if pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype):
        return _numbered(column, values.to_numpy(dtype=float, na_value=np.nan))
    names = pa.array(values if pd.api.types.is_string_dtype(values.dtype) else value_names(values.dropna()).reindex(
        values.index), from_pandas=True)  # fmt: skip
    found = pc.index_in(names.cast(pa.string()), value_set=pa.array(column.names, pa.string()))
    cells = pc.fill_null(found, other).to_numpy(zero_copy_only=False).astype(np.uint8)
    return np.where(names.is_null().to_numpy(zero_copy_only=False), missing, cells).astype(np.uint8)


def _numbered(column: ColumnSketch, numbers: NDArray[np.float64]) -> Codes:
    """Return the cells of numbers that stand for names."""
    other, missing = len(column.names), len(column.names) + 1
    named = np.array([float(pd.to_numeric(name, errors="coerce")) for name in column.names])
    order = np.argsort(named)
    if not len(order):
        return np.where(np.isnan(numbers), missing, other).astype(np.uint8)
    places = np.searchsorted(named[order], numbers).clip(max=len(order) - 1)
    cells = np.where(named[order][places] == numbers, order[places], other)
    return np.where(np.isnan(numbers), missing, cells).astype(np.uint8)
