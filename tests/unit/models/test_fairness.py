"""Parity against an independent implementation, small groups named and not judged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fairlearn.metrics import demographic_parity_ratio, equal_opportunity_difference

from include.classification import Fairness
from include.errors import MissingMetricError
from include.models.fairness import audit, groups_of
from include.models.metrics import resamples
from include.use_cases.credit_risk import SPEC


@pytest.fixture
def judged():
    generator = np.random.default_rng(4)
    rows = pd.DataFrame({"SEX": generator.integers(0, 2, 2000), "AGE": generator.integers(20, 60, 2000)})
    score = generator.uniform(size=2000) + 0.1 * rows["SEX"].to_numpy()
    rows["default"] = (generator.uniform(size=2000) < 0.2).astype(int)
    return rows, score


def test_parity_and_opportunity_agree_with_fairlearn(judged):
    rows, score = judged
    sex, _ = audit(SPEC, rows, score, 0.7, resamples(2000, 1))
    good, favourable = 1 - rows["default"], (score < 0.7).astype(int)
    assert sex.parity_ratio.value == pytest.approx(
        demographic_parity_ratio(good, favourable, sensitive_features=rows["SEX"])
    )
    assert sex.opportunity_gap.value == pytest.approx(
        equal_opportunity_difference(good, favourable, sensitive_features=rows["SEX"])
    )
    assert sex.parity_ratio.low < sex.parity_ratio.value < sex.parity_ratio.high


def test_an_unfair_threshold_fails_and_a_fair_one_passes(judged):
    rows, score = judged
    unfair = audit(SPEC, rows, score + 0.5 * rows["SEX"].to_numpy(), 0.7, resamples(2000, 1))[0]
    assert not unfair.passed
    assert audit(SPEC, rows, score, 0.7, resamples(2000, 1))[0].passed


def test_a_small_group_is_named_and_not_judged(judged):
    rows, score = judged
    rows.loc[:40, "AGE"] = 75
    age = audit(SPEC, rows, np.where(rows["AGE"] > 70, 0.99, score), 0.7, resamples(2000, 1))[1]
    (old,) = [group for group in age.groups if group.group == "60 and over"]
    assert not old.judged
    assert old.favourable_rate.value == 0
    assert age.passed


def test_one_group_alone_is_no_audit(judged):
    rows, score = judged
    with pytest.raises(MissingMetricError, match="at least two groups of 100 rows"):
        audit(SPEC, rows.assign(SEX=1), score, 0.7, resamples(2000, 1))


def test_bands_are_closed_on_the_left():
    rule = Fairness(column="AGE", bands=(25, 40))
    assert groups_of(rule, pd.Series([24, 25, 39, 40])).tolist() == [
        "under 25", "25 to under 40", "25 to under 40", "40 and over",
    ]  # fmt: skip
