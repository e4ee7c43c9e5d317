"""Who and what can be learned from, in which market, and what an item is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from include.errors import SourceError
from include.recommending.events import BASKET, DEPARTMENT, HOUSEHOLD, PRODUCT, STORE

Ids = NDArray[np.int64]
TYPE = "type"


@dataclass(frozen=True)
class ColdStart:
    """Below which a household or an item is cold: it is answered with what is popular, and never recommended.

    Args:
        fewest_items: Different candidate items that a household must have bought.
        fewest_households: Households that must have bought an item.
    """

    fewest_items: int = 10
    fewest_households: int = 25


@dataclass(frozen=True)
class Warm:
    """Households and items that can be learned from, ids ascending."""

    users: Ids
    items: Ids


def warm(events: pd.DataFrame, rules: ColdStart) -> Warm:
    """Return the households and items that are not cold.

    Items are judged over all households, then households over those items, then items over those households. One such
    round is enough in practice: a second one changes next to nothing.
    """
    pairs = events[[HOUSEHOLD, PRODUCT]].drop_duplicates()
    pairs = pairs[_often(pairs[PRODUCT], rules.fewest_households)]
    pairs = pairs[_often(pairs[HOUSEHOLD], rules.fewest_items)]
    pairs = pairs[_often(pairs[PRODUCT], rules.fewest_households)]
    return Warm(np.unique(pairs[HOUSEHOLD].to_numpy()), np.unique(pairs[PRODUCT].to_numpy()))


def markets(events: pd.DataFrame, bounds: Sequence[int], names: Sequence[str]) -> pd.Series:
    """Return the market of each household: that of the store where it had most baskets, by the store's number.

    Where a panel names no regions, its stores are put into groups: a store's group is the place of its number between
    the bounds, so it never changes, and a new store has one at once. Between equally visited stores the smaller number
    wins. A household moves when its habits do.

    Args:
        events: ``household``, ``store`` and ``basket``.
        bounds: Ascending; a store with number ``bounds[i]`` is the last one of group ``i``.
        names: One more than bounds.

    Raises:
        SourceError: bounds and names do not fit.
    """
    if len(names) != len(bounds) + 1 or list(bounds) != sorted(set(bounds)):
        raise SourceError(
            expected="ascending bounds of store numbers, and one name more",
            seen=f"bounds {list(bounds)}, names {list(names)}",
            where="markets",
            next_step="name each group once",
        )
    visits = events.groupby([HOUSEHOLD, STORE])[BASKET].nunique().rename("baskets").reset_index()
    visits = visits.sort_values([HOUSEHOLD, "baskets", STORE], ascending=[True, False, True])
    main = visits.drop_duplicates(HOUSEHOLD).set_index(HOUSEHOLD)[STORE]
    group = np.asarray(names)[np.searchsorted(np.asarray(bounds), main.to_numpy(), side="left")]
    return pd.Series(group, index=main.index, name="market")


def catalogue(products: pd.DataFrame, items: Ids) -> pd.DataFrame:
    """Return the facts of the items in their order, empty texts where nothing is known."""
    facts = products.drop_duplicates(PRODUCT).set_index(PRODUCT).reindex(items)
    texts = [name for name in facts if not pd.api.types.is_numeric_dtype(facts[name])]
    return facts.assign(**{name: facts[name].fillna("").astype("str") for name in texts}).reset_index(names=PRODUCT)


def tastes(products: pd.DataFrame, bought: Ids) -> tuple[NDArray[np.int32], int, int]:
    """Return columns for the type and the department of each product, and how many there are of both.

    Returns:
        Shape (products, 2): the type's column, then the department's, which starts behind the types; and the counts.
        A product that is not listed, or without a fact, shares the column of the empty text.
    """
    facts = products.drop_duplicates(PRODUCT).set_index(PRODUCT)[[TYPE, DEPARTMENT]].reindex(bought).fillna("")
    kinds, types = pd.factorize(facts[TYPE], sort=True)
    parts, departments = pd.factorize(facts[DEPARTMENT], sort=True)
    columns = np.column_stack([kinds, parts + len(types)]).astype(np.int32)
    return columns, len(types), len(departments)


def _often(values: pd.Series, fewest: int) -> pd.Series:
    return values.map(values.value_counts()) >= fewest
