"""What an experiment needs, computed before it starts, and what it can never show.

The sizes are those of the sequential test that will be used, not of a test that is looked at once: looking daily costs
a few per cent more households, and the plan says how many. Repeated days of the same household are alike, so more days
help less and less: with a correlation ρ between a household's days, endless days leave the variance p (1 − p) ρ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from pydantic import Field, model_validator
from scipy.optimize import brentq
from scipy.special import ndtri

from include.errors import ExperimentError
from include.experiments.boundaries import Array, critical_values, crossing, obrien_fleming
from include.records import Record


class Assumptions(Record):
    """What a plan rests on."""

    baseline: float = Field(gt=0, lt=1, description="the champion's rate, conversions by household and day")
    days: int = Field(ge=1, le=120, description="days it runs; it is looked at after each")
    correlation: float = Field(ge=0, lt=1, description="between two days of the same household")
    explained: float = Field(
        default=0.0, ge=0, lt=1, description="share of the variance between households that their past explains"
    )
    share: float = Field(default=0.5, gt=0, lt=1, description="share of the households that the challenger gets")
    level: float = Field(default=0.05, gt=0, lt=0.5, description="chance that equal variants are told apart")
    power: float = Field(default=0.8, gt=0.05, lt=1, description="chance that the smallest effect is found")

    def spent(self) -> Array:
        """Return the level spent by the end of each day."""
        return obrien_fleming(np.arange(1, self.days + 1) / self.days, self.level)


class Plan(Record):
    """The size of an experiment and what follows from it."""

    assumptions: Assumptions
    effect: float = Field(gt=0, description="smallest difference of the rates worth having, absolute")
    fixed_units: int = Field(description="households that a test looked at once, on the last day, would need")
    units: int = Field(description="households that the test looked at daily needs")
    inflation: float = Field(description="the second over the first")
    critical: tuple[float, ...] = Field(description="how many standard errors stop it, by day, as planned")
    power_by_day: tuple[float, ...] = Field(description="chance that the effect has been found by each day")
    expected_days: float = Field(description="days until it stops, on average, if the effect is as planned")

    @model_validator(mode="after")
    def _days(self) -> Self:
        if not len(self.critical) == len(self.power_by_day) == self.assumptions.days:
            raise ValueError("a plan has one boundary and one power for each day")
        return self


def plan(assumptions: Assumptions, *, effect: float) -> Plan:
    """Return how many households an experiment needs to find an effect.

    Args:
        assumptions: Baseline, days, level, power and how alike a household's days are.
        effect: Smallest difference of the rates worth having, absolute.

    Raises:
        ExperimentError: the effect is not positive, or leads to a rate above one.
    """
    if not 0 < effect < 1 - assumptions.baseline:
        raise ExperimentError(
            expected=f"an effect above 0 and below {1 - assumptions.baseline:.4f}",
            seen=f"{effect}",
            where="plan of an experiment",
            next_step="give the smallest difference of the rates worth having, e.g. 0.005 for half a point",
        )
    needed = _test(assumptions).drift ** 2 * _variance(assumptions, effect) / effect**2
    return _sized(assumptions, effect, int(np.ceil(needed)))


def smallest_effect(assumptions: Assumptions, *, units: int) -> Plan:
    """Return the plan for the smallest effect that so many households show with the wanted power.

    Raises:
        ExperimentError: no effect is large enough.
    """

    drift = _test(assumptions).drift

    def lacking(effect: float) -> float:
        return drift**2 * _variance(assumptions, effect) / effect**2 - units

    least, most = 1e-7, (1 - assumptions.baseline) * (1 - 1e-9)
    if units < 4 or lacking(most) > 0:
        raise ExperimentError(
            expected="enough households to tell the baseline from certainty",
            seen=f"{units}",
            where="plan of an experiment",
            next_step="run longer, over more households, or ask for less power",
        )
    return _sized(assumptions, float(brentq(lacking, least, most, xtol=1e-10)), units)


def alike(outcomes: Array) -> tuple[float, float]:
    """Return the rate and the correlation between two days of a household, from a calm period's outcomes.

    The correlation is the one-way analysis of variance's (Fisher 1925; Donner 1986); below zero counts as zero.

    Args:
        outcomes: Shape (households, days).
    """
    days = outcomes.shape[1]
    between = days * outcomes.mean(axis=1).var(ddof=1)
    within = outcomes.var(axis=1, ddof=1).mean()
    scale = between + (days - 1) * within
    return float(outcomes.mean()), float(max(0.0, (between - within) / scale)) if scale > 0 else 0.0


def explained(before: Array, outcomes: Array) -> float:
    """Return the share of the variance between households that their past explains, from a calm period's outcomes.

    Args:
        before: Each household's rate in the time before, shape (households,).
        outcomes: Shape (households, days).
    """
    rate, correlation = alike(outcomes)
    between = correlation * rate * (1 - rate)
    if between <= 0 or before.var() <= 0:
        return 0.0
    shared = float(np.cov(before, outcomes.mean(axis=1))[0, 1])
    return min(shared**2 / float(before.var(ddof=1)) / between, 1.0)


@dataclass(frozen=True, eq=False)
class _Test:
    """The sequential test; none of it depends on the effect.

    Attributes:
        shape: Variance of a household's mean over the days so far, over that of one day, shape (K,).
        correlations: Of each look with the one before, shape (K − 1,).
        critical: Critical values, shape (K,).
        drift: How many standard errors of the last day an effect must be to be found with the wanted power.
        once: The same for a test that is looked at once.
    """

    shape: Array
    correlations: Array
    critical: Array
    drift: float
    once: float

    def found(self, drift: float) -> Array:
        """Return the chance that such an effect has been found by each day."""
        means = drift * np.sqrt(self.shape[-1] / self.shape)
        return crossing(self.critical, self.correlations, means)


def _test(assumptions: Assumptions) -> _Test:
    alike_part = assumptions.correlation * (1 - assumptions.explained)
    shape = alike_part + (1 - assumptions.correlation) / np.arange(1, assumptions.days + 1)
    correlations = np.sqrt(shape[1:] / shape[:-1])
    once = float(-ndtri(assumptions.level / 2) + ndtri(assumptions.power))
    test = _Test(shape, correlations, critical_values(correlations, assumptions.spent()), once, once)
    drift = brentq(lambda each: float(test.found(each)[-1]) - assumptions.power, 0.0, once + 4, xtol=1e-6)
    return replace(test, drift=float(drift))


def _variance(assumptions: Assumptions, effect: float) -> float:
    """Return the variance of the last day's difference times the number of all households."""
    alike_part = assumptions.correlation * (1 - assumptions.explained)
    last = alike_part + (1 - assumptions.correlation) / assumptions.days
    champion, challenger = assumptions.baseline, assumptions.baseline + effect
    by_arm = champion * (1 - champion) / (1 - assumptions.share) + challenger * (1 - challenger) / assumptions.share
    return by_arm * last


def _sized(assumptions: Assumptions, effect: float, units: int) -> Plan:
    test = _test(assumptions)
    drift = effect / np.sqrt(_variance(assumptions, effect) / units)
    found = test.found(drift)
    ended = found + test.found(-drift)
    return Plan(
        assumptions=assumptions,
        effect=effect,
        fixed_units=int(np.ceil(test.once**2 * _variance(assumptions, effect) / effect**2)),
        units=units,
        inflation=(test.drift / test.once) ** 2,
        critical=tuple(float(value) for value in test.critical),
        power_by_day=tuple(float(value) for value in found),
        expected_days=float(1 + (1 - ended[:-1]).sum()),
    )
