"""Made purchases: as many as asked for, of other households, and of the same kinds of products."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.recommender_data import multiplied
from tests.unit.recommending import made


@pytest.fixture(scope="module")
def three():
    return multiplied(made.lines(), made.products(), 3)


def test_once_is_what_was_recorded():
    pd.testing.assert_frame_equal(multiplied(made.lines(), made.products(), 1), made.lines())


def test_households_and_baskets_are_three_times_as_many_and_no_line_is_there_twice(three):
    lines = made.lines()
    for column in ("household", "basket"):
        assert three[column].nunique() == 3 * lines[column].nunique()
    assert 2.5 * len(lines) < len(three) <= 3 * len(lines)
    assert not three.duplicated(["basket", "product"]).any()
    assert (three.groupby("basket")["time"].nunique() == 1).all()


def test_a_made_line_has_a_product_of_the_same_type_and_not_always_the_same(three):
    lines, kinds = made.lines(), made.products().set_index("product")["type"]
    copy = three.iloc[len(lines) :]
    copy = copy[copy["household"] <= 2 * lines["household"].max() + 1]
    own, model = (each["product"].map(kinds).value_counts(normalize=True).sort_index() for each in (copy, lines))
    pd.testing.assert_series_equal(own, model, atol=0.02)
    bought = set(zip(lines["household"], lines["product"], strict=True))
    shift = lines["household"].max() + 1
    pairs = set(zip(copy["household"] - shift, copy["product"], strict=True))
    assert 0.4 < len(pairs & bought) / len(pairs) < 1
