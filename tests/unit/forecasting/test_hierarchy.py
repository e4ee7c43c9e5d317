"""What adds up to what, over space and over time."""

from __future__ import annotations

import numpy as np
import pytest

from include.errors import ForecastError
from include.forecasting.hierarchy import over_days, over_time, tree

TREE = {"total": ["north", "south"], "north": ["z1", "z2"], "south": ["z3"]}


def test_a_tree_sums_its_leaves_at_each_level():
    hierarchy = tree(TREE)
    assert set(hierarchy.names[:3]) == {"z1", "z2", "z3"}
    values = dict(zip(hierarchy.names, hierarchy.complete(np.array([[1.0], [2.0], [4.0]])).ravel(), strict=True))
    leaves = {name: values[name] for name in ("z1", "z2", "z3")}
    assert sorted(leaves.values()) == [1, 2, 4]
    assert values["north"] == leaves["z1"] + leaves["z2"]
    assert values["south"] == leaves["z3"]
    assert values["total"] == 7


@pytest.mark.parametrize("children", [{"a": ["b"], "b": ["a"]}, {"a": ["a", "z"]}, {"a": ["b"], "b": []}])
def test_what_is_no_tree_is_refused(children):
    with pytest.raises(ForecastError, match="a tree"):
        tree(children)


def test_the_gap_sees_one_sum_that_is_off_in_one_hour():
    hierarchy = tree(TREE)
    values = hierarchy.complete(np.full((3, 24), 100.0))
    assert hierarchy.gap(values) < 1e-15
    values[-1, 7] *= 1 + 1e-6
    assert hierarchy.gap(values) == pytest.approx(1e-6, rel=1e-3)


def test_days_of_23_and_25_hours_get_the_hours_they_have():
    path = np.arange(72.0)[None, :]
    assert over_days(path, [23, 24, 25]).tolist() == [[sum(range(23)), sum(range(23, 47)), sum(range(47, 72)), 71 * 36]]
    assert over_time([23, 25]).names[-3:] == ("day 1", "day 2", "period")
    with pytest.raises(ForecastError, match="72 hours"):
        over_days(path, [24, 24, 23])


def test_sums_over_space_and_over_time_agree_in_either_order():
    hierarchy = tree(TREE)
    zones = np.random.default_rng(1).lognormal(3, 1, size=(50, 3, 168))
    first_space = over_days(hierarchy.complete(zones), [24] * 7)
    first_time = hierarchy.complete(over_days(zones, [24] * 7))
    np.testing.assert_allclose(first_space, first_time, rtol=1e-13)
    assert hierarchy.gap(first_space) < 1e-13
    np.testing.assert_allclose(first_space[..., :-1].sum(axis=-1), first_space[..., -1], rtol=1e-13)
