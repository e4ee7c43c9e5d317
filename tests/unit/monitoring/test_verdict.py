"""From facts to one word: what comes first, what never follows, and what the policy may choose."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from include.errors import MissingMetricError
from include.monitoring.evidence import DriftFacts, Evidence, Performance
from include.monitoring.verdict import verdict
from include.policy import Policy
from include.records import Comparison, Estimate

TODAY = dt.date(2026, 5, 31)
SELECTION = {"cause": "selection", "cause_said": "PAY_0 of another mix"}


def drift(*windows, said="PAY_0 (effect 0.40)"):
    return DriftFacts(windows=windows, needed=2, said=said)


CALM, ONCE, CONFIRMED = drift(False, False, False), drift(False, False, True), drift(False, True, True)
UNJUDGED = drift(False, True, None, said="12 rows, fewer than 500")


def performance(value, *, promised=0.78, higher=True, reach=0.01):
    seen = Estimate(value=value, low=value - reach, high=value + reach)
    return Performance(
        metric="auc" if higher else "mape", higher_is_better=higher, promised=promised, seen=seen,
        first_day=TODAY - dt.timedelta(days=36), last_day=TODAY - dt.timedelta(days=30), rows=900,
    )  # fmt: skip


GOOD, BROKEN = performance(0.77), performance(0.70)


def paired(word):
    value = {"worse": -0.03, "better": 0.03}.get(word, 0.0)
    return Comparison(
        against="v3", metric="auc", rows=900, difference=Estimate(value=value, low=value - 0.01, high=value + 0.01),
        p_value=0.5, non_inferior=word != "worse", verdict=word,
    )  # fmt: skip


LOST = paired("worse")


def judged(policy=None, **facts):
    return verdict(Evidence(as_of=TODAY, **facts), policy or Policy(), window_days=7)


def days_ago(*days):
    return tuple(TODAY - dt.timedelta(days=each) for each in days)


def test_a_calm_window_is_healthy_and_says_what_was_looked_at():
    found = judged(drift=CALM, truth=GOOD, before=paired("better"))
    assert (found.word, found.call) == ("healthy", False)
    assert found.reason.startswith("no drift; auc 0.7700 [0.7600, 0.7800] from 2026-04-25 to 2026-05-01 over 900 rows")
    assert [line.partition(":")[0] for line in found.lines] == ["drift", "truth", "champion before", "retrainings"]


@pytest.mark.parametrize("cause", ["delivery", "values"])
@pytest.mark.parametrize("seen", [{}, {"drift": CONFIRMED}, {"truth": BROKEN}, {"before": LOST}])
@pytest.mark.parametrize(("policy", "word"), [(Policy(), "stop"), (Policy(on_data_fault="call"), "watch")])
def test_a_data_fault_never_retrains_nor_rolls_back_and_calls(cause, seen, policy, word):
    found = judged(policy, cause=cause, cause_said="BILL_AMT1 100 times what it was", **seen)
    assert (found.word, found.call) == (word, True)
    assert "BILL_AMT1 100 times" in found.reason


def test_one_drifted_window_is_watched_and_confirmed_drift_retrains():
    assert judged(drift=ONCE).word == "watch"
    found = judged(drift=CONFIRMED, cause="environment", cause_said="all columns moved")
    assert (found.word, found.call) == ("retrain", False)
    assert found.reason == "drift confirmed: PAY_0 (effect 0.40); cause: environment, all columns moved"


def test_a_drift_that_has_passed_is_not_confirmed():
    assert judged(drift=drift(True, True, False)).word == "healthy"


def test_a_window_of_wrong_data_confirms_nothing():
    assert judged(drift=drift(None, None, True)).word == "watch"


def test_a_policy_may_have_people_look_at_a_drift_first():
    found = judged(Policy(on_drift="call"), drift=CONFIRMED)
    assert (found.word, found.call) == ("watch", True)


@pytest.mark.parametrize(("policy", "word"), [(Policy(), "watch"), (Policy(on_selection="retrain"), "retrain")])
def test_another_mix_of_groups_retrains_only_where_the_policy_says_so(policy, word):
    assert judged(policy, drift=CONFIRMED, **SELECTION).word == word


def test_another_mix_does_not_excuse_a_broken_promise():
    assert judged(drift=CONFIRMED, truth=BROKEN, **SELECTION).word == "retrain"


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (performance(0.735), "healthy"),  # its interval reaches the .741 that the margin leaves
        (performance(0.73), "retrain"),
        (performance(4.2, promised=4, higher=False), "healthy"),
        (performance(4.3, promised=4, higher=False), "retrain"),
        (performance(3.0, promised=4, higher=False), "healthy"),
        (performance(0.9), "healthy"),
    ],
)
def test_a_promise_is_broken_where_the_whole_interval_is_beyond_the_margin(seen, word):
    assert judged(truth=seen).word == word


def test_a_policy_may_call_for_a_broken_promise_or_promise_less():
    assert judged(Policy(on_performance="call"), truth=BROKEN).word == "watch"
    assert judged(Policy(margin=0.2), truth=BROKEN).word == "healthy"


def test_an_estimate_without_truth_asks_for_nothing():
    found = judged(drift=CALM, estimate=BROKEN)
    assert (found.word, found.call) == ("watch", False)
    assert "by its own scores, truth is to come" in found.reason


def test_a_champion_that_lost_to_the_one_before_is_rolled_back_before_anything_is_trained():
    found = judged(drift=CONFIRMED, truth=BROKEN, before=LOST)
    assert (found.word, found.call) == ("roll back", True)
    assert found.reason == (
        "worse than the champion before: auc -0.0300 [-0.0400, -0.0200] against v3 over 900 rows, worse"
    )
    assert judged(Policy(on_lost="call"), before=LOST).word == "watch"


@pytest.mark.parametrize("word", ["better", "not significantly better"])
def test_a_champion_that_did_not_lose_stays(word):
    assert judged(drift=CALM, before=paired(word)).word == "healthy"


def test_a_version_that_a_person_holds_is_not_rolled_back():
    found = judged(before=LOST, held="held at v4 by ana")
    assert (found.word, found.call) == ("watch", True)
    assert found.reason.endswith("not rolled back: held at v4 by ana")


@pytest.mark.parametrize("seen", [{"drift": CONFIRMED}, {"truth": BROKEN}])
@pytest.mark.parametrize(
    ("attempts", "word", "due"),
    [
        (days_ago(6), "watch", "2026-06-01"),
        (days_ago(7), "retrain", ""),
        (days_ago(20, 13), "watch", "2026-06-01"),
        (days_ago(21, 14), "retrain", ""),
        (days_ago(60, 50, 27), "watch", "2026-06-01"),
    ],
)
def test_a_retraining_is_asked_for_again_only_when_it_is_due(seen, attempts, word, due):
    found = judged(attempts=attempts, **seen)
    assert (found.word, found.call) == (word, False)
    assert not due or f"did not end what was found; the next is due on {due}" in found.reason


def test_people_are_called_when_the_wait_has_grown_to_its_limit():
    found = judged(drift=CONFIRMED, attempts=days_ago(90, 80, 60, 30))
    assert (found.word, found.call) == ("watch", True)


def test_back_off_holds_no_rollback_up():
    assert judged(before=LOST, attempts=days_ago(1)).word == "roll back"


def test_unfairness_is_called_and_stops_where_the_policy_says_so():
    unfair = {"unfair": ("SEX 2: ratio 0.71, at least 0.8",)}
    assert (judged(drift=CALM, **unfair).word, judged(drift=CALM, **unfair).call) == ("watch", True)
    assert (judged(drift=CONFIRMED, **unfair).word, judged(drift=CONFIRMED, **unfair).call) == ("retrain", True)
    assert judged(Policy(on_unfair="stop"), drift=CONFIRMED, **unfair).word == "stop"


def test_operations_are_watched_and_called():
    found = judged(drift=CALM, operations=("2 of 7 days did not come",))
    assert (found.word, found.call, found.reason) == ("watch", True, "operations: 2 of 7 days did not come")


def test_a_window_that_is_too_small_is_not_judged_unless_the_truth_speaks():
    found = judged(drift=UNJUDGED)
    assert (found.word, found.reason) == ("not judged", "12 rows, fewer than 500")
    assert judged(drift=UNJUDGED, truth=BROKEN).word == "retrain"
    assert judged(drift=UNJUDGED, truth=GOOD).word == "healthy"
    assert judged().word == "not judged"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_no_number_does_not_pass_for_a_good_one(value):
    with pytest.raises(MissingMetricError, match="expected a number of auc"):
        performance(value)


def test_the_lines_name_all_that_was_seen():
    found = judged(
        drift=CONFIRMED, cause="concept", cause_said="the truth alone shows it", truth=BROKEN, estimate=GOOD,
        before=paired("not significantly better"), unfair=("SEX 2",), operations=("slow",), attempts=days_ago(40),
    )  # fmt: skip
    assert [line.partition(":")[0] for line in found.lines] == [
        "drift", "cause", "truth", "estimate", "champion before", "unfair", "operations", "retrainings",
    ]  # fmt: skip
    assert found.lines[2].endswith("was promised, broken")
