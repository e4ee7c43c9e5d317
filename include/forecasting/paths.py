"""Sample paths that add up, and intervals that were right as often as they say.

Whole days of past errors are drawn jointly over series and hours, so a path keeps the dependence between zones and
within the day, and sums of paths are paths of the sums. The errors are those of the reconciled forecasts, each divided
by the scale that could have been known at its own origin: conformal prediction weighted locally (Lei et al., 2018), as
in filtered historical simulation (Barone-Adesi et al., 1999). A factor for each series, tracked online, brings its
coverage back where the world has changed (Gibbs & Candès, 2021; as tracking of a quantile, Angelopoulos et al., 2023).
"""

from __future__ import annotations

import datetime as dt
import hashlib
from dataclasses import dataclass

import numpy as np

from include.errors import ForecastError
from include.forecasting.hierarchy import Array, Hierarchy
from include.forecasting.reconciliation import MAX_DAYS, Reconciler, fit

PATHS = 500
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
START_DAYS = 28
MIN_DAYS = 56
_HALF_LIFE_DAYS = 30.0
_TRACKING_RATE = 0.1
_TAIL = 0.1
# Of the mean forecast. Reconciliation can push a series to zero for some hours; an error that is a thousand times so
# little would shift and widen all its paths for a year. Chosen on the second half of 2007.
_FLOOR = 0.1


