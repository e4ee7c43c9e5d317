"""Rules for events: what each drops, in which order, and that nothing else goes."""

from __future__ import annotations

import pandas as pd
import pytest

from include.errors import SourceError
from include.recommending.events import Limits, clean, sessions

LIMITS = Limits(
    not_goods=frozenset({"FUEL"}), units_a_line=10, lines_a_basket=8, units_a_basket=30, baskets_a_day=3,
    baskets_a_week=5,
)  # fmt: skip
PRODUCTS = pd.DataFrame({"product": range(1, 21), "department": ["FUEL", *["GROCERY"] * 19]})


def basket(number, *, household=1, day="2020-01-06", products=(2,), quantity=1):
    return pd.DataFrame(
        {
            "household": household, "basket": number, "store": 1, "product": list(products),
            "time": pd.Timestamp(day, tz="UTC"), "quantity": quantity, "sales": 1.0,
        }
    )  # fmt: skip


def cleaned(*baskets):
    return clean(pd.concat(baskets, ignore_index=True), PRODUCTS, LIMITS)


@pytest.mark.parametrize("quantity", [0, -1])
def test_a_line_without_a_quantity_is_no_purchase(quantity):
    found = cleaned(basket(1), basket(2, quantity=quantity))
    assert found.events["basket"].tolist() == [1]
    assert found.dropped["no quantity"] == 1


def test_departments_that_are_no_goods_go_and_unlisted_products_stay():
    found = cleaned(basket(1, products=(1, 2)), basket(2, products=(99,)))
    assert found.events["product"].tolist() == [2, 99]
    assert found.dropped["not goods"] == 1


@pytest.mark.parametrize(("quantity", "left"), [(10, 1), (11, 0)])
def test_a_line_in_bulk_goes_at_the_limit_s_other_side(quantity, left):
    assert len(cleaned(basket(1, quantity=quantity)).events) == left


@pytest.mark.parametrize(("products", "quantity", "left"), [(8, 1, 8), (9, 1, 0), (6, 5, 6), (4, 8, 0)])
def test_a_basket_in_bulk_goes_whole_by_lines_or_units(products, quantity, left):
    found = cleaned(basket(1, products=range(2, 2 + products), quantity=quantity))
    assert len(found.events) == left
    assert found.dropped["bulk basket"] == products - left


def test_a_household_with_too_many_baskets_on_a_day_goes_whole():
    busy = [basket(number, household=7, day="2020-01-06") for number in range(4)]
    found = cleaned(*busy, basket(10, household=7, day="2020-02-01"), basket(11))
    assert found.events["household"].unique().tolist() == [1]
    assert found.households["bot: day"] == (7,)
    assert found.dropped["bot: day"] == 5


def test_a_household_with_too_many_baskets_in_a_week_goes_whole_and_a_week_starts_on_monday():
    days = ["2020-01-06", "2020-01-07", "2020-01-08"]  # Monday, Tuesday, Wednesday
    busy = [basket(number, household=7, day=days[number % 3]) for number in range(6)]
    over_sunday = [
        basket(20 + number, household=8, day=["2020-01-11", "2020-01-12", "2020-01-13"][number % 3])
        for number in range(6)
    ]
    found = cleaned(*busy, *over_sunday)
    assert found.households["bot: week"] == (7,)
    assert found.events["household"].unique().tolist() == [8]


def test_baskets_of_fuel_do_not_make_a_bot():
    fuel = [basket(number, products=(1,)) for number in range(9)]
    assert cleaned(*fuel, basket(20)).events["basket"].tolist() == [20]


def test_what_is_dropped_and_what_is_left_is_everything(lines, products):
    found = clean(lines.assign(quantity=lines["quantity"] * (lines.index % 10 != 0)), products)
    assert sum(found.dropped.values()) + len(found.events) == len(lines)
    assert found.dropped["no quantity"] == -(-len(lines) // 10)


def test_a_line_that_is_there_twice_is_refused():
    with pytest.raises(SourceError, match="1 lines that are there twice"):
        cleaned(basket(1), basket(1))


def test_an_absent_column_is_named():
    with pytest.raises(SourceError, match="no quantity"):
        clean(basket(1).drop(columns="quantity"), PRODUCTS)


def test_sessions_are_baskets_with_their_sums():
    found = sessions(pd.concat([basket(1, products=(2, 3), quantity=2), basket(2, household=5)]))
    assert found[["basket", "household", "lines", "units", "sales"]].values.tolist() == [[1, 1, 2, 4, 2.0],
                                                                                        [2, 5, 1, 1, 1.0]]  # fmt: skip
