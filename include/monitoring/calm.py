"""What calm windows look like: the p-values that all columns together would show if nothing had changed.

Every look at a window tests many columns that depend on each other, over rows that may do so too. Corrections by
formula are wrong for both. So the same test is put to windows that are calm by construction, and what it says of them
is the null distribution of whatever is made of the p-values:

* rows that do not depend on each other: the test's mean scores are sums over rows, so their joint distribution is
  normal with the covariance that the rows of the sample have; it is drawn by a multiplier bootstrap.
* rows of a day that do: runs of days of the reference itself (``include.monitoring.blocks``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from include.monitoring.permutation import exact
from include.monitoring.profile import ReferenceProfile
from include.monitoring.smooth_test import Tested, compare
from include.monitoring.window import WindowCounts

Array = NDArray[np.float64]
DRAWS = 2000
_CHUNK = 4000  # components that are drawn at once


@dataclass(frozen=True)
class Looks:
    """What the window shows, and what calm windows do.

    Args:
        p_values: Of the window, one a column that could be tested.
        effects: Cohen's w of the same columns.
        tested: The tests themselves.
        calm: p-values of calm windows, shape (windows, columns); no column has NaN.
        shifts: By what share of all its cells the mean of an ordered column moved; empty where that is not looked at.
    """

    p_values: dict[str, float]
    effects: dict[str, float]
    tested: dict[str, Tested]
    calm: Array
    shifts: dict[str, float] = field(default_factory=dict)


def independent(profile: ReferenceProfile, window: WindowCounts, *, seed: int) -> Looks:
    """Compare a window whose rows do not depend on each other."""
    tested = {}
    for name, counts in window.columns.items():
        before, ordered = np.array(profile.columns[name].counts), profile.columns[name].ordered
        tested[name] = exact(compare(before, counts, ordered=ordered), before, counts)
    p_values = {name: each.both_p for name, each in tested.items()}
    return Looks(p_values, {name: each.effect for name, each in tested.items()}, tested, _drawn(profile, tested, seed))


def _drawn(profile: ReferenceProfile, tested: dict[str, Tested], seed: int) -> Array:
    """Return p-values of drawn calm windows, shape (draws, columns)."""
    generator = np.random.default_rng(seed)
    place = {name: column for column, name in enumerate(profile.sampled)}
    rows = len(profile.sample)
    weights = _weights(max(rows, 1), seed)
    calm = generator.random((DRAWS, len(tested)))  # what is not in the sample depends on nothing that we know
    names = [name for name, each in tested.items() if name in place and each.freedom and rows > 1]
    columns = list(tested)
    for chunk in _chunks(names, tested):
        scores = np.hstack([tested[name].scores[profile.sample[:, place[name]]] for name in chunk])
        centred = (scores - scores.mean(axis=0)).astype(np.float32)
        squares = (weights @ centred / np.sqrt(rows)) ** 2
        bounds = np.cumsum([0, *(tested[name].scores.shape[1] for name in chunk)])[:-1]
        sums = np.add.reduceat(squares, bounds, axis=1)
        freedom = np.array([tested[name].freedom for name in chunk])
        means = sums.mean(axis=0)
        scaled = sums * np.where(means > 0, freedom / np.where(means > 0, means, 1), 1)  # the sample's own error
        calm[:, [columns.index(name) for name in chunk]] = stats.chi2.sf(scaled, freedom)
    return calm


@lru_cache(maxsize=4)
def _weights(rows: int, seed: int) -> NDArray[np.float32]:
    """Return the multipliers of a bootstrap, shape (draws, rows); windows that are judged in a row share them."""
    weights = np.random.default_rng([seed, rows]).standard_normal((DRAWS, rows), dtype=np.float32)
    weights.flags.writeable = False
    return weights


def _chunks(names: list[str], tested: dict[str, Tested]) -> list[list[str]]:
    chunks: list[list[str]] = [[]]
    size = 0
    for name in names:
        size += tested[name].scores.shape[1]
        if size > _CHUNK and chunks[-1]:
            chunks.append([])
            size = tested[name].scores.shape[1]
        chunks[-1].append(name)
    return [chunk for chunk in chunks if chunk]


def calibrated(looks: Looks) -> dict[str, float]:
    """Return for each column in what share of calm windows some column would look at least as different.

    The columns' p-values are first put in order as Benjamini & Hochberg (1995) do; the smallest that calm windows come
    to by the same rule is what the stated rate is then read from, so it holds under any dependence between columns.
    """
    if not looks.p_values or not len(looks.calm):
        return {}
    smallest = np.sort(_false_discovery(looks.calm).min(axis=1))
    mine = _false_discovery(np.array([list(looks.p_values.values())]))[0]
    at_least = np.searchsorted(smallest, mine, side="right")
    return dict(zip(looks.p_values, ((1 + at_least) / (1 + len(smallest))).tolist(), strict=True))


def _false_discovery(p_values: Array) -> Array:
    """Return Benjamini & Hochberg's adjusted p-values of each row."""
    order = np.argsort(p_values, axis=1)
    ranked = np.take_along_axis(p_values, order, axis=1) * p_values.shape[1] / np.arange(1, p_values.shape[1] + 1)
    lowest = np.minimum.accumulate(ranked[:, ::-1], axis=1)[:, ::-1]
    adjusted = np.empty_like(lowest)
    np.put_along_axis(adjusted, order, np.minimum(lowest, 1.0), axis=1)
    return adjusted
