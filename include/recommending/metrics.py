"""How good ranked items are: by user first, so that every mean has an interval and two models can be paired."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from include.errors import MissingMetricError
from include.models.metrics import RESAMPLES, estimate, resamples
from include.recommending.interactions import Array, Places
from include.records import Estimate

Values = NDArray[np.float64]
_AT_ONCE = 512  # users whose scores are sorted together


def ranked(scores: Array, k: int, *, hidden: sp.csr_array | None = None) -> Places:
    """Return the places of the k best items of each user, best first, shape (users, k); equal ones by their place.

    Args:
        scores: Shape (users, items).
        k: How many; where an item is hidden or −inf and nothing else is left, its place is −1.
        hidden: Items that may not be recommended, e.g. what was bought before; shape (users, items).
    """
    found = [_best(scores[start : start + _AT_ONCE], start, k, hidden) for start in range(0, len(scores), _AT_ONCE)]
    return np.vstack(found) if found else np.empty((0, k), dtype=np.int32)


def recall(top: Places, truth: sp.csr_array) -> Values:
    """Return hits / min(k, relevant) of each user; NaN for a user without a relevant item."""
    hits, relevant = _hits(top, truth)
    with np.errstate(invalid="ignore"):
        return hits.sum(axis=1) / np.minimum(relevant, top.shape[1])


def ndcg(top: Places, truth: sp.csr_array) -> Values:
    """Return the normalised discounted cumulative gain of each user; NaN for a user without a relevant item."""
    hits, relevant = _hits(top, truth)
    discount = 1 / np.log2(np.arange(2, top.shape[1] + 2))
    ideal = np.concatenate([[np.nan], np.cumsum(discount)])[np.minimum(relevant, top.shape[1])]
    return hits @ discount / ideal


def coverage(top: Places, items: int) -> float:
    """Return the share of all items that anybody is recommended."""
    return len(np.unique(top[top >= 0])) / items


def novelty(top: Places, households: NDArray[np.floating], users: int) -> Values:
    """Return the mean surprise of each user's list in bits: −log2 of the share of households that bought an item."""
    share = np.maximum(np.asarray(households, dtype=float), 0.5) / users
    return _mean_over(top, -np.log2(share))


def popularity_bias(top: Places, households: NDArray[np.floating], truth: sp.csr_array) -> float:
    """Return how many times as popular recommended items are as what the same users then bought."""
    relevant = np.diff(truth.indptr) > 0
    popular = np.asarray(households, dtype=float)
    bought = np.asarray(truth.astype(bool) @ popular)[relevant] / np.diff(truth.indptr)[relevant]
    return float(np.nanmean(_mean_over(top[relevant], popular)) / bought.mean())


def mean(values: Values, *, seed: int, confidence: float = 0.95, count: int = RESAMPLES) -> Estimate:
    """Return the mean over the users that have a value, with the bootstrap interval by user.

    Raises:
        MissingMetricError: fewer than two users have a value.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        raise MissingMetricError(
            expected="at least two users with a relevant item",
            seen=str(len(known)),
            where="metrics of a recommender",
            next_step="evaluate over more days",
        )
    return estimate(resamples(len(known), seed, count) @ known / len(known), confidence)


def difference(one: Values, other: Values, *, seed: int, confidence: float = 0.95, count: int = RESAMPLES) -> Estimate:
    """Return the mean of one minus other over the same users, with the paired bootstrap interval by user."""
    return mean(one - other, seed=seed, confidence=confidence, count=count)


def by_group(
    values: Values, groups: Iterable[str], *, seed: int, fewest: int = 30, confidence: float = 0.95
) -> dict[str, tuple[int, Estimate | None]]:
    """Return users and mean of each group, sorted; no mean where it has fewer users than ``fewest``.

    Args:
        values: By user; NaN where a user has no relevant item.
        groups: By user; an empty text where it is not known.
        seed: Of the resamples.
        fewest: A smaller group is counted, not judged.
        confidence: Of the intervals.
    """
    names, known = np.asarray(list(groups), dtype=str), np.isfinite(values)
    found: dict[str, tuple[int, Estimate | None]] = {}
    for name in sorted(set(names[known]) - {""}):
        inside = values[known & (names == name)]
        judged = mean(inside, seed=seed, confidence=confidence) if len(inside) >= max(fewest, 2) else None
        found[name] = (len(inside), judged)
    return found


def _best(scores: Array, start: int, k: int, hidden: sp.csr_array | None) -> Places:
    values = np.array(scores, dtype=np.float32)
    if hidden is not None:
        part = hidden[start : start + len(values)]
        values[part.nonzero()] = -np.inf
    places = np.argsort(-values, axis=1, kind="stable")[:, :k].astype(np.int32)
    places[np.take_along_axis(values, places, axis=1) == -np.inf] = -1
    if places.shape[1] < k:
        places = np.pad(places, ((0, 0), (0, k - places.shape[1])), constant_values=-1)
    return places


def _hits(top: Places, truth: sp.csr_array) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    known = truth.astype(bool).tocsr()
    rows = np.repeat(np.arange(len(top)), top.shape[1])
    hits = known[rows, np.maximum(top, 0).ravel()]
    hits = np.asarray(hits.toarray() if sp.issparse(hits) else hits).reshape(top.shape).astype(bool)
    return hits & (top >= 0), np.asarray(known.sum(axis=1), dtype=np.int64).ravel()


def _mean_over(top: Places, values: Values) -> Values:
    """Return the mean of an item's value over each list; NaN for an empty one."""
    inside = top >= 0
    with np.errstate(invalid="ignore"):
        return (np.where(inside, values[np.maximum(top, 0)], 0).sum(axis=1)) / inside.sum(axis=1)
