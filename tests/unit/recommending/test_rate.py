"""The rate of buying again: its regression against scikit-learn, and what it may know."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from include.recommending.evaluation import judge
from include.recommending.families import family
from include.recommending.interactions import interactions
from include.recommending.rate import NAMES, Rate, logistic
from tests.unit.recommending import made


def test_the_regression_is_that_of_scikit_learn():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(800, 3))
    outcome = generator.uniform(size=800) < 1 / (1 + np.exp(-(features @ [1.0, -0.5, 0.0] - 1)))
    theirs = LogisticRegression(C=1.0, tol=1e-10, max_iter=1000).fit(features, outcome)
    ours = logistic(features, outcome, ridge=1.0)
    np.testing.assert_allclose(ours, [*theirs.intercept_, *theirs.coef_[0]], atol=1e-5)


def test_it_learns_a_coefficient_for_each_named_feature(x):
    found = Rate.fit(x, window=40)
    assert len(found.coefficients) == len(NAMES)
    assert np.isfinite(found.coefficients).all()


def test_what_was_never_bought_lies_below_all_that_was(x):
    logits = Rate.fit(x, window=40).scores()
    bought = x.bought.toarray() > 0
    assert logits[~bought].max() < logits[bought].min()


def test_purchases_on_and_after_the_day_change_nothing(lines, products, known, x):
    later = lines["time"] >= pd.Timestamp(made.DAY, tz="UTC")
    other = interactions(lines[~later | (lines.index % 2 == 0)], products, made.DAY, known)
    np.testing.assert_array_equal(Rate.fit(other, window=40).scores(), Rate.fit(x, window=40).scores())


def test_its_probabilities_are_about_what_then_happens(x, bought):
    logits = Rate.fit(x, window=59).scores()
    pairs = x.bought.nonzero()
    said = 1 / (1 + np.exp(-logits[pairs]))
    assert said.mean() == pytest.approx((bought.toarray()[pairs] > 0).mean(), abs=0.06)


def test_it_ranks_better_than_how_popular_items_are(x, bought):
    scores = {name: family(name).fit(x).scores() for name in ("popularity", "rate")}
    ndcg = {name: np.nanmean(judge(each, x, bought, "rebuy").ndcg) for name, each in scores.items()}
    assert ndcg["rate"] > 1.5 * ndcg["popularity"]
