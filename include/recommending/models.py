"""The families of recommenders: each learns from interactions, and scores every item for every user.

Scores are comparable within a user only. The families that learn how items go together keep that as ``weights``, so
that a basket can be scored too, of a user nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from include.errors import PermanentError
from include.recommending.interactions import Array, Interactions

_SCARCE = 1e-9
Rows = NDArray[np.integer] | slice


class Model(Protocol):
    """What a family's ``fit`` returns."""

    def scores(self, rows: Rows = slice(None)) -> Array:
        """Return scores of shape (rows, items), float32; higher is better."""


@dataclass(frozen=True, eq=False)
class Popularity:
    """How many households bought an item: the same for everybody, and the answer where nothing is known.

    Args:
        households: Logarithm of one plus the count, shape (items,).
        users: How many users there are.
    """

    households: Array
    users: int

    @classmethod
    def fit(cls, x: Interactions, *, days: int | None = None) -> Popularity:
        """Count the households of the last ``days`` days, or of all."""
        counts = (x.bought if days is None else x.since(days)).astype(bool).sum(axis=0)
        return cls(np.log1p(np.asarray(counts, dtype=np.float32)), len(x.users))

    def scores(self, rows: Rows = slice(None)) -> Array:
        """Return scores of shape (rows, items)."""
        return np.tile(self.households, (len(np.arange(self.users)[rows]), 1))


@dataclass(frozen=True, eq=False)
class Frequency:
    """How often a household itself bought an item, each purchase fading by half in ``half_life`` days.

    Equally frequent items are ordered by their popularity.
    """

    counts: sp.csr_array
    popularity: Array

    @classmethod
    def fit(cls, x: Interactions, *, half_life: float | None = None) -> Frequency:
        """Count, with no fading where no half-life is given."""
        households = np.asarray(x.bought.sum(axis=0), dtype=np.float32)
        return cls(x.visits if half_life is None else x.decayed(half_life), households / (1e4 * len(x.users)))

    def scores(self, rows: Rows = slice(None)) -> Array:
        """Return scores of shape (rows, items)."""
        return self.counts[rows].toarray() + self.popularity


@dataclass(frozen=True, eq=False)
class Linear:
    """Items scored by a weighted sum over what a user has: EASE and item-kNN.

    Args:
        inputs: What the users have, shape (users, features); the first features are the items.
        weights: Shape (features, items); an item never speaks for itself.
    """

    inputs: sp.csr_array
    weights: Array

    def scores(self, rows: Rows = slice(None)) -> Array:
        """Return scores of shape (rows, items)."""
        return np.asarray(self.inputs[rows] @ self.weights, dtype=np.float32)


def item_knn(x: Interactions, *, neighbours: int = 400) -> Linear:
    """Fit item-kNN: the cosine of two items' households, for each item's nearest neighbours (Sarwar et al. 2001)."""
    together = np.asarray((x.bought.T @ x.bought).toarray(), dtype=np.float32)
    norm = np.sqrt(np.maximum(together.diagonal(), _SCARCE))
    np.fill_diagonal(together, 0)
    together /= norm[:, None]
    together /= norm[None, :]
    if neighbours < len(together) - 1:
        least = np.partition(together, len(together) - neighbours, axis=0)[len(together) - neighbours]
        together[together < least] = 0
    return Linear(x.bought, together)


@dataclass(frozen=True, eq=False)
class Als:
    """Implicit matrix factorisation by alternating least squares (Hu, Koren & Volinsky 2008)."""

    user_factors: Array
    item_factors: Array

    @classmethod
    def fit(
        cls, x: Interactions, *, factors: int = 16, alpha: float = 1.0, regularization: float = 10.0,
        iterations: int = 15, seed: int = 0,
    ) -> Als:  # fmt: skip
        """Factorise what was ever bought, one thread, the same digits again for the same seed."""
        with threadpool_limits(1):
            model = _implicit().AlternatingLeastSquares(
                factors=factors, alpha=alpha, regularization=regularization, iterations=iterations,
                random_state=seed, num_threads=1,
            )  # fmt: skip
            model.fit(sp.csr_matrix(x.bought), show_progress=False)
        return cls(np.asarray(model.user_factors), np.asarray(model.item_factors))

    def scores(self, rows: Rows = slice(None)) -> Array:
        """Return scores of shape (rows, items)."""
        return self.user_factors[rows] @ self.item_factors.T


def _implicit() -> Any:
    """Return the module of ``implicit``, which needs a system library that wheels cannot bring."""
    try:
        from implicit.cpu import als  # type: ignore[import-untyped]
    except ImportError as problem:
        raise PermanentError(
            expected="the package implicit and the system library libgomp.so.1",
            seen=str(problem),
            where="alternating least squares",
            next_step="apt install libgomp1, or leave the family als out of the spec",
        ) from problem
    return als
