"""Is a window different from the reference, column by column: a test, an effect size, and control over all columns.

A difference is a drift only if it is significant after control *and* large enough to matter. The control is that of
Benjamini & Yekutieli (2001), which holds under any dependence between columns; where no column has drifted its false
discovery rate is the chance that any column is called drifted, and that is the rate the spec states.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from include.classification import Classification
from include.monitoring.profile import ColumnProfile, ReferenceProfile, value_names
from include.records import Record

Array = NDArray[np.float64]
SCORE = "score"
_PSI_BINS = 10
_SMALLEST_CELL = 5.0
_FLOOR = 1e-4


class ColumnDrift(Record):
    """One column of a window against the reference."""

    column: str
    test: str
    statistic: float
    p_value: float
    adjusted_p: float
    effect: float
    drifted: bool


class WindowDrift(Record):
    """All columns of a window, prediction drift included under the name ``score``."""

    rows: int
    columns: tuple[ColumnDrift, ...]

    @property
    def drifted(self) -> list[ColumnDrift]:
        """Return the columns that have drifted, the largest effect first."""
        return sorted((each for each in self.columns if each.drifted), key=lambda each: -each.effect)


@dataclass(frozen=True)
class Window:
    """Some days of scored rows, and what was found; no drift where they are too few to judge."""

    first_day: dt.date
    last_day: dt.date
    rows: pd.DataFrame
    drift: WindowDrift | None

    @property
    def drifted(self) -> bool:
        """Return whether any column has drifted."""
        return self.drift is not None and bool(self.drift.drifted)


def detect(spec: Classification, reference: ReferenceProfile, rows: pd.DataFrame, scores: Array) -> WindowDrift:
    """Compare a window with the reference.

    Args:
        spec: The use case, with the false-alarm rate and the smallest effect that matters.
        reference: The profile that was stored at training.
        rows: Raw rows of the window.
        scores: The model's scores of them, shape (rows,).
    """
    window = {name: rows[name] for name in reference.columns} | {SCORE: pd.Series(np.asarray(scores))}
    profiles = reference.columns | {SCORE: reference.score}
    tested = {name: compare_column(profiles[name], values) for name, values in window.items()}
    adjusted = stats.false_discovery_control([p_value for _, _, p_value, _ in tested.values()], method="by")
    limit, smallest = spec.monitoring.false_alarm_rate, spec.monitoring.min_effect
    columns = [
        ColumnDrift(
            column=name,
            test=test,
            statistic=statistic,
            p_value=p_value,
            adjusted_p=float(corrected),
            effect=effect,
            drifted=bool(corrected <= limit and effect >= smallest),
        )
        for (name, (test, statistic, p_value, effect)), corrected in zip(tested.items(), adjusted, strict=True)
    ]
    return WindowDrift(rows=len(rows), columns=tuple(columns))


def compare_column(reference: ColumnProfile, values: pd.Series) -> tuple[str, float, float, float]:
    """Return test, statistic, p-value and effect of one column.

    Amounts: Kolmogorov–Smirnov against the stored quantiles. Categories: chi-square with sparse cells pooled. The
    effect is the population stability index, .1 for a moderate and .25 for a large shift by the custom of credit
    scoring (Siddiqi, 2006). Nulls are a value of their own in the effect, and in the test of categories.
    """
    known = values.dropna()
    nulls = len(values) - len(known)
    if known.empty or reference.rows == 0:
        return (
            "presence",
            1.0,
            float(known.empty == (reference.rows == 0)),
            np.inf if known.empty != (reference.rows == 0) else 0.0,
        )
    if reference.is_category:
        names = value_names(known)
        expected, seen = _cells(reference.shares, names)
        statistic, p_value = _chi_square(expected * reference.rows, reference.nulls, seen * len(known), nulls)
        return (
            "chi-square",
            statistic,
            p_value,
            _psi(expected, reference.rows, reference.nulls, seen, len(known), nulls),
        )
    amounts = known.to_numpy(dtype=float)
    quantiles = np.array(reference.quantiles)
    statistic = _ks(quantiles, amounts)
    effective = reference.rows * len(amounts) / (reference.rows + len(amounts))
    p_value = float(stats.kstwo.sf(statistic, max(1, round(effective))))
    edges = np.unique(np.quantile(quantiles, np.linspace(0, 1, _PSI_BINS + 1)[1:-1]))
    expected = np.bincount(np.searchsorted(edges, quantiles, side="right"), minlength=len(edges) + 1) / len(quantiles)
    seen = np.bincount(np.searchsorted(edges, amounts, side="right"), minlength=len(edges) + 1) / len(amounts)
    return (
        "Kolmogorov-Smirnov",
        statistic,
        p_value,
        _psi(expected, reference.rows, reference.nulls, seen, len(amounts), nulls),
    )


def _ks(quantiles: Array, amounts: Array) -> float:
    """Return the largest distance between the reference's distribution function and the window's."""
    points = np.concatenate([quantiles, amounts])
    below = np.searchsorted(quantiles, points, side="right") / len(quantiles)
    window = np.searchsorted(np.sort(amounts), points, side="right") / len(amounts)
    return float(np.abs(below - window).max())


def _cells(shares: dict[str, float], names: pd.Series) -> tuple[Array, Array]:
    """Return reference and window shares over the known values, and one cell for those that the reference never had."""
    seen = names.value_counts(normalize=True)
    known = list(shares)
    window = [float(seen.get(name, 0.0)) for name in known]
    return np.array([*shares.values(), 0.0]), np.array([*window, max(0.0, 1.0 - sum(window))])


def _chi_square(expected: Array, expected_nulls: int, seen: Array, nulls: int) -> tuple[float, float]:
    table = np.column_stack([np.append(expected, expected_nulls), np.append(seen, nulls)])
    table = table[table.sum(axis=1) > 0]
    sparse = table.sum(axis=1) * table.sum(axis=0).min() / table.sum() < _SMALLEST_CELL
    if sparse.any():
        table = np.vstack([table[~sparse], table[sparse].sum(axis=0)])
        table = table[table.sum(axis=1) > 0]
    if len(table) < 2:
        return 0.0, 1.0
    found = stats.chi2_contingency(table, correction=False)
    return float(found.statistic), float(found.pvalue)


def _psi(expected: Array, rows: int, expected_nulls: int, seen: Array, count: int, nulls: int) -> float:
    before = np.append(expected * rows, expected_nulls) / (rows + expected_nulls)
    after = np.append(seen * count, nulls) / (count + nulls)
    before, after = np.maximum(before, _FLOOR), np.maximum(after, _FLOOR)
    return float(((after - before) * np.log(after / before)).sum())
