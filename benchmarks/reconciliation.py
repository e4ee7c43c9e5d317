"""How long it takes to make 20, 200 and 1,000 series of a week add up, and how exactly they then do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.harness import Goal, Measure, Say
from include.forecasting.hierarchy import Array, Hierarchy, tree
from include.forecasting.reconciliation import MAX_ROWS, fit

SIZES = (20, 200, 1000)
HOURS = 168
LIMIT_SECONDS = 10.0
_SEED = 1


@dataclass(frozen=True)
class Timing:
    """One size: seconds to fit the covariance and to reconcile a week, and the largest relative gap that is left."""

    series: int
    hours: int
    days: int
    fit_seconds: float
    reconcile_seconds: float
    gap: float

    @property
    def seconds(self) -> float:
        """Return the time of both."""
        return self.fit_seconds + self.reconcile_seconds


def time_reconciliation(hierarchy: Hierarchy, base: Array, residuals: Array) -> Timing:
    """Time one fit and one reconciliation.

    Args:
        hierarchy: What adds up to what.
        base: Base forecasts, shape (series, hours).
        residuals: Shape (days, series, hours).
    """
    start = time.perf_counter()
    model = fit(hierarchy, residuals)
    fitted = time.perf_counter()
    found = model.reconcile(base)
    done = time.perf_counter()
    return Timing(hierarchy.bottom, base.shape[1], model.days, fitted - start, done - fitted, hierarchy.gap(found))


def copies(zones: Array, count: int, seed: int, noise: float = 0.05) -> Array:
    """Return ``count`` series made of the given ones, repeated with multiplicative noise, shape (…, count, hours).

    Args:
        zones: Shape (…, zones, hours).
        count: How many to make.
        seed: Of the noise.
        noise: Its relative standard deviation.
    """
    repeated = zones[..., np.arange(count) % zones.shape[-2], :]
    return repeated * (1 + noise * np.random.default_rng(seed).normal(size=repeated.shape))


def synthetic(count: int, seed: int) -> tuple[Hierarchy, Array, Array]:
    """Return a hierarchy of ``count`` zones under regions of twenty and a total, with base forecasts and residuals.

    Zones 3 and 7 are one and the same series, so the covariance is singular.
    """
    generator = np.random.default_rng(seed)
    zones = [f"zone {number + 1}" for number in range(count)]
    regions = {f"region {first // 20 + 1}": zones[first : first + 20] for first in range(0, count, 20)}
    hierarchy = tree({**regions, "total": list(regions)})
    days, sums = MAX_ROWS // HOURS, len(hierarchy.sums)
    errors = generator.normal(size=(days, count, HOURS)) + generator.normal(size=(days, 1, HOURS))
    errors *= generator.lognormal(3, 1, size=(count, 1))
    errors[:, 6] = errors[:, 2]
    residuals = hierarchy.complete(errors)
    residuals[:, count:] *= generator.normal(1, 0.3, size=(days, sums, HOURS))
    base = hierarchy.complete(generator.lognormal(8, 1, size=(count, HOURS)))
    base[count:] *= generator.normal(1, 0.02, size=(sums, HOURS))
    return hierarchy, base, residuals


def measures(say: Say) -> Iterator[Measure]:
    """Yield seconds and the gap that is left, by size."""
    goals = {SIZES[-1]: Goal(kind="at most", limit=LIMIT_SECONDS)}
    for size in SIZES:
        say(f"· {size} series …")
        found = time_reconciliation(*synthetic(size, _SEED))
        yield Measure(
            name=f"a week of {size:,} series", value=found.seconds, unit="s", goal=goals.get(size),
            how=f"{found.hours} hours, {found.days} days of residuals; fit {found.fit_seconds:.2f} s, reconciliation "
            f"{found.reconcile_seconds:.2f} s",
        )  # fmt: skip
        yield Measure(
            name=f"gap that {size:,} series leave", value=found.gap * 1e15, unit="× 10⁻¹⁵",
            goal=Goal(kind="at most", limit=1e6), how="largest difference of a sum and its parts, over the sum",
        )  # fmt: skip
