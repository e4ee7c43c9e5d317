"""What answers: one market's scores, histories and item weights in plain arrays, and nothing that must be asked first.

A known user's scores were computed when the model was trained, so an answer is a look-up, a basket's few rows, and the
choice of the best.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from include.recommending.rules import Item, Rules, apply_rules

if TYPE_CHECKING:  # a scoring service answers without the libraries that these are made with
    from include.recommending.blend import Task
    from include.recommending.interactions import Array
    from include.recommending.preparation import Ids

POPULAR = "popular in this market"
HIDDEN = np.float32(-1)
_TINY = np.float32(1e-6)


@dataclass(frozen=True, eq=False)
class Recommender:
    """Answers for one market.

    Args:
        market: Its name.
        day: First day that the model did not know.
        about: Facts of the training that travel with it, as JSON.
        names: What each item is called in a reason.
        users: Household ids, ascending.
        items: Product ids, ascending.
        rebuy: Probability of buying again, shape (users, items).
        discover: From 0 to 1, the best of a user is 1; −1 where the item was bought before. Shape (users, items).
        spread: What 1 means in the units of ``weights``, by user.
        weights: How a basket's item speaks for others, shape (items, items).
        popularity: Share of the market's households that bought an item.
        starts: Where each user's history begins, shape (users + 1,).
        bought: Places of the items it bought.
        visits: In how many baskets.
        last: Days from the last one to ``day``.
    """

    market: str
    day: dt.date
    about: Mapping[str, Any]
    names: tuple[str, ...]
    users: Ids
    items: Ids
    rebuy: Array
    discover: Array
    spread: Array
    weights: Array
    popularity: Array
    starts: NDArray[np.int64]
    bought: NDArray[np.int32]
    visits: Array
    last: Array

    @cached_property
    def _rows(self) -> dict[int, int]:
        return {int(user): row for row, user in enumerate(self.users)}

    @cached_property
    def _places(self) -> dict[int, int]:
        return {int(item): place for place, item in enumerate(self.items)}

    def knows(self, user: int) -> bool:
        """Return whether a user has scores of its own."""
        return user in self._rows

    def unknown(self, items: Iterable[int]) -> list[int]:
        """Return the items that are not in the catalogue."""
        return [item for item in items if item not in self._places]

    def recommend(
        self, user: int, task: Task, n: int, basket: Collection[int] = (), exclude: Collection[int] = (),
        also: Iterable[int] = (),
    ) -> list[Item]:  # fmt: skip
        """Return the ``n`` best items as (product, score, reason), best first, equal ones by their id.

        An unknown user is answered from the basket, and without one by what is popular. Ids that are not in the
        catalogue are passed over.

        Args:
            user: Household id.
            task: ``rebuy`` or ``discover``.
            n: How many; fewer come where no more are left.
            basket: What lies in the basket; it is not recommended.
            exclude: What else may not be recommended.
            also: Items to add behind the n best, for rules to lift; not those that may not be recommended.
        """
        row = self._rows.get(user)
        inside = sorted({self._places[item] for item in basket if item in self._places})
        values = self._values(row, task, inside)
        values[inside] = HIDDEN
        values[[self._places[item] for item in exclude if item in self._places]] = HIDDEN
        places = _best(values, n)
        chosen = set(places)
        more = sorted({self._places[item] for item in also if item in self._places} - chosen)
        places += sorted((place for place in more if values[place] >= 0), key=lambda place: (-values[place], place))
        reasons = self._reasons(row, task, inside, places)
        return [
            (int(self.items[place]), float(values[place]), reason)
            for place, reason in zip(places, reasons, strict=True)
        ]

    def answer(
        self, user: int, task: Task, n: int, basket: Collection[int] = (), rules: Rules | None = None
    ) -> list[Item]:
        """Return ``recommend`` under rules set by hand."""
        rules = rules or Rules()
        ranked = self.recommend(user, task, n, basket, exclude=rules.blocked, also=rules.named)
        return apply_rules(ranked, rules)[:n]

    def popular(self, n: int, exclude: Collection[int] = ()) -> list[Item]:
        """Return what most households of the market bought: the answer where nothing else is known."""
        return self.recommend(-1, "discover", n, exclude=exclude)

    def _values(self, row: int | None, task: Task, inside: list[int]) -> Array:
        """Return a user's scores, a copy."""
        if row is not None and task == "rebuy":
            return np.array(self.rebuy[row])
        if row is not None:
            values = np.array(self.discover[row])
            if inside:
                values[values >= 0] += (self.weights[inside].sum(axis=0) / self.spread[row])[values >= 0]
                values = np.where(self.discover[row] >= 0, np.maximum(values, 0), HIDDEN)
        elif inside:
            values = self.weights[inside].sum(axis=0) + _TINY * self.popularity
            values = (values - values.min()) / max(float(np.ptp(values)), 1e-9)
        else:
            return np.array(self.popularity)
        most = float(values.max())
        return np.where(values >= 0, values / most, HIDDEN).astype(np.float32) if most > 1 else values

    def _reasons(self, row: int | None, task: Task, inside: list[int], places: list[int]) -> list[str]:
        before = slice(0, 0) if row is None else slice(int(self.starts[row]), int(self.starts[row + 1]))
        history = self.bought[before]
        if row is not None and task == "rebuy":
            known = {int(place): at for at, place in enumerate(history)}
            visits, last = self.visits[before], self.last[before]
            return [
                f"bought {_count(visits[known[place]], 'time')}, last {_count(last[known[place]], 'day')} ago"
                if place in known
                else POPULAR
                for place in places
            ]
        speakers = np.concatenate([np.asarray(inside, dtype=np.int64), history.astype(np.int64)])
        if not len(speakers) or not places:
            return [POPULAR] * len(places)
        said = self.weights[np.ix_(speakers, np.asarray(places))]
        loudest = said.argmax(axis=0)
        return [
            self._goes_with(int(speakers[at]), at < len(inside)) if said[at, column] > 0 else POPULAR
            for column, at in enumerate(loudest)
        ]

    def _goes_with(self, place: int, in_basket: bool) -> str:
        called = f"{self.names[place]} ({self.items[place]})" if self.names[place] else str(self.items[place])
        return f"goes with {called} in the basket" if in_basket else f"goes with {called}"


def _count(number: float, what: str) -> str:
    return f"{number:.0f} {what}{'' if round(number) == 1 else 's'}"


def _best(values: Array, n: int) -> list[int]:
    """Return the places of the n highest values that are not hidden, equal ones by their place."""
    if n <= 0:
        return []
    if n < len(values):
        least = np.partition(values, len(values) - n)[len(values) - n]
        places = np.flatnonzero(values >= max(float(least), 0.0))
    else:
        places = np.flatnonzero(values >= 0)
    order = np.lexsort((places, -values[places]))[:n]
    return [int(place) for place in places[order]]
