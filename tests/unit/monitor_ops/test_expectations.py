"""What a loop is held to: each scenario's right answer passes, and each wrong one is told."""

from __future__ import annotations

import pytest

from include.monitor_ops.expectations import expectations
from include.scenario import SCENARIOS
from tests.unit.monitor_ops.made import CHANGED, LATE, moment, timeline

RIGHT = {
    "calm": timeline("calm", verdicts={1: "watch"}, causes={1: "none"}),
    "drift": timeline("drift", verdicts={3: "retrain"}, causes={3: "environment"}, moments=[moment(3, "asked")]),
    "data-fault": timeline("data-fault", verdicts={2: "stop"}, causes={2: "values"}, moments=[moment(2, "called")]),
    "selection-bias": timeline("selection-bias", verdicts={3: "watch"}, causes={3: "selection"}),
    "concept-change": timeline("concept-change", verdicts={7: "retrain"}, causes={7: "concept"},
                               moments=[moment(7, "asked")]),
}  # fmt: skip
WRONG = {
    "calm, a training": (timeline("calm", moments=[moment(4, "asked")]), "the monitor asks for no training"),
    "calm, a call": (timeline("calm", moments=[moment(4, "called")]), "nobody is called"),
    "fault, called before": (
        timeline("data-fault", verdicts={2: "stop"}, moments=[moment(1, "called"), moment(2, "called")]),
        "nobody is called before anything happens",
    ),
    "calm, switched off": (timeline("calm", moments=[moment(4, "switched")]), "nothing is switched off or taken back"),
    "calm, no word": (timeline("calm", verdicts={4: ""}), "every window is judged"),
    "drift, not seen": (timeline("drift"), "it is seen"),
    "drift, not trained for": (
        timeline("drift", verdicts={3: "watch"}, causes={3: "environment"}),
        "it is trained for",
    ),
    "drift, another cause": (
        timeline("drift", verdicts={3: "retrain"}, causes={3: "values"}, moments=[moment(3, "asked")]),
        "the cause is named: environment",
    ),
    "drift, too early": (
        timeline("drift", moments=[moment(1, "asked")]),
        "no training is asked for before anything happens",
    ),
    "fault, trained on": (
        timeline("data-fault", verdicts={2: "retrain"}, moments=[moment(2, "asked")]),
        "nothing is trained on it",
    ),
    "fault, learned by night": (
        timeline("data-fault", verdicts={2: "stop"}, moments=[moment(2, "called"), moment(7, "trained")]),
        "nothing is trained on it",
    ),
    "fault, nobody called": (timeline("data-fault", verdicts={2: "stop"}), "people are called"),
    "fault, not stopped": (timeline("data-fault"), "it stops"),
    "mix, taken for a fault": (
        timeline("selection-bias", verdicts={3: "stop"}, causes={3: "values"}),
        "it is not taken for a fault",
    ),
    "drift, taken for a fault": (
        timeline(
            "drift",
            verdicts={3: "retrain", 6: "stop"},
            causes={3: "environment", 6: "values"},
            moments=[moment(3, "asked")],
        ),
        "it is not taken for a fault",
    ),
    "concept, guessed": (
        timeline("concept-change", verdicts={3: "retrain"}, moments=[moment(3, "asked")]),
        "no training before the truth can show it",
    ),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_loop_that_does_right_holds_every_expectation(scenario):
    wrong = [each for each in expectations(RIGHT[scenario]) if not each.holds]
    assert wrong == []


@pytest.mark.parametrize("case", WRONG)
def test_what_a_loop_does_wrong_is_told(case):
    made, expected = WRONG[case]
    assert expected in [each.expected for each in expectations(made) if not each.holds]


@pytest.mark.parametrize(("unseen_days", "right"), [(1, True), (0, False)])
def test_a_window_that_the_monitor_has_not_come_to_needs_no_verdict(unseen_days, right):
    made = timeline("calm", verdicts={9: ""}, unseen_days=unseen_days)
    assert all(each.holds for each in expectations(made)) == right


def test_a_delivery_that_was_refused_needs_no_verdict():
    refused = timeline("data-fault", verdicts={2: "", 3: ""}, moments=[moment(2, "called")])
    found = {each.expected: each for each in expectations(refused)}
    assert all(each.holds for each in found.values())
    assert found["it stops"].seen == f"refused: {moment(2, 'called').day}"


def test_a_cause_is_asked_for_only_where_the_monitor_names_causes():
    found = expectations(timeline("drift", verdicts={3: "retrain"}, moments=[moment(3, "asked")]))
    assert not any("cause" in each.expected for each in found)


def test_the_truth_of_a_changed_day_is_late():
    assert (LATE - CHANGED).days == 30
