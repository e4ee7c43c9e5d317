"""Who gets which variant: sticky, even, independent of other salts, and never moved away by a growing weight."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from scipy import stats

from include.deployment.assignment import share_of, variant_of

WHERE = {"use_case": "recommender", "key": "default"}
UNITS = [f"household-{n}" for n in range(20_000)]


def shares(salt, **where):
    return np.array([share_of(unit, salt=salt, **{**WHERE, **where}) for unit in UNITS])


@pytest.fixture(scope="module")
def drawn():
    return shares("november")


def test_share_is_the_hash_that_others_can_compute():
    digest = hashlib.sha256(b"november|recommender|east|1234").digest()
    share = share_of("1234", salt="november", use_case="recommender", key="east")
    assert share == int.from_bytes(digest[:8], "big") / 2**64
    assert share == 0.17756358684524584


def test_units_stay_where_they_are(drawn):
    assert (shares("november") == drawn).all()


def test_shares_are_even(drawn):
    assert stats.kstest(drawn, "uniform").pvalue > 0.01
    assert drawn.min() >= 0
    assert drawn.max() < 1


@pytest.mark.parametrize("other", [{"salt": "december"}, {"use_case": "credit"}, {"key": "east"}])
def test_another_salt_use_case_or_key_splits_independently(drawn, other):
    again = shares(other.get("salt", "november"), **{name: value for name, value in other.items() if name != "salt"})
    table = np.histogram2d(drawn, again, bins=4, range=[[0, 1], [0, 1]])[0]
    assert stats.chi2_contingency(table).pvalue > 0.01


def test_a_growing_weight_moves_nobody_back():
    def challengers(weight):
        return {unit for unit in UNITS if variant_of(unit, salt="s", weight=weight, **WHERE) == "challenger"}

    nobody, tenth, half, everybody = (challengers(weight) for weight in (0.0, 0.1, 0.5, 1.0))
    assert not nobody
    assert nobody < tenth < half < everybody
    assert len(everybody) == len(UNITS)
    assert abs(len(tenth) / len(UNITS) - 0.1) < 0.01


def test_even_the_largest_hash_is_below_a_weight_of_one(monkeypatch):
    class Largest:
        def digest(self):
            return b"\xff" * 32

    monkeypatch.setattr("include.deployment.assignment.hashlib.sha256", lambda _: Largest())
    assert variant_of("any", salt="s", weight=1.0, **WHERE) == "challenger"
