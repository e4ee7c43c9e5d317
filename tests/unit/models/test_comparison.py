"""Better, not significantly better, worse; and the two ways to replace a champion."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from include.models.comparison import compare, refresh_due, route
from include.models.metrics import resamples
from tests.second_use_case.tumours import SPEC

ROWS = 3000
WEIGHTS = resamples(ROWS, 1)


@pytest.fixture
def truth():
    return (np.random.default_rng(2).uniform(size=ROWS) < 0.3).astype(float)


def scores(truth, strength, seed):
    return np.random.default_rng(seed).normal(truth * strength, 1.0)


def test_a_stronger_score_is_better_and_a_weaker_one_worse(truth):
    strong, weak = scores(truth, 1.5, 1), scores(truth, 0.8, 2)
    assert compare(SPEC, truth, strong, weak, WEIGHTS, "x").verdict == "better"
    found = compare(SPEC, truth, weak, strong, WEIGHTS, "x")
    assert found.verdict == "worse"
    assert not found.non_inferior
    assert found.p_value > 0.99


def test_an_equal_score_is_not_significantly_better_and_not_inferior(truth):
    score = scores(truth, 1.0, 1)
    found = compare(SPEC, truth, score, score.copy(), WEIGHTS, "x")
    assert found.verdict == "not significantly better"
    assert found.non_inferior
    assert found.difference.value == 0


def test_a_brier_score_that_is_lower_is_better(truth):
    by_brier = SPEC.model_copy(update={"primary_metric": "brier"})
    sharp = np.where(truth == 1, 0.6, 0.2)
    assert compare(by_brier, truth, sharp, np.full(ROWS, 0.3), WEIGHTS, "x").verdict == "better"


def test_calm_models_are_called_better_no_more_often_than_stated():
    called = 0
    for seed in range(120):
        generator = np.random.default_rng(seed)
        y = (generator.uniform(size=400) < 0.3).astype(float)
        one, other = generator.normal(y, 1.0), generator.normal(y, 1.0)
        called += compare(SPEC, y, one, other, resamples(400, seed, 200), "x").verdict == "better"
    assert called / 120 <= 0.07  # 2.5 % is stated for one side; three standard errors above


def found(verdict, non_inferior=False):
    y = np.array([0.0, 1.0] * 20)
    made = compare(SPEC, y, y, y, resamples(40, 1), "x")
    return made.model_copy(update={"verdict": verdict, "non_inferior": non_inferior})


@pytest.mark.parametrize(
    ("champion", "baseline", "due", "expected"),
    [
        (None, "better", "", "first"),
        (None, "not significantly better", "", None),
        ("better", "better", "", "superiority"),
        ("better", "not significantly better", "", None),
        ("not significantly better", "better", "", None),
        ("not significantly better", "better", "it is old", "refresh"),
        ("worse", "better", "", None),
    ],
)
def test_the_way_to_the_champions_place(champion, baseline, due, expected):
    against = found(champion, non_inferior=champion != "worse") if champion else None
    assert route(against, found(baseline), due) == expected


def test_a_refresh_that_is_inferior_is_refused():
    assert route(found("not significantly better", non_inferior=False), found("better"), "it is old") is None


def test_a_refresh_is_due_by_age_or_by_drift_alone():
    today, limit = dt.date(2026, 5, 1), SPEC.gates.max_champion_age_days
    old, young = today - dt.timedelta(days=limit + 1), today - dt.timedelta(days=limit)
    due = lambda since, drift="": refresh_due(SPEC, as_of=today, champion_since=since, drift_confirmed=drift)  # noqa: E731
    assert "days old" in due(old)
    assert due(young) == ""
    assert "drift is confirmed: AGE" in due(young, "AGE")
    assert due(None) == ""
