"""A weighted sum of families, each on its own scale; the weights are found on inner splits by time.

A household's scores are put to mean 0 and deviation 1 over the items it may be recommended, so that a weight means the
same for everybody. The weights climb from the first family alone: a step is kept where it helps the mean over splits.
None is below 0: a family that only helps turned round has found an accident of the split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.sparse as sp

from include.recommending.families import FAMILIES
from include.recommending.interactions import Array, Interactions, Places
from include.recommending.metrics import ranked
from include.recommending.models import Rows

Task = Literal["rebuy", "discover"]
WINDOW = 61
_SHORTLIST = 100
_GAIN = 1e-4
_SLICE = 256


@dataclass(frozen=True, eq=False)
class Blend:
    """Families with their weights, and the sum.

    Args:
        total: Shape (users, items).
        weights: By family.
        deviation: Mean deviation of each family's scores within a user, which its weight is relative to.
    """

    total: Array
    weights: Mapping[str, float]
    deviation: Mapping[str, float]

    @classmethod
    def of(cls, parts: Mapping[str, Array], weights: Mapping[str, float], *, hidden: sp.csr_array | None) -> Blend:
        """Return the sum of scores that were computed before."""
        used = {name: weight for name, weight in weights.items() if weight}
        total = np.zeros_like(next(iter(parts.values())))
        deviation: dict[str, float] = {}
        for name, weight in used.items():
            scaled, spread = standard(parts[name], hidden)
            total += np.float32(weight) * scaled
            deviation[name] = spread
        return cls(total, used, deviation)

    def scores(self, rows: Rows = slice(None)) -> Array:
        """Return scores of shape (rows, items)."""
        return self.total[rows]


def standard(scores: Array, hidden: sp.csr_array | None) -> tuple[Array, float]:
    """Return scores with mean 0 and deviation 1 within each user over what is not hidden, and the mean deviation."""
    made = np.array(scores, dtype=np.float32)
    spreads = []
    for start in range(0, len(made), _SLICE):
        part = made[start : start + _SLICE]
        open_ = np.ones(part.shape, dtype=bool)
        if hidden is not None:
            open_[hidden[start : start + len(part)].nonzero()] = False
        count = np.maximum(open_.sum(axis=1, keepdims=True), 1)
        part -= np.where(open_, part, 0).sum(axis=1, keepdims=True) / count
        spread = np.sqrt((np.where(open_, part, 0) ** 2).sum(axis=1, keepdims=True) / count)
        part /= np.maximum(spread, np.float32(1e-9))
        spreads.append(spread.ravel())
    return made, float(np.concatenate(spreads).mean())


def choose(
    x: Interactions, names: Sequence[str], task: Task, *, windows: int = 1, window: int = WINDOW,
    steps: Sequence[float] = (0.4, 0.2),
) -> dict[str, float]:  # fmt: skip
    """Return the weights that rank best on windows before the interactions' day.

    Args:
        x: What is known.
        names: Families, the main one first: its weight starts at 1, the others' at 0.
        task: Which items count as hits.
        windows: How many windows, one before the other, each with families fitted on what was known before it.
        window: Days of each.
        steps: By how much weights are changed, one pass after the other.
    """
    splits = [_Split.of(x, names, task, number, window) for number in range(windows)]
    weights = {name: float(name == names[0]) for name in names}
    best = _quality(splits, weights)
    for step in steps:
        moved = True
        while moved:
            moved = False
            for name in names:
                for change in (step, -step):
                    tried = weights | {name: max(round(weights[name] + change, 3), 0.0)}
                    quality = _quality(splits, tried)
                    if quality > best + _GAIN:
                        weights, best, moved = tried, quality, True
    return {name: weight for name, weight in weights.items() if weight}


@dataclass(frozen=True, eq=False)
class _Split:
    """One window: standardised scores of a short list of items for each user, and which of them were bought.

    The short list holds what any family ranks high, so that a try costs little.
    """

    parts: dict[str, Array]
    hits: Array
    relevant: Places

    @classmethod
    def of(cls, x: Interactions, names: Sequence[str], task: Task, number: int, window: int) -> _Split:
        until = number * window
        before = x.back(until + window)
        truth = x.since(until + window, until).astype(bool).astype(np.float32)
        hidden = before.bought if task == "discover" else None
        if hidden is not None:
            truth = sp.csr_array(truth - truth.multiply(hidden))
            truth.eliminate_zeros()
        users = np.flatnonzero((np.diff(truth.indptr) > 0) & (np.diff(before.visits.indptr) > 0))
        shown = None if hidden is None else hidden[users]
        scaled = {name: standard(FAMILIES[name].fit(before).scores(users), shown)[0] for name in names}
        tops = [ranked(scores, _SHORTLIST, hidden=shown) for scores in scaled.values()]
        return cls(*_short(scaled, tops, truth[users]))


def _short(scaled: dict[str, Array], tops: list[Places], truth: sp.csr_array) -> tuple[dict[str, Array], Array, Places]:
    """Return scores and hits of the union of short lists; where a user's is shorter, it is filled with −inf."""
    unions = [np.unique(row[row >= 0]) for row in np.hstack(tops)]
    width = max(map(len, unions))
    places = np.stack([np.pad(row, (0, width - len(row)), constant_values=-1) for row in unions])
    rows = np.arange(len(places))[:, None]
    parts = {name: np.where(places >= 0, scores[rows, places], 0) for name, scores in scaled.items()}
    hits = np.where(places >= 0, truth.toarray()[rows, places], 0).astype(np.float32)
    parts["never"] = np.where(places >= 0, np.float32(0), np.float32(-np.inf))
    return parts, hits, np.diff(truth.indptr).astype(np.int32)


def _quality(splits: Sequence[_Split], weights: Mapping[str, float]) -> float:
    found = []
    for split in splits:
        total = split.parts["never"] + sum(
            np.float32(weight) * split.parts[name] for name, weight in weights.items() if weight
        )
        top = np.argpartition(-total, 9, axis=1)[:, :10]
        order = np.argsort(-np.take_along_axis(total, top, axis=1), axis=1, kind="stable")
        hits = np.take_along_axis(split.hits, np.take_along_axis(top, order, axis=1), axis=1)
        discount = 1 / np.log2(np.arange(2, 12))
        found.append(float((hits @ discount / np.cumsum(discount)[np.minimum(split.relevant, 10) - 1]).mean()))
    return float(np.mean(found))
