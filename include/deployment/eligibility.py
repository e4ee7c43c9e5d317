"""Whether a version may become champion: rules over what is known, each of which can be tried without a service.

Nothing is looked up here and nothing is changed; ``include.deployment.promotion`` brings the facts and acts.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from include.deployment.entries import Entry, State
from include.errors import ApprovalError, ArtifactError, GateError, MissingMetricError, StaleComparisonError
from include.governance.policy import required_approvals
from include.records import Approval, Evaluation, ModelRef
from include.spec import UseCase


def evaluated(spec: UseCase, ref: ModelRef, key: str, evaluation: Evaluation) -> None:
    """Check that an evaluation is this version's, and complete.

    Raises:
        ArtifactError: it describes another model, or another digest of this one.
        MissingMetricError: the primary metric or the gates were never computed.
    """
    where = f"evaluation of {ref.name} v{ref.version}"
    if (evaluation.use_case, evaluation.key, evaluation.model) != (spec.name, key, ref):
        seen = evaluation.model
        raise ArtifactError(
            expected=f"{spec.name}/{key} v{ref.version} with digest {ref.digest[:16]}",
            seen=f"{evaluation.use_case}/{evaluation.key} v{seen.version} with digest {seen.digest[:16]}",
            where=where,
            next_step="promote nothing that was not itself evaluated; train again",
        )
    metric = evaluation.metrics.get(spec.primary_metric)
    if metric is None or not math.isfinite(metric.value):
        raise MissingMetricError(
            expected=f"a value of the primary metric '{spec.primary_metric}'",
            seen=f"{metric} among {sorted(evaluation.metrics)}",
            where=where,
            next_step="look why the evaluation did not compute it, and train again",
        )
    if not evaluation.gates:
        raise MissingMetricError(
            expected="the result of every gate", seen="no gate at all", where=where, next_step="train again"
        )


def approved(spec: UseCase, ref: ModelRef, evaluation: Evaluation, approval: Approval | None) -> None:
    """Check that those have agreed whom the risk class asks for, and none of them asked for the training.

    Raises:
        ApprovalError: an approval is absent, is about another artifact, or is given by somebody who may not give it.
    """
    where = f"promotion of {ref.name} v{ref.version}"
    originators = {name.strip() for name in evaluation.originator.split(",")} - {""}
    if not originators or evaluation.originator_source == "unknown":
        raise ApprovalError(
            expected="to know who asked for the training",
            seen=f"originator '{evaluation.originator}', source {evaluation.originator_source}",
            where=where,
            next_step=f"trigger {spec.name}_retraining by hand or wait for its schedule",
        )
    required = required_approvals(spec.risk.risk_class)
    if approval is None:
        if required:
            raise ApprovalError(
                expected=f"{required} signed approval(s), as risk class {spec.risk.risk_class} asks for",
                seen="none for this run; the approval task may have been marked as successful by hand",
                where=where,
                next_step=f"clear the approval task and let one of {', '.join(spec.approvers)} answer it",
            )
        return
    if approval.model != ref:
        raise ApprovalError(
            expected=f"an approval of v{ref.version} with digest {ref.digest[:16]}",
            seen=f"one of {approval.model.name} v{approval.model.version} with digest {approval.model.digest[:16]}",
            where=where,
            next_step="clear the approval task, so that what is promoted is what was looked at",
        )
    if required > 1:
        raise ApprovalError(
            expected=f"{required} approvals",
            seen=f"one, of {approval.approver}",
            where=where,
            next_step="ask the others",
        )
    if approval.approver in originators or approval.approver not in spec.approvers:
        may = [name for name in spec.approvers if name not in originators]
        raise ApprovalError(
            expected=f"an approver among {may}, not who asked for the training ({', '.join(sorted(originators))})",
            seen=f"approved by '{approval.approver}'",
            where=where,
            next_step="clear the approval task and let another person answer",
        )


def gated(ref: ModelRef, evaluation: Evaluation, approval: Approval | None) -> str:
    """Return the written override that stands in for failed gates; empty where all gates hold.

    Raises:
        GateError: a gate failed, and nobody overrode it in writing.
    """
    if evaluation.passed:
        return ""
    override = approval.override.strip() if approval else ""
    if not override:
        raise GateError(
            expected=", ".join(f"{gate.name} {gate.required}" for gate in evaluation.failed_gates),
            seen=", ".join(f"{gate.name} {gate.observed}" for gate in evaluation.failed_gates),
            where=f"promotion of {ref.name} v{ref.version}",
            next_step="train a better model, or clear the approval task and give a written override",
        )
    return override


def still_champion(entries: Sequence[Entry], key: str, evaluation: Evaluation) -> None:
    """Check that the champion did not change since the candidate was compared with it.

    A change there and back counts too: what was rolled back must not return on its old comparison.

    Raises:
        StaleComparisonError: another promotion or a rollback came in between.
    """
    where = f"promotion of {evaluation.model.name} v{evaluation.model.version}"
    read_at, against = evaluation.champion_sequence, _named(evaluation.champion_version)
    next_step = (
        f"train again as of a later day ({evaluation.use_case}_retraining); it compares with the present champion"
    )
    if read_at > len(entries):
        seen = f"a journal that ends at entry {len(entries)}"
        raise StaleComparisonError(expected=f"entry {read_at}", seen=seen, where=where, next_step=next_step)
    before = entries[read_at - 1].state if read_at else State()
    for sequence, state in enumerate([before, *(entry.state for entry in entries[read_at:])], start=read_at):
        champion = state.of(key).champion
        version = champion.version if champion else None
        if version != evaluation.champion_version:
            raise StaleComparisonError(
                expected=f"{against} as champion since entry {read_at}, for that is what it was compared with",
                seen=f"{_named(version)} by entry {sequence}",
                where=where,
                next_step=next_step,
            )


def unpinned(state: State, key: str, ref: ModelRef) -> None:
    """Check that nobody holds another version in place.

    Raises:
        GateError: a person has pinned a version.
    """
    pin = state.of(key).pin
    if pin is not None and pin != ref:
        raise GateError(
            expected=f"no pinned version of {key}",
            seen=f"v{pin.version}, pinned by hand",
            where=f"promotion of {ref.name} v{ref.version}",
            next_step="nothing changes while a version is pinned; unpin it, then deploy again",
        )


def _named(version: int | None) -> str:
    return f"v{version}" if version else "no model"
