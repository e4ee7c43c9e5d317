"""Shadow, growing share, promotion: on a real store and a real registry."""

from __future__ import annotations

import pytest

from include.deployment.controls import Asked
from include.deployment.entries import KeyState
from include.deployment.journal import Journal
from include.deployment.promotion import rollback
from include.deployment.traffic import abort, shadow, split
from include.errors import ApprovalError, GateError, StaleComparisonError
from include.governance.approvals import sign_and_store
from include.records import ModelRef
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import AT, approval, registered
from tests.services.deployment.test_promotion import made_champion, two_champions

pytestmark = pytest.mark.usefixtures("stack")
RUN = "credit_risk_rollout/manual__1"


def asked(request_id: str, *, dry_run: bool = False) -> Asked:
    return Asked(who="olga", why="a better model", request_id=request_id, at=AT, dry_run=dry_run)


def state() -> KeyState:
    return Journal(SPEC.name).state().of("default")


def challenger() -> ModelRef:
    """Return a version that may go into the shadow beside the second champion."""
    _, second = two_champions()
    third = registered(champion_version=second.version, champion_sequence=2, route="superiority")
    sign_and_store(approval(third, run=RUN))
    return third


def test_rollout_goes_from_shadow_over_shares_to_the_champions_place() -> None:
    third = challenger()

    staged = shadow(SPEC, third, run=RUN, asked=asked("t1"))
    assert (staged.entry.action, state().shadow, state().canary_weight) == ("shadow", third, 0)
    assert staged.entry.evidence["approval"]["approver"] == "reviewer"
    split(SPEC, third, 0.1, salt="v3", asked=asked("t2"), evidence={"seen": "nothing bad"})
    assert (state().challenger, state().shadow, state().canary_weight, state().salt) == (third, None, 0.1, "v3")
    grown = split(SPEC, third, 0.5, salt="v3", asked=asked("t3"), evidence={})
    assert (grown.entry.action, grown.entry.evidence["model"]["version"]) == ("split", third.version)
    made_champion(third, "run/3")
    assert state() == KeyState(champion=third, champion_since=state().champion_since, previous=state().previous)


def test_without_an_approval_no_request_is_scored() -> None:
    _, second = two_champions()
    third = registered(champion_version=second.version, champion_sequence=2, route="superiority")

    with pytest.raises(ApprovalError, match="1 signed approval"):
        shadow(SPEC, third, run=RUN, asked=asked("t1"))


def test_share_is_given_only_to_what_was_in_the_shadow() -> None:
    third = challenger()

    with pytest.raises(StaleComparisonError, match=f"v{third.version} in the shadow of default or with a share"):
        split(SPEC, third, 0.1, salt="v3", asked=asked("t1"), evidence={})


def test_first_model_has_nothing_to_stand_beside() -> None:
    first = registered(route="first")
    sign_and_store(approval(first, run=RUN))

    with pytest.raises(GateError, match="a champion of default to stand beside"):
        shadow(SPEC, first, run=RUN, asked=asked("t1"))


def test_second_model_waits_until_the_first_rollout_ends() -> None:
    third = challenger()
    shadow(SPEC, third, run=RUN, asked=asked("t1"))
    fourth = registered(champion_version=2, champion_sequence=2, route="superiority", family="scorecard")
    sign_and_store(approval(fourth, run="other/1"))

    with pytest.raises(GateError, match=f"no other model beside the champion of default, but saw v{third.version}"):
        shadow(SPEC, fourth, run="other/1", asked=asked("t2"))


def test_abort_gives_all_cases_back() -> None:
    third = challenger()
    shadow(SPEC, third, run=RUN, asked=asked("t1"))
    split(SPEC, third, 0.1, salt="v3", asked=asked("t2"), evidence={})

    broken = abort(SPEC, third, asked=asked("t3"), evidence={"fallback_share": 0.2})

    assert (broken.entry.action, broken.entry.evidence["fallback_share"]) == ("abort", 0.2)
    assert (state().challenger, state().canary_weight, state().salt) == (None, 0, "")
    with pytest.raises(StaleComparisonError):
        split(SPEC, third, 0.5, salt="v3", asked=asked("t4"), evidence={})


def test_rollback_in_between_ends_the_rollout() -> None:
    third = challenger()
    shadow(SPEC, third, run=RUN, asked=asked("t1"))
    split(SPEC, third, 0.1, salt="v3", asked=asked("t2"), evidence={})

    rollback(SPEC, key="default", who="olga", why="declines all", request_id="r1", at=AT)

    assert (state().challenger, state().canary_weight) == (None, 0)
    with pytest.raises(StaleComparisonError):
        split(SPEC, third, 0.5, salt="v3", asked=asked("t4"), evidence={})


def test_repeated_step_changes_nothing_more_and_a_dry_one_nothing_at_all() -> None:
    third = challenger()
    dry = shadow(SPEC, third, run=RUN, asked=asked("t0", dry_run=True))
    assert (dry.entry, state().shadow) == (None, None)
    first = shadow(SPEC, third, run=RUN, asked=asked("t1"))

    assert shadow(SPEC, third, run=RUN, asked=asked("t1")).entry == first.entry
    assert split(SPEC, third, 0.1, salt="v3", asked=asked("t2", dry_run=True), evidence={}).entry is None
    assert state().canary_weight == 0
