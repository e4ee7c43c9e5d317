"""Who may become champion: each rule alone, without a service."""

from __future__ import annotations

from typing import Any

import pytest

from include.deployment.eligibility import approved, evaluated, gated, still_champion
from include.deployment.entries import GENESIS, Entry, State, drafted
from include.errors import ApprovalError, ArtifactError, GateError, MissingMetricError, StaleComparisonError
from include.records import ModelRef
from include.spec import Risk
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import BAD, GOOD, approval, change_to, estimate, evaluation, ref, said

CALM = SPEC.model_copy(update={"risk": Risk(likelihood=1, impact=1, reasons=("nobody is hurt",))})


def entries(*champions: ModelRef | None) -> list[Entry]:
    """Return one entry for each champion, none for an entry that has nothing to do with it."""
    made, state = [], State()
    for sequence, champion in enumerate(champions, start=1):
        state = change_to(champion)(state) if champion else state
        made.append(
            drafted(
                tenant="main",
                use_case="u",
                sequence=sequence,
                request_id=f"r{sequence}",
                previous_hash=GENESIS,
                state=state,
                **said(),
            )
        )
    return made


def test_complete_evaluation_of_this_version_is_accepted() -> None:
    evaluated(SPEC, ref(), "default", evaluation())


@pytest.mark.parametrize(
    "given", [{"model": ref(2)}, {"model": ref(digest="f" * 64)}, {"key": "north"}, {"use_case": "load"}]
)
def test_evaluation_of_something_else_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ArtifactError, match=r"evaluation of main\.credit_risk\.default v1"):
        evaluated(SPEC, ref(), "default", evaluation(**given))


@pytest.mark.parametrize("metrics", [{}, {"brier": estimate()}, {"auc": estimate(float("nan"))}])
def test_missing_primary_metric_is_named(metrics: dict[str, Any]) -> None:
    with pytest.raises(MissingMetricError, match="primary metric 'auc'"):
        evaluated(SPEC, ref(), "default", evaluation(metrics=metrics))


def test_evaluation_without_any_gate_is_no_pass() -> None:
    with pytest.raises(MissingMetricError, match="no gate at all"):
        evaluated(SPEC, ref(), "default", evaluation(gates=()))


def test_another_person_may_approve() -> None:
    approved(SPEC, ref(), evaluation(), approval())


def test_task_marked_as_successful_leaves_no_approval() -> None:
    with pytest.raises(ApprovalError, match="may have been marked as successful by hand"):
        approved(SPEC, ref(), evaluation(), None)


def test_low_risk_needs_no_approval_but_an_originator() -> None:
    approved(CALM, ref(), evaluation(), None)

    with pytest.raises(ApprovalError, match="who asked for the training"):
        approved(CALM, ref(), evaluation(originator=""), None)


@pytest.mark.parametrize("originator", ["reviewer", "operator,reviewer", "operator, reviewer"])
def test_originator_may_not_approve(originator: str) -> None:
    with pytest.raises(ApprovalError, match="approved by 'reviewer'"):
        approved(SPEC, ref(), evaluation(originator=originator), approval())


def test_owner_of_a_scheduled_run_is_its_originator() -> None:
    spec = SPEC.model_copy(update={"owner": "reviewer"})

    with pytest.raises(ApprovalError, match="not who asked for the training"):
        approved(spec, ref(), evaluation(originator=spec.owner, originator_source="schedule"), approval())


def test_somebody_who_is_no_approver_may_not_approve() -> None:
    with pytest.raises(ApprovalError, match=r"an approver among \['reviewer'\].*approved by 'admin'"):
        approved(SPEC, ref(), evaluation(), approval(approver="admin"))


@pytest.mark.parametrize("given", [{"originator": ""}, {"originator": " , "}, {"originator_source": "unknown"}])
def test_unknown_originator_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(ApprovalError, match="to know who asked for the training"):
        approved(SPEC, ref(), evaluation(**given), approval())


@pytest.mark.parametrize("model", [ref(2), ref(digest="f" * 64), ref(name="main.other.default")])
def test_approval_of_another_artifact_is_refused(model: ModelRef) -> None:
    with pytest.raises(ApprovalError, match="an approval of v1 with digest"):
        approved(SPEC, ref(), evaluation(), approval(model=model))


def test_failed_gate_needs_a_written_override() -> None:
    failed = evaluation(gates=(GOOD, BAD))

    for answer in (None, approval(), approval(override="  ")):
        with pytest.raises(GateError, match=r"expected fairness SEX at least 0.8, but saw fairness SEX 0.71"):
            gated(ref(), failed, answer)
    assert gated(ref(), failed, approval(override="agreed with the ombudsman")) == "agreed with the ombudsman"


def test_override_is_not_noted_where_all_gates_hold() -> None:
    assert gated(ref(), evaluation(), approval(override="just in case")) == ""


def test_champion_that_stayed_lets_the_comparison_hold() -> None:
    still_champion([], "default", evaluation())
    still_champion(entries(None), "default", evaluation())
    still_champion(entries(ref(1), None, None), "default", evaluation(ref(2), champion_version=1, champion_sequence=1))
    still_champion(entries(ref(1)), "north", evaluation())


@pytest.mark.parametrize(
    ("champions", "version", "sequence"),
    [
        ([ref(1)], None, 0),  # a first champion came in between
        ([ref(1), ref(3)], 1, 1),  # another promotion
        ([ref(1), ref(2), ref(1)], 1, 1),  # the candidate itself, promoted and rolled back
        ([ref(1)], 2, 1),  # it never was
        ([], 1, 0),
        ([ref(1)], 1, 5),  # entries are gone
    ],
)
def test_champion_that_changed_makes_the_comparison_stale(
    champions: list[ModelRef], version: int | None, sequence: int
) -> None:
    with pytest.raises(StaleComparisonError, match=r"promotion of main\.credit_risk\.default v2"):
        still_champion(
            entries(*champions), "default", evaluation(ref(2), champion_version=version, champion_sequence=sequence)
        )
