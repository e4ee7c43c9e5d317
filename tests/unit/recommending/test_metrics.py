"""Ranking metrics against scikit-learn and against loops, and what intervals say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import ndcg_score

from include.errors import MissingMetricError
from include.recommending import metrics

K = 7


@pytest.fixture
def case():
    generator = np.random.default_rng(5)
    scores = generator.normal(size=(40, 30)).astype(np.float32)
    truth = (generator.uniform(size=(40, 30)) < 0.15).astype(np.float32)
    truth[0] = 0
    truth[1] = 1
    return scores, truth


def loop(scores, truth, k):
    """Return recall and NDCG of one user by the book."""
    order = sorted(range(len(scores)), key=lambda place: (-scores[place], place))[:k]
    relevant = int(truth.sum())
    if not relevant:
        return math.nan, math.nan
    gain = sum(1 / math.log2(rank + 2) for rank, place in enumerate(order) if truth[place])
    ideal = sum(1 / math.log2(rank + 2) for rank in range(min(k, relevant)))
    return sum(truth[place] for place in order) / min(k, relevant), gain / ideal


def test_ndcg_agrees_with_scikit_learn(case):
    scores, truth = case
    ours = metrics.ndcg(metrics.ranked(scores, K), sp.csr_array(truth))
    for row in range(1, len(truth)):
        assert ours[row] == pytest.approx(ndcg_score(truth[row : row + 1], scores[row : row + 1], k=K), abs=1e-6)
    assert math.isnan(ours[0])


@pytest.mark.parametrize("rounded", [False, True])
def test_recall_and_ndcg_agree_with_a_loop_ties_too(case, rounded):
    scores, truth = case
    scores = np.round(scores) if rounded else scores
    top = metrics.ranked(scores, K)
    expected = np.array([loop(*each, K) for each in zip(scores, truth, strict=True)])
    np.testing.assert_allclose(metrics.recall(top, sp.csr_array(truth)), expected[:, 0])
    np.testing.assert_allclose(metrics.ndcg(top, sp.csr_array(truth)), expected[:, 1])


def test_hidden_items_are_never_ranked_and_an_empty_place_is_no_hit():
    scores = np.array([[3, 2, 1]], dtype=np.float32)
    top = metrics.ranked(scores, 3, hidden=sp.csr_array(np.array([[1.0, 0, 0]])))
    assert top.tolist() == [[1, 2, -1]]
    assert metrics.recall(top, sp.csr_array(np.array([[1.0, 0, 1.0]]))).tolist() == [0.5]
    assert metrics.ranked(scores, 5).tolist() == [[0, 1, 2, -1, -1]]


def test_many_users_are_ranked_as_each_alone(case):
    scores = np.tile(case[0], (30, 1))
    hidden = sp.csr_array(np.tile(case[1], (30, 1)))
    np.testing.assert_array_equal(
        metrics.ranked(scores, K, hidden=hidden),
        np.tile(metrics.ranked(case[0], K, hidden=sp.csr_array(case[1])), (30, 1)),
    )


def test_coverage_novelty_and_bias_of_a_list_by_hand():
    top = np.array([[0, 1], [0, -1]], dtype=np.int32)
    households = np.array([8.0, 2.0, 1.0, 0.0])
    assert metrics.coverage(top, 4) == 0.5
    np.testing.assert_allclose(metrics.novelty(top, households, 8), [1.0, 0.0])
    truth = sp.csr_array(np.array([[0, 1.0, 0, 0], [0, 0, 1.0, 0]]))
    assert metrics.popularity_bias(top, households, truth) == pytest.approx(((8 + 2) / 2 + 8) / (2 + 1))


def test_an_interval_has_the_width_of_the_normal_one():
    values = np.random.default_rng(2).normal(0.3, 0.2, 4000)
    found = metrics.mean(values, seed=1, count=2000)
    expected = 1.96 * values.std() / np.sqrt(len(values))
    assert found.value == pytest.approx(values.mean())
    assert found.high - found.low == pytest.approx(2 * expected, rel=0.1)


def test_a_paired_interval_is_narrower_than_two_apart_and_users_without_a_value_do_not_count():
    generator = np.random.default_rng(2)
    one = generator.uniform(size=500)
    other = one - 0.01 + generator.normal(0, 0.01, 500)
    one[:100] = np.nan
    found = metrics.difference(one, other, seed=1)
    assert found.low > 0
    assert found.value == pytest.approx(0.01, abs=0.003)
    assert metrics.mean(one, seed=1).low < metrics.mean(other, seed=1).high


def test_a_metric_without_users_is_missing():
    with pytest.raises(MissingMetricError, match="at least two users"):
        metrics.mean(np.array([np.nan, 1.0]), seed=0)


def test_small_groups_are_counted_and_not_judged():
    values = np.array([1.0] * 40 + [0.0] * 5 + [np.nan] * 50 + [0.5] * 3)
    groups = ["35-44"] * 40 + ["65+"] * 5 + ["35-44"] * 50 + [""] * 3
    found = metrics.by_group(values, groups, seed=0, fewest=30)
    assert {name: users for name, (users, _) in found.items()} == {"35-44": 40, "65+": 5}
    assert found["35-44"][1].value == 1.0
    assert found["65+"][1] is None
