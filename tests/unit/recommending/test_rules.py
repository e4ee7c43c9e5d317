"""What a person decides over the model's head."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import PermanentError
from include.recommending.rules import PINNED, Rules, apply_rules

RANKED = [(1, 0.9, "a"), (2, 0.5, "b"), (3, 0.4, "c"), (4, 0.1, "d")]


def ids(found):
    return [item for item, _, _ in found]


def test_without_rules_nothing_changes():
    assert apply_rules(RANKED, Rules()) == RANKED


def test_blocked_items_are_gone_and_pinned_ones_first_in_their_order():
    found = apply_rules(RANKED, Rules(blocked=frozenset({1}), pinned=(4, 9)))
    assert ids(found) == [4, 9, 2, 3]
    assert found[:2] == [(4, 0.1, PINNED), (9, 0.0, PINNED)]


def test_a_block_is_stronger_than_a_pin():
    assert ids(apply_rules(RANKED, Rules(blocked=frozenset({4}), pinned=(4, 4, 3)))) == [3, 1, 2]


def test_a_boost_multiplies_and_says_so():
    found = apply_rules(RANKED, Rules(boosted={3: 2.0, 1: 0.5}))
    assert ids(found) == [3, 2, 1, 4]
    assert found[0] == (3, 0.8, "c; boosted by hand (2)")


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_a_factor_that_is_none_is_refused(factor):
    with pytest.raises(PermanentError, match="boosted items"):
        Rules(boosted={1: factor})


@given(
    scores=st.lists(st.floats(0, 1), min_size=1, max_size=20),
    blocked=st.frozensets(st.integers(0, 25)),
    boosted=st.dictionaries(st.integers(0, 25), st.floats(0.1, 10)),
    pinned=st.lists(st.integers(0, 25), max_size=5),
)
def test_rules_lose_nothing_and_invent_nothing(scores, blocked, boosted, pinned):
    ranked = [(place, score, "") for place, score in enumerate(sorted(scores, reverse=True))]
    found = apply_rules(ranked, Rules(blocked, boosted, tuple(pinned)))
    assert len(set(ids(found))) == len(found)
    assert set(ids(found)) == (set(ids(ranked)) | set(pinned)) - blocked
    rest = [score for item, score, _ in found if item not in pinned]
    assert rest == sorted(rest, reverse=True)
