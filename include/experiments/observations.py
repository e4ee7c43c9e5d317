"""What households did under two variants, day by day, and what it says about their difference.

A household is assigned once and seen on many days, so its days are alike and the household is what is counted: the
variance is that of sums by household, never of single impressions. Where households are seen unequally often the rate
is a ratio of two sums, and its variance that of the linearised ratio (the delta method; Deng, Knoblich & Lu 2018).
What a household did before the experiment may be taken out of it (CUPED; Deng, Xu, Kohavi & Walker 2013).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from include.errors import ExperimentError
from include.experiments.boundaries import Array

CHALLENGER = "challenger"
_FEWEST = 2


@dataclass(frozen=True, eq=False)
class Observations:
    """One metric of an experiment's units, by day.

    Attributes:
        days: The days observed, in order, without a gap.
        units: Everybody assigned, in the order of the rows, seen or not.
        treated: Whether the unit is the challenger's, shape (units,).
        outcomes: The metric's numerator, shape (units, days).
        exposures: Its denominator (1 a day where the rate is by household and day), shape (units, days).
        before: What the unit's rate was before the experiment, shape (units,); none where it is not taken out.
    """

    days: tuple[dt.date, ...]
    units: tuple[str, ...]
    treated: NDArray[np.bool_]
    outcomes: Array
    exposures: Array
    before: Array | None = None

    def __post_init__(self) -> None:
        shape = (len(self.units), len(self.days))
        arrays = {"outcomes": self.outcomes, "exposures": self.exposures}
        wrong = [f"{name} {array.shape}" for name, array in arrays.items() if array.shape != shape]
        wrong += [f"{name} not finite" for name, array in arrays.items() if not np.isfinite(array).all()]
        if self.before is not None and (self.before.shape != shape[:1] or not np.isfinite(self.before).all()):
            wrong.append("before")
        if self.treated.shape != shape[:1] or (self.exposures < 0).any():
            wrong.append("assignment or exposures")
        if any(later - day != dt.timedelta(days=1) for day, later in zip(self.days, self.days[1:], strict=False)):
            wrong.append("days with a gap")
        if wrong or not self.days:
            raise ExperimentError(
                expected=f"finite numbers of {shape[0]} units on consecutive days",
                seen=", ".join(wrong) or "no day",
                where="observations of an experiment",
                next_step="give every assigned unit a row and every day a column, zero where nothing was seen",
            )

    def until(self, day: dt.date) -> Observations:
        """Return what was known at the end of a day."""
        n = sum(each <= day for each in self.days)
        kept = (self.outcomes[:, :n], self.exposures[:, :n])
        return Observations(self.days[:n], self.units, self.treated, *kept, self.before)


def observe(
    frame: pd.DataFrame, variants: Mapping[str, str], *, first: dt.date, last: dt.date, before: pd.Series | None = None
) -> Observations:
    """Return the observations in a table of single events.

    Args:
        frame: Columns ``unit``, ``day`` (dates), ``outcome`` and, unless each unit counts once a day, ``exposures``.
        variants: Everybody assigned, seen or not: unit → ``champion`` or ``challenger``.
        first: First day of the experiment.
        last: Last day that is complete.
        before: The metric's rate before the experiment by unit; zero where a unit is missing.

    Raises:
        ExperimentError: an event is of a unit that was never assigned.
    """
    units = tuple(sorted(variants))
    days = tuple(first + dt.timedelta(days=n) for n in range((last - first).days + 1))
    inside = frame[(frame["day"] >= first) & (frame["day"] <= last)]
    if strangers := sorted(set(inside["unit"]) - set(units)):
        raise ExperimentError(
            expected="events of assigned units",
            seen=f"{len(strangers)} others, {', '.join(strangers[:3])} …",
            where="observations of an experiment",
            next_step="assign every unit by the experiment's salt before anything is shown to it",
        )

    rows = pd.Index(units).get_indexer(inside["unit"])
    columns = pd.Index(days).get_indexer(inside["day"])

    def wide(column: str) -> Array:
        at = rows * len(days) + columns
        values = inside[column].to_numpy(float)
        summed = np.bincount(at, values, len(units) * len(days)).reshape(len(units), len(days))
        return np.asarray(summed, dtype=np.float64)

    return Observations(
        days=days,
        units=units,
        treated=np.array([variants[unit] == CHALLENGER for unit in units], dtype=bool),
        outcomes=wide("outcome"),
        exposures=wide("exposures") if "exposures" in frame else np.ones((len(units), len(days))),
        before=None if before is None else before.reindex(list(units)).fillna(0.0).to_numpy(float),
    )


@dataclass(frozen=True, eq=False)
class Effects:
    """The difference of two variants at the end of each day.

    Attributes:
        rates: Of the champion and of the challenger, shape (2, ..., K).
        difference: The challenger's minus the champion's, adjusted for what was before, shape (..., K).
        error: Its standard error; infinite on days on which it cannot be known.
        correlations: Of each day's difference with the day's before, shape (..., K − 1).
        freedom: Degrees of freedom of the error: the smaller variant's units less one, which errs to the safe side.
    """

    rates: Array
    difference: Array
    error: Array
    correlations: Array
    freedom: Array

    @property
    def z(self) -> Array:
        """Return the difference in standard errors; zero where the error is not known."""
        return self.difference / self.error

    def stretched(self, critical: Array) -> Array:
        """Return critical values for an error that is estimated: Student's of the same chance as the normal ones."""
        finite = np.isfinite(critical)
        tails = stdtrit(np.maximum(self.freedom, 1.0), ndtr(np.where(finite, -critical, -1.0)))
        return np.where(finite, -tails, np.inf)


