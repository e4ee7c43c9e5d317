"""Make a version the champion, take it back, and let MLflow show what the journal says.

The journal's entry *is* the promotion. Alias and head tag in MLflow are set after it and only mirror it, so a process
killed in between has promoted, and the next reconcile (at every deployment, and every night) repairs the mirror.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from include.deployment.eligibility import approved, evaluated, gated, still_champion
from include.deployment.entries import Entry, KeyState, State
from include.deployment.journal import Journal
from include.errors import ArtifactError, GateError, StaleComparisonError
from include.governance.approvals import load_verified
from include.governance.signatures import digest
from include.models import artifact, registry
from include.naming import DEFAULT_KEY, model_name
from include.records import Approval, Evaluation, ModelRef
from include.spec import UseCase

ALIAS = "champion"


@dataclass(frozen=True)
class Outcome:
    """What a promotion or a rollback did, or would do."""

    promoted: bool
    reason: str
    entry: Entry | None


def promote(
    spec: UseCase, ref: ModelRef, *, key: str = DEFAULT_KEY, run: str, at: dt.datetime, dry_run: bool = False
) -> Outcome:
    """Make a version the champion if, and only if, its gates hold and those who must agree have agreed.

    The same version in the same pipeline run is promoted once; a repeated call returns the entry it has made.

    Args:
        spec: The use case.
        ref: The version, with the digest it was registered with.
        key: Which model of the use case (a zone, a market).
        run: The pipeline run (``dag_id/run_id``), whose own approval is looked for.
        at: Business time.
        dry_run: Check everything, say what would happen, and change nothing.

    Returns:
        The outcome; without an entry where the comparison gave no way (which no override replaces), a person rejected
        it, it is champion already, or in a dry run.

    Raises:
        MissingMetricError: a number the decision needs was never computed.
        ApprovalError: an approval is absent, expired, forged, or given by somebody who may not give it.
        GateError: a gate does not hold, and nobody overrode it in writing.
        ArtifactError: the files on the store are not those that were evaluated and approved.
        StaleComparisonError: the champion changed after the comparison.
        JournalError: the journal does not verify.
        TransientError: S3 or MLflow is away; repeat the call.
    """
    journal = Journal(spec.name)
    request_id = f"promote {key} v{ref.version} in {run}"
    journal.anchored()
    if (mine := journal.find(request_id)) is not None:
        mirror(spec, journal)
        return Outcome(True, f"v{ref.version} was promoted by entry {mine.sequence} already", mine)
    if journal.state().of(key).champion == ref:
        mirror(spec, journal)
        return Outcome(False, f"v{ref.version} is champion already, promoted by another run", None)

    evaluation = registry.evaluation_of(ref)
    evaluated(spec, ref, key, evaluation)
    if evaluation.route is None:
        return Outcome(False, f"v{ref.version} earned no way to the champion's place: {_verdicts(evaluation)}", None)
    approval = load_verified(spec.name, run)
    if approval is not None and approval.answer == "Reject":
        said = f": {approval.comment}" if approval.comment else ""
        return Outcome(False, f"{approval.approver} rejected v{ref.version}{said}", None)
    approved(spec, ref, evaluation, approval)
    override = gated(ref, evaluation, approval)
    still_champion(journal.entries(), key, evaluation)
    _unaltered(ref)
    if dry_run:
        instead = f" in place of v{evaluation.champion_version}" if evaluation.champion_version else ""
        return Outcome(False, f"dry run: would promote v{ref.version}{instead} ({evaluation.route})", None)

    def change(state: State) -> State:
        still_champion(journal.known(), key, evaluation)
        old = state.of(key)
        new = {"champion": ref, "champion_since": at, "previous": old.champion}
        return state.with_key(key, old.model_copy(update=new))

    entry = journal.append(
        change,
        request_id=request_id,
        action="promote",
        who=approval.approver if approval else evaluation.originator,
        why=_why(evaluation, override),
        evidence=_evidence(evaluation, approval, override, run),
        at=at,
    )
    mirror(spec, journal)
    return Outcome(True, f"v{ref.version} is champion by entry {entry.sequence}: {entry.why}", entry)


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
    """Restore the champion before, with its age and its own predecessor; a repeated request does nothing more.

    Raises:
        GateError: there is no champion before.
        ArtifactError: its files on the store are not those that were registered.
        StaleComparisonError: the champion changed in this very moment.
        JournalError: the journal does not verify, or nobody says who and why.
        TransientError: S3 or MLflow is away; repeat the call.
    """
    journal = Journal(spec.name)
    entries = journal.anchored()
    if (mine := journal.find(request_id)) is not None:
        mirror(spec, journal)
        return Outcome(True, f"entry {mine.sequence} did this rollback already", mine)
    present = journal.state().of(key)
    if present.champion is None or present.previous is None:
        raise GateError(
            expected="a champion before the present one",
            seen=f"champion {_version(present.champion)}, before it {_version(present.previous)}",
            where=f"rollback of {spec.name}/{key}",
            next_step="promote another candidate, or switch the use case off",
        )
    before = _last_time(entries, key, present.previous)
    _unaltered(present.previous)
    done = f"{_version(present.previous)} in place of {_version(present.champion)}"
    if dry_run:
        return Outcome(False, f"dry run: would restore {done}", None)

    def change(state: State) -> State:
        now = state.of(key)
        if now.champion != present.champion:
            raise StaleComparisonError(
                expected=f"{_version(present.champion)} as champion",
                seen=_version(now.champion),
                where=f"rollback of {spec.name}/{key}",
                next_step="look at the journal and decide anew",
            )
        back = {name: getattr(before, name) for name in ("champion", "champion_since", "previous")}
        return state.with_key(key, now.model_copy(update=back))

    evidence = {"rolled_back": present.champion.model_dump(), "restored": present.previous.model_dump()}
    entry = journal.append(change, request_id=request_id, action="rollback", who=who, why=why, evidence=evidence, at=at)
    mirror(spec, journal)
    return Outcome(True, f"restored {done} by entry {entry.sequence}", entry)


def reconcile(spec: UseCase) -> list[str]:
    """Repair MLflow's aliases and head tag from the journal, and return what was repaired.

    Raises:
        JournalError: the journal does not verify, or its head does not descend from the tag: nothing is repaired.
        TransientError: S3 or MLflow is away.
    """
    journal = Journal(spec.name)
    journal.anchored()
    return mirror(spec, journal)


def mirror(spec: UseCase, journal: Journal) -> list[str]:
    """Set aliases and head tag to what a journal, checked against its anchor before, says; return what was changed."""
    changed: list[str] = []
    head = journal.head()
    state = head.state if head else State()
    for key in sorted({*state.keys, DEFAULT_KEY}):
        name, champion = model_name(spec.name, key), state.of(key).champion
        wanted, shown = champion.version if champion else None, registry.alias(name, ALIAS)
        if shown != wanted:
            registry.set_alias(name, ALIAS, wanted)
            changed.append(f"alias {ALIAS} of {name}: from {shown or 'nothing'} to {wanted or 'nothing'}")
    anchor = journal.anchor()
    if head is not None and (anchor is None or anchor.sequence < head.sequence):
        registry.set_head_tag(spec.name, head.sequence, head.hash)
        changed.append(f"head tag: from {anchor.sequence if anchor else 'nothing'} to {head.sequence}")
    return changed


def _unaltered(ref: ModelRef) -> None:
    if (seen := artifact.digest_of(ref)) != ref.digest:
        raise ArtifactError(
            expected=f"an artifact with digest {ref.digest[:16]}, as it was registered and evaluated",
            seen=f"digest {seen[:16]}",
            where=f"artifact of {ref.name} v{ref.version}",
            next_step="do not use it; find out who wrote to the store, and train again",
        )


def _last_time(entries: list[Entry], key: str, champion: ModelRef) -> KeyState:
    """Return the newest state in which a version was champion; a version before the present one always has one."""
    return next(state for each in reversed(entries) if (state := each.state.of(key)).champion == champion)


def _why(evaluation: Evaluation, override: str) -> str:
    parts = (f"{evaluation.route}: {_verdicts(evaluation)}", evaluation.refresh_due)
    return ". ".join([*filter(None, parts), *([f"Gates overridden: {override}"] if override else [])])


def _verdicts(evaluation: Evaluation) -> str:
    said = (f"{each.verdict} than {each.against} ({each.metric} {each.difference})" for each in evaluation.comparisons)
    return "; ".join(said) or "no comparison"


def _evidence(evaluation: Evaluation, approval: Approval | None, override: str, run: str) -> dict[str, Any]:
    text = evaluation.model_dump_json(indent=1)  # as it is stored with the run, so that anyone can compare the digest
    whole = json.loads(text)
    kept = ("family", "as_of", "originator", "originator_source", "route", "refresh_due", "metrics", "comparisons")
    return {
        **{name: whole[name] for name in (*kept, "gates", "champion_version", "champion_sequence")},
        "run": run,
        "mlflow_run": evaluation.model.run_id,
        "evaluation_sha256": digest(text.encode()),
        "approval": approval.model_dump(mode="json") if approval else None,
        "unattended": approval.unattended if approval else False,
        "override": override,
    }


def _version(ref: ModelRef | None) -> str:
    return f"v{ref.version}" if ref else "none"
