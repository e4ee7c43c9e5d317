"""Who is cold, in which market a household is, and what an item is called."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.errors import SourceError
from include.recommending.preparation import ColdStart, catalogue, markets, tastes, warm


def events(*rows):
    return pd.DataFrame(rows, columns=["household", "store", "basket", "product"])


def test_items_of_few_households_and_households_of_few_items_are_cold():
    rows = [(household, 1, household, product) for household in (1, 2, 3) for product in (10, 11)]
    found = warm(events(*rows, (4, 1, 4, 10), (1, 1, 1, 12)), ColdStart(fewest_items=2, fewest_households=3))
    assert (found.users.tolist(), found.items.tolist()) == ([1, 2, 3], [10, 11])


def test_an_item_that_only_cold_households_made_warm_is_cold():
    rows = [(household, 1, household, product) for household in (1, 2) for product in (10, 11, 12)]
    found = warm(events(*rows, (3, 1, 3, 13), (1, 1, 1, 13)), ColdStart(fewest_items=3, fewest_households=2))
    assert found.items.tolist() == [10, 11, 12]


def test_a_household_is_in_the_market_of_its_main_store():
    rows = [(1, 5, 1, 0), (1, 5, 2, 0), (1, 30, 3, 0), (2, 30, 4, 0), (3, 10, 5, 0), (4, 11, 6, 0)]
    found = markets(events(*rows), bounds=(10, 20), names=("low", "middle", "high"))
    assert found.to_dict() == {1: "low", 2: "high", 3: "low", 4: "middle"}


def test_lines_of_one_basket_count_once_and_the_smaller_store_wins_a_tie():
    rows = [(1, 30, 1, product) for product in range(5)] + [(1, 5, 2, 0)]
    assert markets(events(*rows), bounds=(10,), names=("low", "high")).to_dict() == {1: "low"}


@pytest.mark.parametrize(
    ("bounds", "names"), [((10,), ("only",)), ((20, 10), ("a", "b", "c")), ((5, 5), ("a", "b", "c"))]
)
def test_bounds_that_do_not_fit_are_refused(bounds, names):
    with pytest.raises(SourceError, match="ascending bounds"):
        markets(events((1, 1, 1, 1)), bounds, names)


def test_the_catalogue_follows_the_items_and_knows_nothing_of_unlisted_ones(products):
    found = catalogue(products, np.array([1003, 5, 1001]))
    assert found["product"].tolist() == [1003, 5, 1001]
    assert found["type"].tolist() == ["TYPE 3", "", "TYPE 1"]


def test_each_product_has_the_column_of_its_type_and_of_its_department(products):
    columns, types, departments = tastes(products, np.array([1000, 1006, 1003, 77]))
    assert (types, departments) == (3, 3)
    assert columns[0].tolist() == columns[1].tolist()
    assert (columns[:, 0] < types).all()
    assert (columns[:, 1] >= types).all()
    assert columns[3].tolist() == [0, types]
