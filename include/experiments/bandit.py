"""The alternative to an A/B: give more households to the variant that seems better, day by day.

Thompson sampling (1933) with a beta posterior for each variant, updated once a day. It loses less while it learns, and
says less in the end: its shares depend on what was seen, so the plain difference of the rates is biased, and it has no
planned power. Repeated days of a household are alike; so counts are divided by a design effect, without which the
posterior is surer than the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import beta

from include.experiments.boundaries import Array
from include.experiments.observations import effects
from include.experiments.plan import Assumptions
from include.experiments.sequential import stopped
from include.records import Record

_DRAWS = 5_000


class Posterior(Record):
    """What is believed of a variant's rate: a beta distribution."""

    successes: float = Field(default=1.0, gt=0, description="α: conversions, one more before any was seen")
    failures: float = Field(default=1.0, gt=0, description="β: the rest, one more")

    @property
    def mean(self) -> float:
        """Return the expected rate."""
        return self.successes / (self.successes + self.failures)


def posterior(successes: float, trials: float, *, days: int = 1, correlation: float = 0.0) -> Posterior:
    """Return what is believed of a variant after all that was seen of it so far.

    Args:
        successes: Conversions up to now.
        trials: Households times days up to now.
        days: Over how many days.
        correlation: Between two days of a household: 1 + (days − 1) · correlation alike observations say as much as
            one independent one (Kish 1965).
    """
    alike = 1 + (days - 1) * correlation
    return Posterior(successes=1 + successes / alike, failures=1 + (trials - successes) / alike)


def weights(posteriors: Sequence[Posterior], *, seed: str, least: float = 0.05) -> tuple[float, ...]:
    """Return each variant's share of tomorrow's households: the chance that it is the best.

    Args:
        posteriors: One for each variant.
        seed: What the draws are made from, e.g. ``<experiment>|<day>``; the same gives the same shares.
        least: Share that no variant falls below, so that a change of mind stays possible.
    """
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    drawn = np.stack([rng.beta(each.successes, each.failures, _DRAWS) for each in posteriors])
    best = np.bincount(drawn.argmax(axis=0), minlength=len(posteriors)) / _DRAWS
    return tuple(float(share) for share in least + (1 - least * len(posteriors)) * best)


class Regret(Record):
    """Conversions that were lost because not every household had the better variant from the first day."""

    thompson: float = Field(description="mean over the runs")
    ab: float = Field(description="mean over the runs of an A/B with half of the households each, ended as read")
    champion: float = Field(description="of leaving everything as it was")
    chosen_thompson: float = Field(description="share of the runs in which it gives most to the better one at the end")
    chosen_ab: float = Field(description="share of the runs in which the A/B has found the better one")
    runs: int


def regret(rates: tuple[float, float], *, units: int, test: Assumptions, horizon: int, runs: int, seed: int) -> Regret:
    """Simulate what each way of choosing between champion and challenger costs over a time.

    A household's days are alike as the assumptions say. The A/B runs its planned days; when it says better the
    challenger gets all, otherwise the champion keeps all. The bandit chooses to the end.

    Args:
        rates: True rates of champion and challenger.
        units: Households.
        test: The A/B's days, level and correlation.
        horizon: Days over which losses are counted, at least the A/B's.
        runs: How many times.
        seed: Of the simulation.
    """
    rng = np.random.default_rng(seed)
    best, lost, right = max(rates), np.zeros(2), np.zeros(2)
    challenger_is_best = rates[1] > rates[0]
    for run in range(runs):
        behaviour = _behaviour(rng, rates, units, test.correlation)
        for index, (gone, chosen) in enumerate(
            (
                _thompson(behaviour, rates, units, horizon, test.correlation, f"{seed}|{run}"),
                _ab(behaviour, rates, units, horizon, test),
            )
        ):
            lost[index] += gone
            right[index] += chosen == challenger_is_best
    return Regret(
        thompson=lost[0] / runs,
        ab=lost[1] / runs,
        champion=(best - rates[0]) * units * horizon,
        chosen_thompson=right[0] / runs,
        chosen_ab=right[1] / runs,
        runs=runs,
    )


def _behaviour(
    rng: np.random.Generator, rates: tuple[float, float], units: int, correlation: float
) -> Callable[[NDArray[np.bool_]], Array]:
    """Return a day's conversions, for who has the challenger; each household has a rate of its own for each variant."""
    if correlation > 0:
        size = 1 / correlation - 1
        place = rng.random(units)
        own = np.stack([beta.ppf(place, rate * size, (1 - rate) * size) for rate in rates])
    else:
        own = np.repeat(np.array(rates)[:, None], units, axis=1)
    return lambda treated: (rng.random(units) < np.where(treated, own[1], own[0])).astype(float)


def _thompson(
    behaviour: Callable[[NDArray[np.bool_]], Array],
    rates: tuple[float, float],
    units: int,
    horizon: int,
    correlation: float,
    seed: str,
) -> tuple[float, bool]:
    place = (np.arange(units) + 0.5) / units  # where the hash puts a household; the order carries nothing
    lost, weight, counts = 0.0, 0.5, np.zeros((2, 2))
    for day in range(horizon):
        treated = place < weight
        outcome = behaviour(treated)
        lost += float(((max(rates) - rates[1]) * treated + (max(rates) - rates[0]) * ~treated).sum())
        counts += [[outcome[arm].sum(), arm.sum()] for arm in (~treated, treated)]
        believed = [posterior(*arm, days=day + 1, correlation=correlation) for arm in counts]
        weight = weights(believed, seed=f"{seed}|{day}")[1]
    return lost, weight > 0.5


def _ab(
    behaviour: Callable[[NDArray[np.bool_]], Array],
    rates: tuple[float, float],
    units: int,
    horizon: int,
    test: Assumptions,
) -> tuple[float, bool]:
    treated = np.arange(units) % 2 == 0
    outcomes = np.stack([behaviour(treated) for _ in range(test.days)], axis=1)
    found = effects(outcomes, np.ones((1, test.days)), treated)
    _, stops = stopped(found, test.spent())
    ended = int(np.flatnonzero(stops)[0]) if stops.any() else test.days - 1
    better = bool(stops[ended] and found.difference[ended] > 0)
    worse_arm = ~treated if rates[1] > rates[0] else treated
    gap = abs(rates[1] - rates[0])
    after = gap * units * (horizon - ended - 1) if better != (rates[1] > rates[0]) else 0.0
    return gap * float(worse_arm.sum()) * (ended + 1) + after, better
