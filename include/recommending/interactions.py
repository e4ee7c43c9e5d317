"""Who bought what and how long ago, as of a day: all that a model may learn from.

A purchase is a basket that holds the item; how many units it held says more about the pack than about the taste. Ages
are kept, so the same data can be turned back to an earlier day: what followed is then the truth of an inner split.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from include.errors import SourceError
from include.recommending.events import HOUSEHOLD, PRODUCT, TIME
from include.recommending.preparation import Ids, Warm, tastes

Array = NDArray[np.float32]
Places = NDArray[np.int32]
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True, eq=False)
class Interactions:
    """Purchases of items by users before a day.

    Args:
        day: First day that is not known.
        users: Household ids, ascending.
        items: Product ids, ascending.
        row: Place of the user of each purchase; purchases are sorted by row, then by column.
        column: Place of the item of each purchase.
        age: Days from the purchase to the start of ``day``, above 0.
        seen_row: Place of the user of each different product that was ever bought, candidate item or not.
        seen_taste: Columns of its type and department, shape (n, 2).
        seen_age: Days since it was first bought.
        taste_counts: How many types and departments there are.
    """

    day: dt.date
    users: Ids
    items: Ids
    row: Places
    column: Places
    age: Array
    seen_row: Places
    seen_taste: Places
    seen_age: Array
    taste_counts: tuple[int, int]

    @property
    def shape(self) -> tuple[int, int]:
        """Return the numbers of users and items."""
        return len(self.users), len(self.items)

    @cached_property
    def visits(self) -> sp.csr_array:
        """Return how many baskets of a user held an item; float32, sorted."""
        return self._summed(np.ones(len(self.row), dtype=np.float32))

    @cached_property
    def bought(self) -> sp.csr_array:
        """Return ones where a user ever bought an item."""
        visits = self.visits
        return sp.csr_array((np.ones_like(visits.data), visits.indices, visits.indptr), shape=self.shape)

    @cached_property
    def last(self) -> sp.csr_array:
        """Return the days since a user last bought an item; same places as ``visits``."""
        return self._extreme(np.minimum)

    @cached_property
    def first(self) -> sp.csr_array:
        """Return the days since a user first bought an item; same places as ``visits``."""
        return self._extreme(np.maximum)

    @cached_property
    def baskets(self) -> Array:
        """Return how many different moments each user bought at, shape (users,)."""
        moments = np.unique(np.column_stack([self.row.astype(np.float64), self.age.astype(np.float64)]), axis=0)
        return np.bincount(moments[:, 0].astype(int), minlength=len(self.users)).astype(np.float32)

    def decayed(self, half_life: float) -> sp.csr_array:
        """Return visits of which each counts half as much for every ``half_life`` days; same places as ``visits``."""
        return self._summed(np.exp2(-self.age / np.float32(half_life)))

    def tastes(self) -> tuple[sp.csr_array, sp.csr_array]:
        """Return how many different products of each type, and of each department, a user ever bought."""
        kinds, parts = self.taste_counts
        ones = np.ones(len(self.seen_row), dtype=np.float32)
        both = sp.csr_array(
            (np.tile(ones, 2), (np.tile(self.seen_row, 2), self.seen_taste.T.ravel())),
            shape=(len(self.users), kinds + parts),
        )
        return both[:, :kinds], both[:, kinds:]

    def back(self, days: int) -> Self:
        """Return what was known ``days`` earlier, with the same users and items.

        Raises:
            SourceError: nothing was known then.
        """
        kept, seen = self.age > days, self.seen_age > days
        if not kept.any():
            raise SourceError(
                expected=f"purchases before {self.day - dt.timedelta(days=days)}",
                seen="none",
                where="inner split of the recommender's history",
                next_step="train on a longer history, or with a shorter inner window",
            )
        return type(self)(
            self.day - dt.timedelta(days=days), self.users, self.items,
            self.row[kept], self.column[kept], self.age[kept] - np.float32(days),
            self.seen_row[seen], self.seen_taste[seen], self.seen_age[seen] - np.float32(days), self.taste_counts,
        )  # fmt: skip

    def only(self, rows: NDArray[np.integer]) -> Self:
        """Return the interactions of some users, in the order of their ids, with the same items.

        Args:
            rows: Places of the users, ascending.
        """
        place = np.full(len(self.users), -1, dtype=np.int32)
        place[rows] = np.arange(len(rows), dtype=np.int32)
        kept, seen = place[self.row] >= 0, place[self.seen_row] >= 0
        return type(self)(
            self.day, self.users[rows], self.items,
            place[self.row[kept]], self.column[kept], self.age[kept],
            place[self.seen_row[seen]], self.seen_taste[seen], self.seen_age[seen], self.taste_counts,
        )  # fmt: skip

    def since(self, days: int, until: int = 0) -> sp.csr_array:
        """Return visits of the last ``days`` days, without the last ``until``: truth for ``back(days)``."""
        kept = (self.age <= days) & (self.age > until)
        return _counts(self.row[kept], self.column[kept], np.ones(int(kept.sum()), dtype=np.float32), self.shape)

    def _summed(self, weights: Array) -> sp.csr_array:
        return _counts(self.row, self.column, weights, self.shape)

    def _extreme(self, of: np.ufunc) -> sp.csr_array:
        visits = self.visits
        starts = np.flatnonzero(np.diff(self.row, prepend=-1) | np.diff(self.column, prepend=-1))
        return sp.csr_array((of.reduceat(self.age, starts), visits.indices, visits.indptr), shape=self.shape)


def interactions(events: pd.DataFrame, products: pd.DataFrame, day: dt.date, known: Warm) -> Interactions:
    """Return what was bought before a day.

    Args:
        events: Clean events; those on and after ``day`` are not looked at.
        products: Facts of products: ``product``, ``type``, ``department``.
        day: First day that is not known, in the clock of the events' times (UTC).
        known: Users and items.

    Raises:
        SourceError: no user bought an item before that day.
    """
    start = pd.Timestamp(day, tz="UTC")
    past = events[(events[TIME] < start) & events[HOUSEHOLD].isin(known.users)]
    age = ((start - past[TIME]) / _DAY).to_numpy(dtype=np.float32)
    age = np.maximum(age, np.float32(1e-3))
    row = np.searchsorted(known.users, past[HOUSEHOLD].to_numpy()).astype(np.int32)
    product = past[PRODUCT].to_numpy()
    place = np.searchsorted(known.items, product).clip(max=max(len(known.items) - 1, 0)).astype(np.int32)
    item = known.items[place] == product if len(known.items) else np.zeros(len(product), dtype=bool)
    if not item.any():
        raise SourceError(
            expected=f"purchases of {len(known.items)} items by {len(known.users)} households before {day}",
            seen="none",
            where="events of the recommender",
            next_step="train on a later day, or look at the rules for cold households and items",
        )
    order = np.lexsort((-age[item], place[item], row[item]))
    different = pd.DataFrame({"row": row, "product": product, "age": age})
    different = different.groupby(["row", "product"], sort=True)["age"].max().reset_index()
    codes, names = pd.factorize(different["product"], sort=True)
    columns, *counts = tastes(products, names.to_numpy(dtype=np.int64))
    return Interactions(
        day, known.users, known.items, row[item][order], place[item][order], age[item][order],
        different["row"].to_numpy(dtype=np.int32), columns[codes], different["age"].to_numpy(dtype=np.float32),
        (counts[0], counts[1]),
    )  # fmt: skip


def _counts(row: Places, column: Places, weights: Array, shape: tuple[int, int]) -> sp.csr_array:
    made = sp.coo_array((weights, (row, column)), shape=shape).tocsr()
    made.sum_duplicates()
    return made