def effects(
    outcomes: Array, exposures: Array, treated: NDArray[np.bool_], before: Array | None = None, *, pseudo: float = 0.0
) -> Effects:
    """Return the difference of the variants' rates over the days so far, at the end of each day.

    Args:
        outcomes: Shape (..., units, days); leading axes are experiments of their own.
        exposures: The same shape, or one that broadcasts to it.
        treated: Shape (units,).
        before: Shape (units,) or (..., units).
        pseudo: Single exposures with and as many without the outcome that are added to each arm, for shares that may
            be zero (Agresti & Caffo 2000 add one of each).
    """
    total = np.cumsum(outcomes, axis=-1, dtype=float)
    seen = np.broadcast_to(np.cumsum(exposures, axis=-1, dtype=float), total.shape)
    arms = [_linear(total[..., arm, :], seen[..., arm, :], pseudo) for arm in (~treated, treated)]
    difference = arms[1][0] - arms[0][0]
    residuals = [residual for _, residual, _ in arms]
    if before is not None:
        apart = [np.asarray(before[..., arm], dtype=float) for arm in (~treated, treated)]
        centred = [(each - each.mean(axis=-1, keepdims=True))[..., None] for each in apart]
        square = sum((each**2).sum(axis=-2) for each in centred)
        shared = sum((x * e).sum(axis=-2) for x, e in zip(centred, residuals, strict=True))
        slope = np.divide(shared, square, out=np.zeros_like(shared), where=np.asarray(square > 0))
        difference = difference - slope * (apart[1].mean(axis=-1) - apart[0].mean(axis=-1))[..., None]
        residuals = [e - slope[..., None, :] * x for e, x in zip(residuals, centred, strict=True)]
    variance, shared_variance = np.zeros_like(difference), np.zeros_like(difference[..., 1:])
    for residual, (_, _, extra) in zip(residuals, arms, strict=True):
        n = residual.shape[-2]
        scale = 1 / max(n * (n - 1), 1)
        variance += scale * (np.einsum("...ik,...ik->...k", residual, residual) + extra)
        crossed = np.einsum("...ik,...ik->...k", residual[..., 1:], residual[..., :-1])
        shared_variance += scale * (crossed + np.sqrt(extra[..., 1:] * extra[..., :-1]))
    smaller = np.minimum(*((seen[..., arm, :] > 0).sum(axis=-2) for arm in (~treated, treated)))
    enough = smaller >= _FEWEST
    known = np.isfinite(difference) & (variance > 0) & enough
    error = np.where(known, np.sqrt(np.where(known, variance, 1.0)), np.inf)
    both = error[..., 1:] * error[..., :-1]
    correlations = np.where(np.isfinite(both), shared_variance / np.where(np.isfinite(both), both, 1.0), 0.0)
    rates = np.stack([arms[0][0], arms[1][0]])
    return Effects(rates, np.where(known, difference, 0.0), error, np.clip(correlations, 0.0, 1.0), smaller - 1.0)


def _linear(total: Array, seen: Array, pseudo: float) -> tuple[Array, Array, Array]:
    """Return an arm's rate, the units' linearised residuals, and the pseudo units' squares, by day."""
    whole = seen.sum(axis=-2) + 2 * pseudo
    mean = whole / max(total.shape[-2], 1)
    rate = np.divide(total.sum(axis=-2) + pseudo, whole, out=np.full_like(whole, np.nan), where=whole > 0)
    known, safe = np.nan_to_num(rate), np.where(mean > 0, mean, 1.0)
    residual = (total - known[..., None, :] * seen) / safe[..., None, :]
    return rate, residual, pseudo * ((1 - known) ** 2 + known**2) / safe**2
