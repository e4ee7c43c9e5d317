"""Interactions against plain pandas, and that they never know what comes later."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.errors import SourceError
from include.recommending.interactions import interactions
from include.recommending.preparation import Warm
from tests.unit.recommending import made


def past(lines, day):
    return lines[lines["time"] < pd.Timestamp(day, tz="UTC")]


def same(one, other):
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("users", "items", "row", "column", "age", "seen_row", "seen_taste", "seen_age")
    )


def test_visits_first_and_last_are_those_of_pandas(lines, x):
    before = past(lines, made.DAY)
    before = before.assign(age=(pd.Timestamp(made.DAY, tz="UTC") - before["time"]) / pd.Timedelta(days=1))
    pairs = before.groupby(["household", "product"])["age"].agg(["size", "min", "max"])
    pairs = pairs[pairs.index.get_level_values(1).isin(x.items)]
    rows = np.searchsorted(x.users, pairs.index.get_level_values(0))
    columns = np.searchsorted(x.items, pairs.index.get_level_values(1))
    for matrix, name in ((x.visits, "size"), (x.last, "min"), (x.first, "max")):
        assert matrix.nnz == len(pairs)
        np.testing.assert_allclose(matrix.toarray()[rows, columns], pairs[name], rtol=1e-5)


def test_half_as_much_for_every_half_life(lines, x):
    before = past(lines, made.DAY)
    age = (pd.Timestamp(made.DAY, tz="UTC") - before["time"]) / pd.Timedelta(days=1)
    assert x.decayed(30).sum() == pytest.approx((0.5 ** (age / 30)).sum(), rel=1e-4)
    assert x.decayed(30).indices.tolist() == x.visits.indices.tolist()


def test_what_comes_later_changes_nothing(lines, products, known, x):
    assert same(x, interactions(past(lines, made.DAY), products, made.DAY, known))


def test_turned_back_it_is_what_was_known_then(lines, products, known, x):
    then = interactions(lines, products, made.DAY - dt.timedelta(days=40), known)
    back = x.back(40)
    assert back.day == then.day
    np.testing.assert_array_equal(back.visits.toarray(), then.visits.toarray())
    np.testing.assert_allclose(back.last.toarray(), then.last.toarray(), atol=1e-3)
    np.testing.assert_allclose(back.decayed(20).toarray(), then.decayed(20).toarray(), atol=1e-4)


def test_history_and_window_together_are_all(x):
    np.testing.assert_array_equal((x.back(40).visits + x.since(40)).toarray(), x.visits.toarray())
    np.testing.assert_array_equal((x.since(20) + x.since(40, 20)).toarray(), x.since(40).toarray())


def test_tastes_count_different_products_candidates_or_not(lines, products, known):
    few = Warm(known.users, known.items[:5])
    x = interactions(lines, products, made.DAY, few)
    before = past(lines, made.DAY).merge(products, on="product")
    kinds, areas = x.tastes()
    expected = before.groupby(["household", "type"])["product"].nunique().unstack(fill_value=0)
    np.testing.assert_array_equal(kinds.toarray(), expected.loc[known.users].to_numpy())
    expected = before.groupby(["household", "department"])["product"].nunique().unstack(fill_value=0)
    np.testing.assert_array_equal(areas.toarray(), expected.loc[known.users].to_numpy())


def test_baskets_are_counted_by_moment(lines, x):
    expected = past(lines, made.DAY).groupby("household")["basket"].nunique()
    np.testing.assert_array_equal(x.baskets, expected.loc[x.users])


def test_some_users_keep_their_rows_of_everything(x):
    rows = np.arange(0, len(x.users), 3)
    few = x.only(rows)
    assert few.users.tolist() == x.users[rows].tolist()
    np.testing.assert_array_equal(few.visits.toarray(), x.visits.toarray()[rows])
    for one, other in zip(few.tastes(), x.tastes(), strict=True):
        np.testing.assert_array_equal(one.toarray(), other.toarray()[rows])


def test_a_day_before_everything_is_refused(lines, products, known, x):
    with pytest.raises(SourceError, match="before 2019-12-31"):
        interactions(lines, products, dt.date(2019, 12, 31), known)
    with pytest.raises(SourceError, match="inner split"):
        x.back(400)
