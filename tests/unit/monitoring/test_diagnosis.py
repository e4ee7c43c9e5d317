"""When a promise counts as broken, and what a diagnosis says."""

from __future__ import annotations

import math

import pytest

from include.monitoring.diagnosis import ADVICE, TITLES, Diagnosis, Promise
from include.records import Estimate


def promise(expected, seen, *, half=0.03):
    return Promise(
        metric="auc",
        expected=Estimate(value=expected, low=expected - half, high=expected + half),
        seen=Estimate(value=seen, low=seen - half, high=seen + half),
    )


@pytest.mark.parametrize(
    ("seen", "broken"), [(0.80, False), (0.76, False), (0.755, True), (0.84, False), (0.845, True)]
)
def test_a_promise_is_broken_beyond_both_intervals_in_squares(seen, broken):
    assert promise(0.80, seen).broken is broken


def test_the_excess_is_in_units_of_what_is_allowed():
    assert promise(0.80, 0.80 - 2 * 0.03 * math.sqrt(2)).excess == pytest.approx(2)


def test_the_half_that_faces_the_other_number_counts():
    expected = Estimate(value=0.8, low=0.7, high=0.81)
    seen = {value: Estimate(value=value, low=value, high=value) for value in (0.75, 0.85)}
    found = {value: Promise(metric="auc", expected=expected, seen=each) for value, each in seen.items()}
    assert found[0.75].excess == pytest.approx(0.5)
    assert found[0.85].excess == pytest.approx(5)


def test_a_number_without_width_is_kept_exactly_or_broken():
    assert promise(0.8, 0.8, half=0.0).excess == 0
    assert promise(0.8, 0.7, half=0.0).broken


def test_a_metric_without_a_number_breaks_nothing():
    assert not promise(0.8, math.nan).broken


def test_a_diagnosis_says_cause_evidence_and_what_else_it_may_be():
    found = Diagnosis(cause="values", evidence=("a: constant", "b: text"), columns=("a", "b"), runner_up="environment")
    assert found.said == "a fault in the values: a: constant; b: text (or a change of the world)"
    assert Diagnosis.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(("cause", "fault"), [("delivery", True), ("values", True), ("selection", False)])
def test_only_faults_forbid_to_learn(cause, fault):
    assert Diagnosis(cause=cause).fault is fault


@pytest.mark.parametrize("cause", TITLES)
def test_there_is_something_to_do_about_every_cause(cause):
    assert Diagnosis(cause=cause).advice == ADVICE[cause]


def test_what_was_not_judged_is_not_called_calm():
    found = Diagnosis(cause="none", not_judged="5 rows, at least 30 are needed")
    assert found.said == "it cannot be told: 5 rows, at least 30 are needed"
    assert found.advice != ADVICE["none"]
