"""When a candidate may take the champion's place: real trainings on good, spoiled and mended labels, then a promotion.

The labels are spoiled where they are in life, in the delivery; the fresh days, on which the two models meet, are right.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest

from include.data.ingest import ingest
from include.data.sources import Batch
from include.deployment.journal import Journal
from include.deployment.promotion import promote
from include.models import registry
from include.naming import DEFAULT_KEY, model_name
from tests.second_use_case import tumours
from tests.services.models.conftest import FIRST_DAY, LAST_DAY, train

SPEC = tumours.SPEC.model_copy(
    update={
        "name": "replaced",
        "candidates": tumours.SPEC.candidates[:1],
        "source": tumours.SPEC.source.model_copy(update={"fetch": "tests.services.models.test_replacement:fetch"}),
    }
)
BEFORE = LAST_DAY - dt.timedelta(days=3)
LEARNED_UNTIL = BEFORE - dt.timedelta(days=SPEC.label_delay_days + SPEC.fresh_days)
spoiled = 0.0


def fetch(spec, day):
    """Return a day's biopsies; of the days that models learn from a share of the labels is drawn by lot."""
    batch = tumours.fetch(spec, day)
    if day > LEARNED_UNTIL:
        return batch
    lots = np.random.default_rng(day.toordinal())
    drawn = lots.uniform(size=len(batch.truth)) < spoiled
    labels = np.where(drawn, lots.integers(0, 2, len(batch.truth)), batch.truth["malignant"])
    return Batch(rows=batch.rows, truth=batch.truth.assign(malignant=labels))


def land_and_train(share, until, monkeypatch, **judged):
    """Deliver all days up to one with a share of their labels drawn by lot, and train on them."""
    monkeypatch.setattr("tests.services.models.test_replacement.spoiled", share)
    ingest(SPEC, first_day=FIRST_DAY, last_day=until, run=f"ingest/{until}")
    return train(SPEC, run=f"train/{until}", as_of=until, **judged)


def against(champion):
    """Return what an evaluation is told of the present champion."""
    return {"champion": champion, "champion_sequence": Journal(SPEC.name).sequence()}


def promoted(evaluation, run):
    at = dt.datetime.combine(evaluation.as_of, dt.time(), dt.UTC)
    return promote(SPEC, evaluation.model, run=run, at=at)


@pytest.fixture
def champion(stack, monkeypatch):
    """Give a champion that has learned from right labels."""
    first = land_and_train(0.0, BEFORE, monkeypatch)
    assert promoted(first, "deploy/1").promoted
    return first.model


def test_a_candidate_that_learned_shuffled_labels_is_refused(champion, monkeypatch):
    worse = land_and_train(1.0, LAST_DAY, monkeypatch, **against(champion))
    assert worse.comparisons[0].against == "champion v1"
    assert worse.comparisons[0].verdict == "worse"
    assert worse.route is None
    assert not promoted(worse, "deploy/2").promoted
    assert Journal(SPEC.name).state().of(DEFAULT_KEY).champion == champion
    assert registry.alias(model_name(SPEC.name), "champion") == champion.version


@pytest.mark.slow
def test_an_equal_candidate_waits_until_a_refresh_is_due(champion, monkeypatch):
    equal = land_and_train(0.0, LAST_DAY, monkeypatch, **against(champion))
    assert equal.comparisons[0].verdict == "not significantly better"
    assert equal.route is None
    refused = promoted(equal, "deploy/2")
    assert not refused.promoted
    assert "not significantly better than champion v1" in refused.reason
    old = LAST_DAY - dt.timedelta(days=SPEC.gates.max_champion_age_days + 1)
    refresh = train(SPEC, run="train/refresh", **against(champion), champion_since=old)
    assert refresh.comparisons[0].non_inferior
    assert refresh.route == "refresh"
    assert promoted(refresh, "deploy/3").promoted
    assert Journal(SPEC.name).state().of(DEFAULT_KEY).previous == champion


@pytest.mark.slow
def test_a_refresh_that_learned_shuffled_labels_is_inferior_and_refused(champion, monkeypatch):
    old = LAST_DAY - dt.timedelta(days=SPEC.gates.max_champion_age_days + 1)
    worse = land_and_train(1.0, LAST_DAY, monkeypatch, **against(champion), champion_since=old)
    assert worse.refresh_due
    assert not worse.comparisons[0].non_inferior
    assert worse.route is None


@pytest.mark.slow
def test_a_better_candidate_takes_the_place(stack, monkeypatch):
    poor = land_and_train(0.9, BEFORE, monkeypatch)
    better = land_and_train(0.0, LAST_DAY, monkeypatch, champion=poor.model, champion_sequence=0)
    assert better.comparisons[0].verdict == "better"
    assert better.route == "superiority"
