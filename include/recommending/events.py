"""What counts as an event: lines of baskets that somebody bought for a household, and nothing else.

Rules are data, and what each drops is counted. They go from the line to the basket to the household, each over what
the ones before it left: a till that prints a thousand baskets a day is found among goods, not among fuel.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from include.errors import SourceError

HOUSEHOLD, BASKET, STORE, PRODUCT = "household", "basket", "store", "product"
TIME, QUANTITY, SALES, DEPARTMENT = "time", "quantity", "sales", "department"
COLUMNS = (HOUSEHOLD, BASKET, STORE, PRODUCT, TIME, QUANTITY, SALES)


@dataclass(frozen=True)
class Limits:
    """Beyond which a line, a basket or a household is no evidence of a taste.

    The defaults lie at the far end of the recorded panel: of its baskets one in 10,000 has more than 125 lines, one
    line of goods has more than 100 units, and four of 2,469 households had nine baskets on one day, which is the most.

    Args:
        not_goods: Departments that are no merchandise, or none that a shop would recommend.
        units_a_line: A line of more is bought in bulk, e.g. for resale.
        lines_a_basket: A basket of more is a bulk buyer's or a till's own.
        units_a_basket: The same by units.
        baskets_a_day: A household with more on one day is a shared card or a program, and is dropped whole.
        baskets_a_week: The same over a calendar week that starts on Monday.
    """

    not_goods: frozenset[str] = field(
        default=frozenset({"MISCELLANEOUS", "FUEL", "COUPON", "POSTAL CENTER", "CNTRL/STORE SUP"})
    )
    units_a_line: int = 100
    lines_a_basket: int = 150
    units_a_basket: int = 400
    baskets_a_day: int = 8
    baskets_a_week: int = 40


@dataclass(frozen=True)
class Cleaned:
    """Events, and how many lines each rule dropped.

    Args:
        events: What is left, in the order it came.
        dropped: Lines by rule, in the order of the rules; zeros too.
        households: Who was dropped whole, by rule.
    """

    events: pd.DataFrame
    dropped: dict[str, int]
    households: dict[str, tuple[int, ...]]


def clean(lines: pd.DataFrame, products: pd.DataFrame, limits: Limits | None = None) -> Cleaned:
    """Return the events among the lines of baskets.

    Args:
        lines: ``household``, ``basket``, ``store``, ``product``, ``time``, ``quantity``, ``sales``; one row a line.
        products: ``product`` and ``department``; a product that is not listed has none, and is kept.
        limits: The rules' limits.

    Raises:
        SourceError: a column is absent, or a line is there twice.
    """
    _whole(lines)
    limits = limits or Limits()
    dropped: dict[str, int] = {}
    households: dict[str, tuple[int, ...]] = {}
    left = lines
    for rule, bad in _lines(lines, products, limits):
        bad = bad.reindex(left.index)
        dropped[rule] = int(bad.sum())
        left = left[~bad]
    for rule, bad in _baskets(left, limits):
        bad = left[BASKET].isin(bad)
        dropped[rule] = int(bad.sum())
        left = left[~bad]
    for rule, length, most in (("bot: day", "D", limits.baskets_a_day), ("bot: week", "W-SUN", limits.baskets_a_week)):
        households[rule] = _busy(left, length, most)
        bad = left[HOUSEHOLD].isin(households[rule])
        dropped[rule] = int(bad.sum())
        left = left[~bad]
    return Cleaned(left.reset_index(drop=True), dropped, households)


def sessions(events: pd.DataFrame) -> pd.DataFrame:
    """Return one row a basket: ``basket``, ``household``, ``store``, ``time``, ``lines``, ``units`` and ``sales``."""
    grouped = events.groupby(BASKET, sort=True)
    made = grouped.agg(
        household=(HOUSEHOLD, "first"), store=(STORE, "first"), time=(TIME, "min"),
        lines=(PRODUCT, "size"), units=(QUANTITY, "sum"), sales=(SALES, "sum"),
    )  # fmt: skip
    return made.reset_index()


def _whole(lines: pd.DataFrame) -> None:
    absent = [name for name in COLUMNS if name not in lines]
    again = 0 if absent else int(lines.duplicated([BASKET, PRODUCT]).sum())
    if absent or again:
        raise SourceError(
            expected=f"columns {', '.join(COLUMNS)}, each product once in a basket",
            seen=f"no {', '.join(absent)}" if absent else f"{again} lines that are there twice",
            where="events of the recommender",
            next_step="compare the source with its contract",
        )


def _lines(lines: pd.DataFrame, products: pd.DataFrame, limits: Limits) -> Iterator[tuple[str, pd.Series]]:
    none = products.loc[products[DEPARTMENT].isin(limits.not_goods), PRODUCT]
    yield "no quantity", lines[QUANTITY] <= 0
    yield "not goods", lines[PRODUCT].isin(none)
    yield "bulk line", lines[QUANTITY] > limits.units_a_line


def _baskets(lines: pd.DataFrame, limits: Limits) -> Iterator[tuple[str, pd.Index]]:
    size = lines.groupby(BASKET)[QUANTITY].agg(["size", "sum"])
    bulk = (size["size"] > limits.lines_a_basket) | (size["sum"] > limits.units_a_basket)
    yield "bulk basket", size.index[bulk]


def _busy(lines: pd.DataFrame, length: str, most: int) -> tuple[int, ...]:
    """Return the households that had more than ``most`` baskets in one period."""
    baskets = lines.drop_duplicates(BASKET)
    period = baskets[TIME].dt.tz_localize(None).dt.to_period(length)
    count = baskets.groupby([baskets[HOUSEHOLD], period]).size()
    return tuple(int(each) for each in sorted(set(count.index.get_level_values(0)[count > most])))
