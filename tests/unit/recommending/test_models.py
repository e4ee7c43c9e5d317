"""Families against their definitions, computed plainly."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import scipy.sparse as sp

from include.errors import PermanentError
from include.recommending.ease import ease, ease_counts, solve
from include.recommending.evaluation import judge
from include.recommending.families import FAMILIES, family
from include.recommending.models import Als, Frequency, Popularity, item_knn


def plain_ease(inputs, penalty):
    inverse = np.linalg.inv(inputs.T @ inputs + penalty * np.eye(inputs.shape[1]))
    weights = inverse / -np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


@pytest.mark.parametrize("users", [20, 200])
def test_ease_is_the_closed_form_from_the_side_of_users_and_of_features(users):
    inputs = (np.random.default_rng(0).uniform(size=(users, 50)) < 0.3).astype(np.float32)
    found = solve(sp.csr_array(inputs), 40, 5.0)
    np.testing.assert_allclose(found, plain_ease(inputs.astype(float), 5.0)[:, :40], atol=2e-5)


def test_no_item_speaks_for_itself_and_types_speak_for_items(x):
    found = ease(x, penalty=10, types=0.6, departments=1.0)
    items = len(x.items)
    assert found.weights.shape == (items + sum(x.taste_counts), items)
    assert not found.weights[np.arange(items), np.arange(items)].any()
    assert np.abs(found.weights[items:]).max() > 0
    np.testing.assert_allclose(found.scores(np.array([3, 4])), found.scores()[3:5], atol=1e-5)


def test_an_old_purchase_counts_less_and_a_frequent_one_more(x):
    assert ease(x, half_life=30).inputs.sum() < ease(x).inputs.sum()
    assert ease(x, half_life=30).inputs.max() <= 1
    assert ease_counts(x).inputs.data == pytest.approx(np.log1p(x.decayed(120).data))


def test_item_knn_is_the_cosine_of_the_nearest(x):
    dense = x.bought.toarray()
    norm = np.linalg.norm(dense, axis=0)
    cosine = dense.T @ dense / np.outer(norm, norm)
    np.fill_diagonal(cosine, 0)
    np.testing.assert_allclose(item_knn(x, neighbours=10_000).weights, cosine, atol=1e-5)
    few = item_knn(x, neighbours=5).weights
    for column in range(few.shape[1]):
        least = np.sort(cosine[:, column])[-5]
        np.testing.assert_allclose(few[:, column], np.where(cosine[:, column] >= least - 1e-7, cosine[:, column], 0),
                                   atol=1e-5)  # fmt: skip


def test_popularity_is_the_same_for_everybody_and_may_be_of_late(x):
    scores = Popularity.fit(x).scores()
    assert (scores == scores[0]).all()
    np.testing.assert_allclose(np.expm1(scores[0]), (x.visits.toarray() > 0).sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(
        np.expm1(Popularity.fit(x, days=30).scores()[0]), (x.since(30).toarray() > 0).sum(axis=0), rtol=1e-5, atol=1e-5
    )


def test_frequency_orders_by_visits_then_by_popularity(x):
    scores, visits = Frequency.fit(x).scores(), x.visits.toarray()
    households = (visits > 0).sum(axis=0)
    for row in range(len(x.users)):
        order = np.lexsort((np.arange(len(x.items)), -households, -visits[row]))
        ours = np.argsort(-scores[row], kind="stable")
        np.testing.assert_array_equal(visits[row][ours], visits[row][order])
        np.testing.assert_array_equal(households[ours], households[order])


def test_factors_are_the_same_again_for_the_same_seed(x):
    one, other = Als.fit(x, factors=4, seed=3), Als.fit(x, factors=4, seed=3)
    np.testing.assert_array_equal(one.scores(), other.scores())
    assert one.scores().shape == x.shape


def test_without_the_system_s_library_the_next_step_is_said(x, monkeypatch):
    monkeypatch.setitem(sys.modules, "implicit.cpu", None)
    monkeypatch.delitem(sys.modules, "implicit", raising=False)
    with pytest.raises(PermanentError, match="apt install libgomp1"):
        Als.fit(x)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_beats_chance_by_far_at_what_it_is_for(x, bought, name):
    scores = family(name).fit(x).scores()
    assert scores.shape == x.shape
    assert np.isfinite(scores).all()
    generator = np.random.default_rng(0)
    for task in family(name).tasks - ({"discover", "rebuy"} if name == "popularity" else set()):
        chance = judge(generator.normal(size=x.shape).astype(np.float32), x, bought, task)
        assert np.nanmean(judge(scores, x, bought, task).ndcg) > 1.3 * np.nanmean(chance.ndcg)


def test_an_unknown_family_is_answered_with_those_that_are_there():
    with pytest.raises(PermanentError, match="popularity, frequency"):
        family("oracle")