@dataclass(frozen=True, eq=False)
class PathModel:
    """What past errors say about tomorrow's.

    Attributes:
        reconciler: Makes the point forecast add up.
        errors: Past errors over their scale, shape (days, bottom, hours), mean zero over the days.
        scale: Mean absolute error as of now, as a share of the forecast, shape (bottom, hours).
        floor: The least forecast that a share is taken of, a tenth of the series' mean, shape (bottom, 1).
        factor: What the spread of each bottom series is multiplied by, shape (bottom, 1); 1 where its intervals have
            been right as often as they said.
    """

    reconciler: Reconciler
    errors: Array
    scale: Array
    floor: Array
    factor: Array

    def draw(self, base: Array, *, origin: dt.datetime, seed: int, paths: int = PATHS) -> CoherentForecast:
        """Return the reconciled point forecast and its sample paths; the same origin and seed give the same paths.

        The bootstrap is balanced: each past day is drawn equally often, but for the last round (Davison, Hinkley &
        Schechtman, 1986).

        Args:
            base: Base forecasts, shape (series, hours), bottom series first.
            origin: When the forecast is made.
            seed: Seed of the use case.
            paths: How many paths.

        Raises:
            ForecastError: another shape, or a value that is not a number.
        """
        hierarchy = self.reconciler.hierarchy
        point = self.reconciler.reconcile(base)
        bottom = point[: hierarchy.bottom]
        digest = hashlib.sha256(f"{seed}|{origin.isoformat()}".encode()).digest()
        generator = np.random.default_rng(int.from_bytes(digest[:8], "big"))
        rounds = -(-paths // len(self.errors))
        days = np.concatenate([generator.permutation(len(self.errors)) for _ in range(rounds)])[:paths]
        spread = self.factor * self.scale * np.maximum(np.abs(bottom), self.floor)
        drawn = bottom + spread * self.errors[days]
        return CoherentForecast(
            hierarchy, point, hierarchy.complete(np.maximum(drawn, 0.0) if self.reconciler.nonnegative else drawn)
        )


@dataclass(frozen=True, eq=False)
class CoherentForecast:
    """Point, shape (series, hours), and paths, shape (paths, series, hours); both add up."""

    hierarchy: Hierarchy
    point: Array
    paths: Array

    def quantiles(self, levels: tuple[float, ...] = LEVELS) -> Array:
        """Return quantiles of the paths, shape (levels, series, hours). Quantiles themselves do not add up."""
        found: Array = np.quantile(self.paths, levels, axis=0)
        return found


def fit_paths(
    hierarchy: Hierarchy, forecasts: Array, actuals: Array, *, gap_days: int, nonnegative: bool = True
) -> PathModel:
    """Fit reconciliation, scale, errors and conformal factor to the history; the newest 365 complete days count.

    Args:
        hierarchy: What adds up to what.
        forecasts: Base forecasts, each made before its day, shape (days, series, hours), oldest first. An hour is a
            step of the horizon.
        actuals: What came, shape (days, bottom, hours); sums are summed here. A day with a missing value in either is
            left out whole.
        gap_days: Days from the newest day of the history to the day that is forecast, at least 1. With an origin at
            noon of the day before it is 2, for yesterday is the last whole day.
        nonnegative: Whether no bottom series can be negative.

    Raises:
        ForecastError: fewer than 56 complete days, or arrays of other shapes. No interval can be honest then; the
            point forecast can still be reconciled by ``reconciliation.fit``.
    """
    _check(hierarchy, forecasts, actuals, gap_days)
    complete = np.isfinite(forecasts).all(axis=(1, 2)) & np.isfinite(actuals).all(axis=(1, 2))
    base, came = forecasts[complete][-MAX_DAYS:], actuals[complete][-MAX_DAYS:]
    if len(base) < MIN_DAYS:
        raise ForecastError(
            expected=f"at least {MIN_DAYS} complete days of forecasts with what came",
            seen=f"{len(base)} of {len(forecasts)}",
            where="sample paths",
            next_step="backtest further back, or publish the reconciled point forecast without intervals",
        )
    reconciler = fit(hierarchy, hierarchy.complete(came) - base, nonnegative=nonnegative)
    reconciled = reconciler.reconcile(base)[:, : hierarchy.bottom]
    floor = np.maximum(_FLOOR * np.abs(reconciled).mean(axis=(0, 2)), np.finfo(float).tiny)[:, None]
    level = np.maximum(np.abs(reconciled), floor)
    relative = (came - reconciled) / level
    scales = known_scale(np.abs(relative), gap_days)
    # The first days only start the scale: theirs was not known to them.
    start = START_DAYS + gap_days - 1
    scale = scales[start:-gap_days]
    errors = np.divide(relative[start:], scale, out=np.zeros_like(scale), where=scale > 0)
    errors -= errors.mean(axis=0)
    return PathModel(reconciler, errors, scales[-1], floor, track_factor(errors, gap_days)[:, None])


def known_scale(magnitudes: Array, gap_days: int) -> Array:
    """Return for each day the weighted mean of those magnitudes that were known to it.

    Weights halve every 30 days. The mean of absolute errors, unlike that of squares, soon forgets a jump.

    Args:
        magnitudes: Absolute relative errors, shape (days, …), at least 28 days.
        gap_days: Days from the newest known day to the day itself.

    Returns:
        Shape (days + gap_days, …); the last is the day to forecast. The first 28 + gap_days − 1 are only a start.
    """
    keep = 0.5 ** (1 / _HALF_LIFE_DAYS)
    now = magnitudes[:START_DAYS].mean(axis=0)
    scales = np.empty((len(magnitudes) + gap_days, *magnitudes.shape[1:]))
    scales[: START_DAYS + gap_days - 1] = now
    for day in range(START_DAYS + gap_days - 1, len(scales)):
        if day - gap_days >= START_DAYS:
            now = keep * now + (1 - keep) * magnitudes[day - gap_days]
        scales[day] = now
    return scales


def track_factor(errors: Array, gap_days: int) -> Array:
    """Return by what the 80 % interval of each series must be multiplied to be right 80 % of the time, shape (series,).

    After each day the logarithm of the factor moves by .1 × (share of hours missed − .2), judged with the factor that
    was in force when that day was forecast.

    Args:
        errors: Errors over their scale, shape (days, series, hours).
        gap_days: Days from the newest known day to the day that is forecast.
    """
    low, high = np.quantile(errors, [_TAIL, 1 - _TAIL], axis=0)
    in_force = np.zeros((len(errors) + gap_days, errors.shape[1]))
    for day in range(gap_days, len(in_force)):
        judged = day - gap_days
        factor = np.exp(in_force[judged])[:, None]
        missed = (errors[judged] < factor * low) | (errors[judged] > factor * high)
        in_force[day] = in_force[day - 1] + _TRACKING_RATE * (missed.mean(axis=1) - 2 * _TAIL)
    factor = np.exp(in_force[-1])
    return np.asarray(factor)


def _check(hierarchy: Hierarchy, forecasts: Array, actuals: Array, gap_days: int) -> None:
    days, hours = forecasts.shape[0], forecasts.shape[-1]
    expected = (days, len(hierarchy.names), hours), (days, hierarchy.bottom, hours)
    if (forecasts.shape, actuals.shape) != expected or gap_days < 1:
        raise ForecastError(
            expected=f"forecasts of shape {expected[0]}, actuals of shape {expected[1]} and a gap of at least one day",
            seen=f"{forecasts.shape}, {actuals.shape} and {gap_days}",
            where="sample paths",
            next_step="give all series for the forecasts, the bottom series for the actuals, day by day",
        )
