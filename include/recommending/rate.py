"""How likely a household buys an item again: its own rate, drawn towards what households like it go on buying.

A logistic regression over the pairs of household and item that were ever bought. It learns from the newest window of
the history: what was known before it, and what was bought in it. Nothing later than the interactions' day is needed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.recommending.ease import ease_counts
from include.recommending.interactions import Array, Interactions, Places
from include.recommending.models import Rows

Wide = NDArray[np.float64]
WINDOW = 61
_HALF_LIVES = (15.0, 40.0, 150.0)
_RIDGE = 1.0
_NEVER = -20.0  # logit of what was never bought; the order among it is that of EASE
NAMES = (
    *(f"log visits, half-life {days:g}" for days in _HALF_LIVES), "log visits", "root visits, half-life 150",
    *(f"log of own rate and EASE, half-life {days:g}" for days in (40.0, 150.0)), "log of own rate and EASE", "EASE",
    "repeated by others", "log households", "log days since", "overdue", "log baskets",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Rate:
    """Probabilities of buying again within the window.

    Args:
        logits: Shape (users, items); what was never bought lies far below everything else.
        coefficients: Of the standardised features, in the order of ``NAMES``.
        intercept: Logit of a pair with average features.
    """

    logits: Array
    coefficients: tuple[float, ...]
    intercept: float

    @classmethod
    def fit(cls, x: Interactions, *, window: int = WINDOW) -> Rate:
        """Learn on the last ``window`` days from what was known before them, and score as of the interactions' day."""
        before = x.back(window)
        pairs, _ = _features(before)
        again = x.since(window).toarray()[_pairs(before)] > 0
        mean, spread = pairs.mean(axis=0), pairs.std(axis=0) + 1e-9
        # Households without a basket in the window tell when they left, not what they would have bought.
        stayed = np.isin(_pairs(before)[0], np.unique(x.since(window).nonzero()[0]))
        weights = logistic((pairs[stayed] - mean) / spread, again[stayed])
        now, like = _features(x)
        top = np.abs(like).max() + 1e-9
        logits = np.float32(_NEVER) + like / np.float32(top)
        logits[_pairs(x)] = ((now - mean) / spread) @ weights[1:] + weights[0]
        return cls(logits, tuple(float(each) for each in weights[1:]), float(weights[0]))

    def scores(self, rows: Rows = slice(None)) -> Array:
        """Return logits of shape (rows, items)."""
        return self.logits[rows]


def logistic(features: Wide, outcome: NDArray[np.bool_], *, ridge: float = _RIDGE, rounds: int = 25) -> Wide:
    """Return intercept and coefficients of a logistic regression, by Newton's method with a small ridge."""
    wide = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(wide.shape[1])
    penalty = np.full(len(weights), ridge)
    penalty[0] = 0
    for _ in range(rounds):
        chance = 1 / (1 + np.exp(-wide @ weights))
        gradient = wide.T @ (outcome - chance) - penalty * weights
        curvature = (wide * (chance * (1 - chance))[:, None]).T @ wide + np.diag(penalty + 1e-9)
        step = np.linalg.solve(curvature, gradient)
        weights += step
        if np.abs(step).max() < 1e-6:
            break
    return weights


def _pairs(x: Interactions) -> tuple[Places, Places]:
    visits = x.visits
    return np.repeat(np.arange(len(x.users), dtype=np.int32), np.diff(visits.indptr)), visits.indices


def _features(x: Interactions) -> tuple[Wide, Array]:
    """Return the features of the bought pairs, shape (pairs, len(NAMES)), and EASE's scores of all."""
    rows, columns = _pairs(x)
    like = ease_counts(x).scores()
    close = np.maximum(like[rows, columns], 0)
    visits, last = x.visits.data, x.last.data
    faded = {days: x.decayed(days).data for days in _HALF_LIVES}
    gap = (x.first.data - last) / np.maximum(visits - 1, 1)
    overdue = np.where(visits > 1, np.clip(last / np.maximum(gap, 1), 0, 5), 0)
    households = np.bincount(columns, minlength=len(x.items))
    repeated = np.bincount(columns, weights=visits > 1, minlength=len(x.items))
    recent = np.bincount(x.row, weights=np.exp2(-x.age / 60), minlength=len(x.users))
    made = [
        *(np.log(faded[days] + 0.5) for days in _HALF_LIVES),
        np.log(visits + 0.5),
        np.sqrt(faded[150.0]),
        np.log(faded[40.0] + close + 0.02),
        np.log(faded[150.0] + close + 0.02),
        np.log(visits + close + 0.02),
        like[rows, columns],
        np.log((repeated + 2) / (households + 4))[columns],
        np.log1p(households)[columns],
        np.log1p(last),
        overdue,
        np.log(recent + 0.1)[rows],
    ]
    return np.column_stack(made).astype(np.float64), like
