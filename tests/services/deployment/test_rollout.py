"""What a rollout concludes from a real table of requests: go on, break off, or wait."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from include.data.tables import Table
from include.deployment.assignment import variant_of
from include.deployment.entries import Entry, KeyState, State
from include.deployment.journal import Journal
from include.deployment.rollout import REQUESTS, look
from include.errors import PermanentError
from include.spec import Guardrail, Rollout
from include.use_cases.credit_risk import SPEC as CREDIT
from tests.services.deployment.helpers import AT, ref, said

pytestmark = pytest.mark.usefixtures("stack")
SPEC = CREDIT.model_copy(
    update={
        "rollout": Rollout(
            weights=(0.5,), min_requests=100, looks=4, slow_ms=50,
            guardrails=(Guardrail(metric="fallback", tolerated=0.02), Guardrail(metric="declined", tolerated=0.2)),
        )
    }
)  # fmt: skip
OLD, NEW = ref(1), ref(2)


def step(**state: object) -> Entry:
    """Append a step of a rollout to the journal."""
    wanted = State(keys={"default": KeyState.model_validate({"champion": OLD, "champion_since": AT, **state})})
    return Journal(SPEC.name).append(lambda _: wanted, request_id=f"r{state}", **said(action="split"))


def split() -> Entry:
    return step(challenger=NEW, canary_weight=0.5, salt="rollout")


def side_of(unit: str) -> str:
    return variant_of(unit, salt="rollout", use_case=SPEC.name, key="default", weight=0.5)


def logged(sequence: int, units: range, **given: object) -> None:
    """Write answers as the service would have given them; what is given is said of the challenger's side."""
    rows = []
    for number in units:
        unit, moment = str(number), AT + dt.timedelta(seconds=number)
        side = side_of(unit)
        facts = {"variant": side, "decision": "accept", "flags": "[]", "latency_ms": 3.0}
        facts |= given if side == "challenger" else {}
        version = {"champion": 1, "challenger": 2, "fallback": 0}[str(facts["variant"])]
        rows.append({"request_id": f"q{number}", "key": "default", "unit": unit, "at": pd.Timestamp(moment),
                     "model_version": version, "sequence": sequence, "day": moment.date(), **facts})  # fmt: skip
    added = pd.DataFrame(rows).astype({"at": "datetime64[us, UTC]"})
    first, last = added["day"].min(), added["day"].max()
    Table(SPEC.name, REQUESTS).update(first, last, lambda present: pd.concat([present, added]), run="test")


def test_it_waits_until_enough_was_answered_by_the_new_model() -> None:
    taken = split()
    assert look(SPEC, "default", taken).verdict == "waiting"
    logged(taken.sequence, range(30))

    seen = look(SPEC, "default", taken)

    assert (seen.verdict, seen.needed) == ("waiting", 100)
    assert seen.answers == sum(side_of(str(number)) == "challenger" for number in range(30))


def test_a_harmless_model_passes_when_it_has_answered_enough() -> None:
    taken = split()
    logged(taken.sequence, range(260))

    seen = look(SPEC, "default", taken)

    assert seen.verdict == "passed", seen.said
    assert {result.name for result in seen.guardrails} == {"fallback", "declined"}


def test_a_model_that_declines_more_is_broken_off_before_the_end() -> None:
    taken = split()
    logged(taken.sequence, range(120), decision="decline")

    seen = look(SPEC, "default", taken)

    assert seen.answers < seen.needed
    assert seen.verdict == "broken"
    assert "declined: broken" in seen.said


def test_an_answer_of_the_fall_back_counts_for_the_model_that_should_have_given_it() -> None:
    taken = split()
    logged(taken.sequence, range(160), variant="fallback", decision="review")

    seen = look(SPEC, "default", taken)

    assert seen.verdict == "broken"
    assert "fallback: broken" in seen.said


def test_what_was_answered_before_the_step_does_not_count() -> None:
    first = step()
    logged(first.sequence, range(300), decision="decline")

    assert look(SPEC, "default", split()).answers == 0


def test_the_shadow_is_set_beside_the_answers_that_were_given() -> None:
    taken = step(shadow=NEW)
    moment = pd.Timestamp(AT)
    facts = {"key": "default", "at": moment, "sequence": taken.sequence, "day": AT.date(), "flags": "[]"}
    rows = []
    for number in range(110):
        mine = {"unit": str(number), "latency_ms": 3.0, **facts}
        rows.append(
            {**mine, "request_id": f"q{number}", "variant": "champion", "model_version": 1, "decision": "accept"}
        )
        shadow = {"variant": "shadow", "model_version": 2, "decision": "decline"}
        rows.append({**mine, **shadow, "request_id": f"q{number}/shadow"})
    rows.append({**rows[0], "request_id": "alone"})  # an answer whose shadow was left out says nothing
    added = pd.DataFrame(rows).astype({"at": "datetime64[us, UTC]"})
    Table(SPEC.name, REQUESTS).update(AT.date(), AT.date(), lambda present: added, run="test")

    seen = look(SPEC, "default", taken)

    assert seen.answers == 110
    assert seen.verdict == "broken", "it declines everybody whom the champion accepts"


def test_a_use_case_that_does_not_say_how_is_refused() -> None:
    with pytest.raises(PermanentError, match="a 'rollout' in the spec of credit_risk"):
        look(CREDIT.model_copy(update={"rollout": None}), "default", step())
