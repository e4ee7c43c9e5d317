"""The reference window as a model was judged on it: what later windows are compared with, without its raw rows.

Beside the sketch of each column it keeps what the columns do together: the cells of a small sample of rows, or, where
the rows of a day depend on each other, the counts of each day. The sample holds cells and no values, and only of
columns that say nothing about a person by themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import ConfigDict, Field

from include.monitoring.packing import PackedArray
from include.monitoring.sketch import ColumnSketch, Counts, codes, sketch
from include.records import Record

_SAMPLE = 1000
_GROUPS = 8


class Groups(Record):
    """How the other columns look inside of the groups of one column, such as a market or a band of limits."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    of_cell: tuple[int, ...] = Field(description="group of each cell of the column")
    labels: tuple[str, ...] = Field(description="name of each group")
    counts: PackedArray = Field(description="rows by group and by cell of all columns, one behind another")


class ReferenceProfile(Record):
    """The columns a model sees, and its scores, over its fresh rows."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)

    version: Literal[2] = 2
    rows: int
    columns: dict[str, ColumnSketch] = Field(description="by name, in the order of the counts")
    sampled: tuple[str, ...] = Field(default=(), description="columns of the sample")
    sample: PackedArray = Field(description="cells of at most 1,000 rows, shape (rows, columns)")
    groups: dict[str, Groups] = Field(default_factory=dict, description="by the column that makes the groups")
    days: tuple[dt.date, ...] = Field(default=(), description="days of the reference, where rows of a day depend")
    daily: PackedArray = Field(description="rows by day and by cell of all columns, one behind another")

    @property
    def starts(self) -> dict[str, slice]:
        """Return where each column's cells are among those of all columns."""
        ends = np.cumsum([len(each.counts) for each in self.columns.values()])
        starts = [0, *ends[:-1].tolist()]
        return {name: slice(int(a), int(b)) for name, a, b in zip(self.columns, starts, ends, strict=True)}

    @property
    def in_blocks(self) -> bool:
        """Return whether the rows of a day depend on each other."""
        return bool(self.days)


def build(
    rows: pd.DataFrame,
    *,
    categorical: Collection[str] = (),
    private: Collection[str] = (),
    groups: Sequence[str] = (),
    days: pd.Series | None = None,
    dependent: bool = False,
    seed: int = 0,
) -> ReferenceProfile:
    """Return the profile of a reference.

    Args:
        rows: Rows of the reference, the model's scores among their columns; shape (rows, columns).
        categorical: Columns whose numbers are names.
        private: Columns that are compared but kept out of the sample.
        groups: Columns whose groups may come in another mix later; their cells are joined to at most eight.
        days: Day of each row, shape (rows,); none where there are no days.
        dependent: Whether rows of a day depend on each other, as hours and baskets do; then ``days`` must be given.
        seed: Of the sample.
    """
    columns = {str(name): sketch(rows[name], categorical=name in categorical) for name in rows.columns}
    sampled = tuple(name for name in columns if name not in private)
    drawn = rows.sample(min(_SAMPLE, len(rows)), random_state=seed)
    sample = np.column_stack([codes(columns[name], drawn[name]) for name in sampled]) if sampled else np.empty((0, 0))
    blocks = days if days is not None and dependent else rows.iloc[:0].index.to_series()
    order, place = np.unique(blocks.to_numpy(), return_inverse=True)
    return ReferenceProfile(
        rows=len(rows),
        columns=columns,
        sampled=sampled,
        sample=sample.astype(np.uint8),
        groups={name: _grouped(columns, rows, name) for name in groups},
        days=tuple(order),
        daily=_by(columns, rows, place, len(order)) if len(order) else np.empty((0, 0), np.uint16),
    )


def group_codes(column: ColumnSketch, groups: Groups, values: pd.Series) -> np.ndarray:
    """Return the group of each value, shape (rows,)."""
    return np.array(groups.of_cell)[codes(column, values)]


def group_counts(columns: dict[str, ColumnSketch], rows: pd.DataFrame, groups: np.ndarray, count: int) -> Counts:
    """Return the rows by group and by cell of all columns, shape (groups, cells); a column that is away has none."""
    return _by(columns, rows, groups, count).astype(np.int64)


def _by(columns: dict[str, ColumnSketch], rows: pd.DataFrame, place: np.ndarray, count: int) -> np.ndarray:
    parts = []
    for name, column in columns.items():
        cells = len(column.counts)
        if name not in rows:
            parts.append(np.zeros((count, cells), dtype=np.int64))
            continue
        both = place.astype(np.int64) * cells + codes(column, rows[name])
        parts.append(np.bincount(both, minlength=count * cells).reshape(count, cells))
    found = np.hstack(parts)
    return found.astype(np.uint16 if found.max(initial=0) < 2**16 else np.uint32)


def _grouped(columns: dict[str, ColumnSketch], rows: pd.DataFrame, name: str) -> Groups:
    of_cell, labels = _joined(columns[name])
    place = np.array(of_cell)[codes(columns[name], rows[name])]
    return Groups(of_cell=of_cell, labels=labels, counts=_by(columns, rows, place, len(labels)))


def _joined(column: ColumnSketch) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the group of each cell: neighbours joined to groups of about one size, or the largest names and others."""
    counts, labels = np.array(column.counts), column.labels
    if (counts > 0).sum() <= _GROUPS:
        return tuple(range(len(counts))), tuple(labels)
    if column.ordered:
        middle = (np.cumsum(counts) - counts / 2) / counts.sum()
        joined = np.minimum((middle * _GROUPS).astype(int), _GROUPS - 1)
        of_cell = np.unique(joined, return_inverse=True)[1]
        first = [labels[int(np.flatnonzero(of_cell == each)[0])] for each in range(of_cell.max() + 1)]
        return tuple(of_cell.tolist()), tuple(f"from {each}" for each in first)
    largest = np.argsort(-counts, kind="stable")[: _GROUPS - 1]
    of_cell = np.full(len(counts), _GROUPS - 1)
    of_cell[largest] = np.arange(_GROUPS - 1)
    return tuple(of_cell.tolist()), (*(labels[each] for each in largest), "all others")
