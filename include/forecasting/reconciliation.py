"""Forecasts of parts and sums made to add up, each moved by as much as it is known to err.

MinT (Wickramasuriya, Athanasopoulos & Hyndman, 2019) in its form with constraints: the incoherence of the base
forecasts is spread by W C' (C W C')⁻¹, where C y = 0 says that everything adds up and W is the covariance of the base
errors, its correlations shrunk towards none (Schäfer & Strimmer, 2005). Only a matrix of the size (sums, sums) is
inverted, so zones that are copies of each other do no harm. One W serves all hours: errors that grow with the hour in
all series alike change nothing, and a W for each hour was no better on real load.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from include.errors import ForecastError
from include.forecasting.hierarchy import Array, Hierarchy

MAX_DAYS = 365
MAX_ROWS = 20_000
MIN_DAYS = 14
_MIN_SHRINKAGE = 1e-3
_FLOOR = 1e-6

Method = Literal["mint_shrink", "wls_struct"]


@dataclass(frozen=True, eq=False)
class Reconciler:
    """A fitted reconciliation.

    Attributes:
        hierarchy: What adds up to what.
        gain: Shape (bottom, sums): how much of a sum's surplus over its parts each bottom series takes.
        method: ``wls_struct`` where the history was too short for a covariance: the error variance of a sum is then
            taken to be the number of its parts (Athanasopoulos et al., 2017).
        shrinkage: From 0, the correlations as seen, to 1, none.
        days: Complete days of residuals that were used.
        nonnegative: Whether no bottom series can be negative.
    """

    hierarchy: Hierarchy
    gain: Array
    method: Method
    shrinkage: float
    days: int
    nonnegative: bool

    def reconcile(self, base: Array) -> Array:
        """Return forecasts, or sample paths, that add up.

        A negative bottom value becomes zero and the sums follow ("set negative to zero", Di Fonzo & Girolimetto, 2023):
        exactly coherent, and cheap enough for each sample path, where a quadratic programme for each is not.

        Args:
            base: Shape (…, series, hours), bottom series first; any number of hours.

        Raises:
            ForecastError: another number of series, or a value that is not a number.
        """
        _check(base, self.hierarchy)
        bottom, stated = base[..., : self.hierarchy.bottom, :], base[..., self.hierarchy.bottom :, :]
        surplus = stated - self.hierarchy.sums @ bottom
        moved = bottom + self.gain @ surplus
        return self.hierarchy.complete(np.maximum(moved, 0.0) if self.nonnegative else moved)


def fit(
    hierarchy: Hierarchy,
    residuals: Array,
    *,
    nonnegative: bool = True,
    max_days: int = MAX_DAYS,
) -> Reconciler:
    """Fit MinT to the base forecasts' errors; fewer than 14 complete days give structural weights instead.

    Args:
        hierarchy: What adds up to what.
        residuals: Actual minus base forecast, shape (days, series, hours), oldest first. An hour is a step of the
            horizon. A day with a missing value is left out whole.
        nonnegative: Whether no bottom series can be negative.
        max_days: The most recent days to use; fewer where days × hours exceeds 20,000.

    Raises:
        ForecastError: the residuals have other series than the hierarchy.
    """
    series, hours = len(hierarchy.names), residuals.shape[-1]
    if residuals.ndim != 3 or residuals.shape[1] != series:
        raise ForecastError(
            expected=f"residuals of shape (days, {series}, hours)",
            seen=f"{residuals.shape}",
            where="reconciliation",
            next_step="give all series of the hierarchy, bottom first, then the sums",
        )
    complete = residuals[np.isfinite(residuals).all(axis=(1, 2))]
    used = complete[-min(max_days, max(MIN_DAYS, MAX_ROWS // hours)) :]
    if len(used) < MIN_DAYS or not used.any():
        gain = _gain(hierarchy, np.diag(hierarchy.matrix.sum(axis=1)))
        return Reconciler(hierarchy, gain, "wls_struct", 1.0, len(used), nonnegative)
    correlation, shrinkage = shrunk_correlation(used)
    scale = np.sqrt((used**2).mean(axis=(0, 2)))
    scale = np.maximum(scale, _FLOOR * scale.max())
    gain = _gain(hierarchy, correlation * np.outer(scale, scale))
    return Reconciler(hierarchy, gain, "mint_shrink", shrinkage, len(used), nonnegative)


def shrunk_correlation(errors: Array) -> tuple[Array, float]:
    """Return the correlation of series, shrunk towards none, and by how much.

    The intensity is that of Schäfer & Strimmer (2005), with a day as one observation: its hours depend on each other,
    and to count each would shrink too little. It is never under .001, so the matrix always has an inverse.

    Args:
        errors: Shape (days, series, hours).
    """
    days, series, hours = errors.shape
    flat = errors.transpose(1, 0, 2).reshape(series, days * hours)
    flat = flat / np.maximum(np.sqrt((flat**2).mean(axis=1, keepdims=True)), np.finfo(float).tiny)
    correlation: Array = flat @ flat.T / (days * hours)
    unit = flat.reshape(series, days, hours).transpose(1, 0, 2)
    # The squares of all products of two series on a day, summed: ‖X X'‖² = ‖X' X‖², and hours are fewer than series².
    all_pairs = sum(float(((each.T @ each) ** 2).sum()) for each in unit)
    own_pairs = float(((unit**2).sum(axis=2) ** 2).sum())
    off_diagonal = float((correlation**2).sum() - (np.diag(correlation) ** 2).sum())
    variance = ((all_pairs - own_pairs) / hours**2 - days * off_diagonal) / (days * (days - 1))
    shrinkage = float(np.clip(variance / off_diagonal if off_diagonal > 0 else 1.0, _MIN_SHRINKAGE, 1.0))
    shrunk = (1 - shrinkage) * correlation
    np.fill_diagonal(shrunk, 1.0)
    return shrunk, shrinkage


def _gain(hierarchy: Hierarchy, covariance: Array) -> Array:
    """Return W C' (C W C')⁻¹ of the bottom series with its sign turned, shape (bottom, sums)."""
    constraints = np.hstack([-hierarchy.sums, np.eye(len(hierarchy.sums))])
    towards = constraints @ covariance
    # What adds up is y − W C' (C W C')⁻¹ C y, so a surplus C y leaves the bottom series with a minus.
    return np.asarray(-np.linalg.solve(towards @ constraints.T, towards[:, : hierarchy.bottom]).T)


def _check(base: Array, hierarchy: Hierarchy) -> None:
    """Refuse other series, and name the first series and hour without a number."""
    if base.ndim < 2 or base.shape[-2] != len(hierarchy.names):
        raise ForecastError(
            expected=f"base forecasts of shape (…, {len(hierarchy.names)}, hours)",
            seen=f"shape {base.shape}",
            where="reconciliation",
            next_step="give all series of the hierarchy, bottom first, then the sums",
        )
    missing = ~np.isfinite(base)
    if missing.any():
        *_, series, hour = np.argwhere(missing)[0]
        raise ForecastError(
            expected="a number for each series and hour",
            seen=f"{base[missing][0]} for {hierarchy.names[series]} at hour {hour + 1}, {missing.sum()} such values",
            where="reconciliation",
            next_step="take the fall-back forecast for this series, then reconcile",
        )
