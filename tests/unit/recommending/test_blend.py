"""A blend's scales, and that its weights come from inner splits and from nothing later."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.recommending import blend
from include.recommending.blend import Blend, choose, standard
from include.recommending.evaluation import judge
from include.recommending.families import FAMILIES, Family
from include.recommending.interactions import interactions
from include.recommending.training import train
from tests.unit.recommending import made


class Noise:
    """Scores that know nothing."""

    def __init__(self, x):
        self.x = x

    def scores(self, rows=slice(None)):
        return np.random.default_rng(9).normal(size=self.x.shape).astype(np.float32)[rows]


@pytest.fixture
def noisy(monkeypatch):
    monkeypatch.setitem(FAMILIES, "noise", Family("noise", Noise, frozenset({"discover"})))


def test_each_user_gets_mean_0_and_deviation_1_over_what_is_not_hidden(x):
    scores = np.random.default_rng(0).uniform(1, 9, size=x.shape).astype(np.float32)
    scaled, spread = standard(scores, x.bought)
    open_ = x.bought.toarray() == 0
    found = [(row[mask].mean(), row[mask].std(), raw[mask].std())
             for row, raw, mask in zip(scaled, scores, open_, strict=True)]  # fmt: skip
    np.testing.assert_allclose([each[:2] for each in found], [(0, 1)] * len(found), atol=1e-4)
    assert spread == pytest.approx(np.mean([each[2] for each in found]), rel=1e-4)


def test_a_family_with_weight_1_alone_ranks_as_itself(x, bought):
    scores = FAMILIES["item_knn"].fit(x).scores()
    alone = Blend.of({"item_knn": scores}, {"item_knn": 1.0}, hidden=x.bought).scores()
    np.testing.assert_array_equal(judge(alone, x, bought, "discover").ndcg, judge(scores, x, bought, "discover").ndcg)


def test_what_helps_gets_a_weight_and_noise_gets_none(x, noisy):
    for names in (("item_knn", "noise"), ("noise", "item_knn")):
        found = choose(x, names, "discover", window=40)
        assert found["item_knn"] > 2 * found.get("noise", 0)
        assert min(found.values()) > 0


def test_weights_do_not_know_what_comes_later(lines, products, known, x):
    later = lines["time"] >= pd.Timestamp(made.DAY, tz="UTC")
    other = interactions(lines[~later], products, made.DAY, known)
    names = ("item_knn", "popularity")
    assert choose(other, names, "discover", window=40) == choose(x, names, "discover", window=40)


def test_the_quality_of_a_try_is_that_of_the_whole_ranking(x):
    split = blend._Split.of(x, ("item_knn", "popularity"), "discover", 0, 40)
    before = x.back(40)
    parts = {name: FAMILIES[name].fit(before).scores() for name in ("item_knn", "popularity")}
    weights = {"item_knn": 1.0, "popularity": 0.6}
    whole = Blend.of(parts, weights, hidden=before.bought).scores()
    truth = x.since(40).astype(bool).astype(np.float32)
    expected = np.nanmean(judge(whole, before, truth, "discover").ndcg)
    assert blend._quality([split], weights) == pytest.approx(expected, abs=1e-6)


def test_a_training_names_what_it_fitted_and_the_blend_s_weights(x):
    found = train(x, ["frequency", "blend"], "rebuy")
    assert set(found.scores) == {"frequency", "blend"}
    assert set(found.seconds) == {"frequency", "ease_counts", "blend"}
    assert found.weights
