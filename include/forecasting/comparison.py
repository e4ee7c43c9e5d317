"""Is one forecaster better than another, and which one is to be deployed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from include.errors import SourceError
from include.forecasting.panel import Array

_FEWEST = 20  # days


@dataclass(frozen=True)
class DieboldMariano:
    """The test of equal accuracy.

    Args:
        difference: Mean loss of the other minus mean loss of the candidate: positive favours the candidate.
        statistic: The corrected statistic, Student's t with n − 1 degrees of freedom.
        p_value: One-sided, that the candidate is not better.
        days: n.
        lags: Autocovariances that were taken into account.
    """

    difference: float
    statistic: float
    p_value: float
    days: int
    lags: int


def diebold_mariano(candidate: Array, other: Array, *, lags: int | None = None) -> DieboldMariano:
    """Test whether a candidate's losses are smaller than another's, paired by day.

    Diebold & Mariano (1995) with the small-sample correction of Harvey, Leybourne & Newbold (1997). The variance of the
    mean is that of Newey & West (1987), for losses of neighbouring days are alike: their weather is.

    Args:
        candidate: Losses by day, shape (n,), in the order of time.
        other: Losses of the other on the same days.
        lags: How many autocovariances; by default 4 · (n / 100)^(2/9), rounded down (Newey & West 1994).

    Raises:
        SourceError: too few days, or a loss is missing.
    """
    gain = np.asarray(other, dtype=float) - np.asarray(candidate, dtype=float)
    n = len(gain)
    if n < _FEWEST or not np.isfinite(gain).all():
        raise SourceError(
            expected=f"paired losses of at least {_FEWEST} days",
            seen=f"{np.isfinite(gain).sum()} of {n} days",
            where="comparison of two forecasters",
            next_step="compare over more days, and leave days without truth out",
        )
    used = int(4 * (n / 100) ** (2 / 9)) if lags is None else lags
    centred = gain - gain.mean()
    variance = centred @ centred / n
    for lag in range(1, used + 1):
        variance += 2 * (1 - lag / (used + 1)) * (centred[lag:] @ centred[:-lag]) / n
    if variance <= 0:  # the same forecasts
        return DieboldMariano(float(gain.mean()), 0.0, 1.0 if gain.mean() <= 0 else 0.0, n, used)
    steps = used + 1
    correction = (n + 1 - 2 * steps + steps * (steps - 1) / n) / n
    statistic = float(gain.mean() / np.sqrt(variance / n) * np.sqrt(correction))
    return DieboldMariano(float(gain.mean()), statistic, float(stats.t.sf(statistic, n - 1)), n, used)


@dataclass(frozen=True)
class Choice:
    """Which forecaster is deployed, and on what grounds.

    Args:
        champion: Its name.
        reason: One sentence.
        tests: The test by which each model was measured against the champion so far, by the model's name.
    """

    champion: str
    reason: str
    tests: Mapping[str, DieboldMariano]


def choose(losses: Mapping[str, Array], *, simple: Sequence[str], models: Sequence[str], level: float = 0.05) -> Choice:
    """Return the champion: the best of the simple forecasters, unless a model is significantly better.

    Models are tried in the order given, the simplest first, each against the champion so far. The level is divided by
    the number of models, so that a series on which none is better keeps its simple one with at least 1 − level.

    Args:
        losses: Losses by day of each forecaster, on the same days.
        simple: Names of the simple ones.
        models: Names of the models, the simplest first.
        level: Chance at most that a model is taken although it is no better.
    """
    best = min(simple, key=lambda name: float(losses[name].mean()))
    champion, tests = best, {}
    for name in models:
        tests[name] = diebold_mariano(losses[name], losses[champion])
        if tests[name].p_value < level / len(models):
            champion = name
    loss = {name: float(losses[name].mean()) for name in losses}
    if champion == best:
        nearest = min(models, key=lambda name: tests[name].p_value, default="")
        against = f"; the nearest, {nearest}, with p = {tests[nearest].p_value:.3f}" if nearest else ""
        return Choice(champion, f"{champion} stays: no model is significantly better{against}", tests)
    share = 1 - loss[champion] / loss[best]
    beaten = f"{champion} has {share:.0%} less error than {best}, p = {tests[champion].p_value:.2g}"
    return Choice(champion, beaten, tests)
