"""Retrainings that did not end what was found, as the registry and the journal of real services know them."""

from __future__ import annotations

import datetime as dt

import pytest

from include.clock import business_time
from include.deployment.entries import KeyState, State
from include.deployment.journal import Journal
from include.monitor_ops.attempts import attempts
from include.monitoring.evidence import DriftFacts, Evidence
from include.monitoring.verdict import verdict
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import said
from tests.services.models.made_versions import day, trained
from tests.small_shop import SPEC as SHOP

pytestmark = pytest.mark.usefixtures("stack")
DRIFT = "PAY_0 (effect 0.40)"


def live(**champions):
    return State(keys={key: KeyState(champion=ref) for key, ref in champions.items()})


def count(state, number):
    return attempts(SPEC, state, as_of=day(number))["default"]


def word(state, number):
    confirmed = DriftFacts(windows=(True, True, True), needed=2, said=DRIFT)
    facts = Evidence(as_of=day(number), drift=confirmed, attempts=count(state, number))
    return verdict(facts, SPEC.policy, window_days=7).word


def test_a_model_that_was_not_better_makes_the_next_retraining_wait_until_one_is_promoted():
    state = live(**trained(SPEC, day(0)))
    assert count(state, 0) == ()
    assert word(state, 10) == "retrain"
    trained(SPEC, day(10), drift=DRIFT)
    assert [word(state, number) for number in (10, 16, 17)] == ["watch", "watch", "retrain"]
    better = trained(SPEC, day(17), drift=DRIFT)
    assert count(state, 17) == (day(10), day(17))
    assert [word(state, number) for number in (17, 30, 31)] == ["watch", "watch", "retrain"]
    assert count(live(**better), 17) == (day(17),), "the wait begins anew, and is not over: the same is found again"
    assert [word(live(**better), number) for number in (17, 23, 24)] == ["watch", "watch", "retrain"]


def test_a_scheduled_training_is_no_attempt():
    state = live(**trained(SPEC, day(0)))
    trained(SPEC, day(7))
    assert count(state, 7) == ()


def test_what_was_trained_as_of_a_later_day_does_not_count_yet():
    state = live(**trained(SPEC, day(0)))
    trained(SPEC, day(14), drift=DRIFT)
    trained(SPEC, day(7), drift=DRIFT, run="train/backfill")
    assert count(state, 7) == (day(7),)
    assert count(state, 14) == (day(7), day(14))


def test_a_champion_that_was_taken_back_is_an_attempt_that_failed():
    first, second = trained(SPEC, day(0))["default"], trained(SPEC, day(7), drift=DRIFT)["default"]
    journal = Journal(SPEC.name)
    for number, ref in ((1, first), (8, second)):
        journal.append(
            lambda state, ref=ref: state.with_key("default", state.of("default").promoted(ref, business_time(day(8)))),
            request_id=f"r{number}", **said(at=business_time(day(number))),
        )  # fmt: skip
    assert count(journal.state(), 8) == (day(7),)
    trained(SPEC, day(8), drift=DRIFT)
    assert count(journal.state(), 8) == (day(7), day(8))
    before = journal.entries()[0].state.of("default")
    journal.append(
        lambda state: state.with_key("default", state.of("default").restored(before)),
        request_id="r9", **said(action="rollback", at=business_time(day(9)) + dt.timedelta(hours=1)),
    )  # fmt: skip
    assert count(journal.state(), 9) == (day(7), day(8))


def test_of_many_keys_each_has_its_own():
    one, other, *rest = SHOP.keys
    first = trained(SHOP, day(0))
    again = trained(SHOP, day(7), drift="quantity", keys=(one, other))
    found = attempts(SHOP, live(**{**first, one: again[one]}), as_of=day(7))
    assert found == {one: (day(7),), other: (day(7),), **dict.fromkeys(rest, ())}
    later = trained(SHOP, day(8), keys=(one,))
    assert attempts(SHOP, live(**{**first, one: later[one]}), as_of=day(8))[one] == ()


def test_nothing_trained_is_nothing_tried():
    assert attempts(SPEC, State(), as_of=day(0)) == {"default": ()}
