"""Simulated households that come back every day, many experiments at once."""

from __future__ import annotations

import numpy as np

from include.experiments.boundaries import critical_values, obrien_fleming
from include.experiments.observations import effects
from include.experiments.sequential import stopped

BATCH = 200


class Households:
    """Draws of what households do on each day, shape (BATCH, units, days), with the variant that they have."""

    def __init__(self, seed, *, units=600, days=28, rate=0.05, correlation=0.1, effect=0.0):
        self.rng = np.random.default_rng(seed)
        self.units, self.days, self.rate, self.correlation, self.effect = units, days, rate, correlation, effect
        self.treated = np.arange(units) % 2 == 0
        self.shape = (BATCH, units, days)

    def loyal(self):
        """Return conversions of households each of which has a rate of its own, as a plan assumes it."""
        size = 1 / self.correlation - 1
        means = np.where(self.treated, self.rate + self.effect, self.rate)
        own = self.rng.beta(means * size, (1 - means) * size, self.shape[:2])
        return (self.rng.random(self.shape, dtype=np.float32) < own[..., None]).astype(float)

    def weekends(self):
        """Return conversions that are six times as frequent at the weekend."""
        own = self.rng.beta(0.5, 9.5, (*self.shape[:2], 1)) * np.where(np.arange(self.days) % 7 > 4, 2.4, 0.4)
        return (self.rng.random(self.shape, dtype=np.float32) < own).astype(float)

    def leaving(self):
        """Return conversions of households of which half stop to come at some day."""
        own = self.rng.beta(0.5, 9.5, (*self.shape[:2], 1))
        last = self.rng.integers(0, 2 * self.days, (*self.shape[:2], 1))
        return ((self.rng.random(self.shape) < own) & (np.arange(self.days) < last)).astype(float)

    def moody(self):
        """Return amounts of which a day's is nearly the day's before."""
        amounts = self.rng.standard_normal(self.shape)
        for day in range(1, self.days):
            amounts[..., day] = 0.9 * amounts[..., day - 1] + np.sqrt(0.19) * amounts[..., day]
        return amounts

    def drifting(self):
        """Return amounts of households that slowly become other ones."""
        level, slope = self.rng.standard_normal((2, *self.shape[:2], 1))
        return level + 2 * slope * np.linspace(-1, 1, self.days) + 3 * self.rng.standard_normal(self.shape)


def sequential(outcomes, households, level=0.05):
    """Return for each experiment 1 where it ended as better, −1 as worse, else 0."""
    found = effects(outcomes, np.ones((1, households.days)), households.treated)
    _, stops = stopped(found, obrien_fleming(np.arange(1, households.days + 1) / households.days, level))
    first = stops.argmax(axis=1)
    return stops.any(axis=1) * np.sign(np.take_along_axis(found.z, first[:, None], axis=1)[:, 0])


def daily_t_test(outcomes, households):
    """Return the same of a test of households' sums that is looked at daily as if it were looked at once."""
    found = effects(outcomes, np.ones((1, households.days)), households.treated)
    return (np.abs(found.z) > 1.96).any(axis=1).astype(float)


def by_impression(outcomes, households, level=0.05):
    """Return the same of a sequential test that takes each household-day as independent of all others."""
    day = np.arange(1, households.days + 1)
    arms = [outcomes[:, arm].cumsum(axis=2) for arm in (~households.treated, households.treated)]
    rates = [arm.sum(axis=1) / (arm.shape[1] * day) for arm in arms]
    variance = sum(rate * (1 - rate) / (arm.shape[1] * day) for rate, arm in zip(rates, arms, strict=True))
    critical = critical_values(np.sqrt(day[:-1] / day[1:]), obrien_fleming(day / households.days, level))
    z = (rates[1] - rates[0]) / np.sqrt(np.maximum(variance, 1e-12))
    return (np.abs(z) >= critical).any(axis=1).astype(float)
