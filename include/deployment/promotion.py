"""Promotion, rollback and reconciliation: each decides on the journal's newest state and appends what follows.

MLflow's alias and head tag are set after the append. They only mirror the journal; where a crash came between, the
next promotion, rollback or the daily reconciliation repairs them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from include.deployment.entries import Entry, KeyState, State
from include.deployment.journal import Journal
from include.errors import (
    ApprovalError,
    ArtifactError,
    GateError,
    MissingMetricError,
    PermanentError,
    StaleComparisonError,
)
from include.governance.approvals import load_verified
from include.governance.policy import required_approvals
from include.models import artifact, registry
from include.naming import DEFAULT_KEY, model_name
from include.records import Approval, Evaluation, ModelRef
from include.spec import UseCase

CHAMPION = "champion"


@dataclass(frozen=True)
class Outcome:
    """What a request came to.

    Args:
        promoted: Whether the journal says so now.
        reason: One sentence for people.
        entry: The journal's entry; none where nothing was appended.
    """

    promoted: bool
    reason: str
    entry: Entry | None


def promote(
    spec: UseCase, ref: ModelRef, *, key: str = DEFAULT_KEY, run: str, at: dt.datetime, dry_run: bool = False
) -> Outcome:
    """Make a version the champion if its gates hold and those who must agree have agreed.

    Args:
        spec: The use case.
        ref: The version.
        key: Which model of the use case.
        run: The pipeline run; together with the version it is the request's id.
        at: Business time of the promotion.
        dry_run: Say what would happen, and append nothing.

    Raises:
        MissingMetricError: the primary metric was never computed.
        GateError: a gate does not hold and nobody overrode it in writing.
        ApprovalError: an approval is absent, expired, forged, of another model, or by somebody who may not give it.
        ArtifactError: the artifact on the store is not the one that was registered.
        StaleComparisonError: the champion is not the one that the candidate was compared with.
    """
    journal = Journal(spec.name)
    reconcile(spec, journal)
    request = f"promote {ref.name} v{ref.version} by {run}"
    if (done := journal.find(request)) is not None:
        return Outcome(True, f"{ref.name} v{ref.version} was promoted at sequence {done.sequence} before", done)
    evaluation = _evaluated(spec, ref)
    if evaluation.route is None:
        verdicts = "; ".join(f"{each.verdict} than {each.against}" for each in evaluation.comparisons)
        return Outcome(False, f"{ref.name} v{ref.version} earned no way to the champion's place: {verdicts}", None)
    approval = _approval(spec, ref, evaluation, run)
    if approval is not None and approval.answer == "Reject":
        return Outcome(False, f"{approval.approver} rejected v{ref.version}: {approval.comment or 'no comment'}", None)
    _gates_hold(evaluation, approval)
    _untouched(ref)

    def change(state: State) -> State:
        now = state.of(key)
        _still_champion(evaluation, now)
        return state.with_key(
            key, now.model_copy(update={"champion": ref, "champion_since": at, "previous": now.champion})
        )

    if dry_run:
        change(journal.state())
        return Outcome(False, f"dry run: v{ref.version} would be promoted by way of {evaluation.route}", None)
    entry = journal.append(
        change,
        request_id=request,
        action="promote",
        who=approval.approver if approval else f"policy {spec.risk.risk_class}",
        why=_why(evaluation, approval),
        evidence=_evidence(evaluation, approval, run),
        at=at,
    )
    reconcile(spec, journal)
    return Outcome(True, f"{ref.name} v{ref.version} is champion since sequence {entry.sequence}", entry)


def rollback(
    spec: UseCase,
    *,
    key: str = DEFAULT_KEY,
    who: str,
    why: str,
    request_id: str,
    at: dt.datetime,
    dry_run: bool = False,
) -> Outcome:
    """Restore the champion before the present one, in the journal and in MLflow's alias.

    Raises:
        PermanentError: there is no champion before.
    """
    journal = Journal(spec.name)
    reconcile(spec, journal)

    def change(state: State) -> State:
        now = state.of(key)
        if now.previous is None:
            raise PermanentError(
                expected="a champion before the present one",
                seen="none" if now.champion is None else f"v{now.champion.version} is the first, or was rolled back to",
                where=f"rollback of {spec.name}/{key}",
                next_step="promote another version, or switch the model off",
            )
        _untouched(now.previous)
        return state.with_key(
            key, now.model_copy(update={"champion": now.previous, "champion_since": at, "previous": None})
        )

    before = journal.state().of(key)
    done = journal.find(request_id)
    if dry_run and done is None:
        after = change(journal.state()).of(key)
        return Outcome(
            False, f"dry run: {_version(before.champion)} would give way to {_version(after.champion)}", None
        )
    entry = done or journal.append(
        change,
        request_id=request_id,
        action="rollback",
        who=who,
        why=why,
        evidence={"from": _version(before.champion), "to": _version(before.previous)},
        at=at,
    )
    reconcile(spec, journal)
    return Outcome(
        True, f"{_version(entry.state.of(key).champion)} is champion again, sequence {entry.sequence}", entry
    )


def reconcile(spec: UseCase, journal: Journal | None = None) -> list[str]:
    """Repair what MLflow mirrors of the journal, and return what was repaired.

    Raises:
        JournalError: the journal does not verify, or its head does not descend from the tag that MLflow carries.
    """
    journal = journal or Journal(spec.name)
    tag, entries = registry.head_tag(spec.name), journal.anchored()
    if not entries:
        return []
    head, repaired = entries[-1], []
    for key, state in head.state.keys.items():
        name, wanted = model_name(spec.name, key), state.champion.version if state.champion else None
        if (seen := registry.alias(name, CHAMPION)) != wanted:
            registry.set_alias(name, CHAMPION, wanted)
            repaired.append(f"alias {CHAMPION} of {name}: {seen} → {wanted}")
    if tag != (head.sequence, head.hash):
        registry.set_head_tag(spec.name, head.sequence, head.hash)
        repaired.append(f"head tag: {tag[0] if tag else 'none'} → {head.sequence}")
    return repaired


def _evaluated(spec: UseCase, ref: ModelRef) -> Evaluation:
    evaluation = registry.evaluation_of(ref)
    if evaluation.model != ref:
        raise ArtifactError(
            expected=f"the evaluation of v{ref.version} with digest {ref.digest[:16]}",
            seen=f"that of v{evaluation.model.version} with digest {evaluation.model.digest[:16]}",
            where=f"{ref.name} v{ref.version}",
            next_step="do not promote it; find out who changed the registry, and train again",
        )
    if spec.primary_metric not in evaluation.metrics or not evaluation.gates:
        raise MissingMetricError(
            expected=f"the metric {spec.primary_metric} and gates in the evaluation",
            seen=f"metrics {sorted(evaluation.metrics)} and {len(evaluation.gates)} gates",
            where=f"{ref.name} v{ref.version}",
            next_step="run the evaluation again",
        )
    return evaluation


def _approval(spec: UseCase, ref: ModelRef, evaluation: Evaluation, run: str) -> Approval | None:
    """Return the answer that this promotion rests on, none where the risk class asks for none."""
    approval = load_verified(spec.name, run)
    if not required_approvals(spec.risk.risk_class):
        return approval
    where = f"{ref.name} v{ref.version}, risk class {spec.risk.risk_class}"
    if approval is None:
        seen = "no signed answer of this run: the task may have been marked as successful by hand"
        raise _no_approval(where, "an approval by a person", seen, "clear the approval task, and have it answered")
    if approval.model != ref:
        seen = f"one of v{approval.model.version} with digest {approval.model.digest[:16]}"
        raise _no_approval(
            where, f"an approval of digest {ref.digest[:16]}", seen, "ask for an approval of this version"
        )
    if approval.approver not in spec.approvers:
        seen = f"{approval.approver or 'nobody'}"
        raise _no_approval(where, f"an answer by {', '.join(spec.approvers)}", seen, "have one of them answer")
    if not evaluation.originator or evaluation.originator_source == "unknown":
        raise _no_approval(
            where, "to know who asked for the training", "an unknown originator",
            f"trigger {spec.name}_retraining by hand, or let it come by schedule",
        )  # fmt: skip
    if approval.approver in evaluation.originator.split(","):
        seen = f"{approval.approver}, who asked for the training"
        raise _no_approval(where, "four eyes: an approver who is not the originator", seen, "have somebody else answer")
    return approval


def _gates_hold(evaluation: Evaluation, approval: Approval | None) -> None:
    if evaluation.passed or (approval is not None and approval.override.strip()):
        return
    failed = evaluation.failed_gates[0]
    raise GateError(
        expected=f"{failed.name}: {failed.required}",
        seen=failed.observed,
        where=f"{evaluation.model.name} v{evaluation.model.version}",
        next_step="mend the model; or clear the approval task, and write the reason for an override into its form",
    )


def _untouched(ref: ModelRef) -> None:
    if (seen := artifact.digest_of(ref)) != ref.digest:
        raise ArtifactError(
            expected=f"digest {ref.digest[:16]}, as it was registered",
            seen=f"digest {seen[:16]}: the files on the store were changed",
            where=f"artifact of {ref.name} v{ref.version}",
            next_step="do not use it; find out who wrote to the store, and train again",
        )


def _still_champion(evaluation: Evaluation, now: KeyState) -> None:
    seen = now.champion.version if now.champion else None
    if seen != evaluation.champion_version:
        raise StaleComparisonError(
            expected=f"{_version_name(evaluation.champion_version)} as champion, as when the candidate was compared",
            seen=_version_name(seen),
            where=f"promotion of {evaluation.model.name} v{evaluation.model.version}",
            next_step="ask for a training again; it will be compared with the champion of today",
        )


def _evidence(evaluation: Evaluation, approval: Approval | None, run: str) -> dict[str, Any]:
    return {
        "run": run,
        "mlflow_run": evaluation.model.run_id,
        "route": evaluation.route,
        "refresh_due": evaluation.refresh_due,
        "originator": evaluation.originator,
        "metrics": {name: str(each) for name, each in evaluation.metrics.items()},
        "comparisons": [f"{each.verdict} than {each.against}: {each.difference}" for each in evaluation.comparisons],
        "gates": [each.model_dump(mode="json") for each in evaluation.gates],
        "approval": approval.model_dump(mode="json") if approval else None,
        "override": approval.override if approval else "",
        "unattended": approval.unattended if approval else False,
    }


def _why(evaluation: Evaluation, approval: Approval | None) -> str:
    why = f"{evaluation.route}" + (f" ({evaluation.refresh_due})" if evaluation.refresh_due else "")
    if approval is None:
        return why
    notes = [f"approved by {approval.approver}", "unattended" * approval.unattended, approval.comment]
    notes += [f"OVERRIDE: {approval.override}"] if approval.override else []
    return "; ".join([why, *filter(None, notes)])


def _version(ref: ModelRef | None) -> str:
    return _version_name(ref.version if ref else None)


def _version_name(version: int | None) -> str:
    return f"v{version}" if version else "no model"


def _no_approval(where: str, expected: str, seen: str, next_step: str) -> ApprovalError:
    return ApprovalError(expected=expected, seen=seen, where=where, next_step=next_step)
