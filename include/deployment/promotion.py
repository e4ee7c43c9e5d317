"""Make a version the champion, take it back, and let MLflow show what the journal says.

The journal's entry *is* the promotion. Alias and head tag in MLflow are set after it and only mirror it, so a process
killed in between has promoted, and the next reconcile (at every deployment, and every night) repairs the mirror.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from include.deployment.eligibility import approved, evaluated, gated, still_champion, unpinned
from include.deployment.entries import Entry, KeyState, State
from include.deployment.journal import Journal
from include.deployment.window import next_opening
from include.errors import ApprovalError, ArtifactError, GateError, MissingMetricError, StaleComparisonError
from include.governance.approvals import load_verified
from include.governance.signatures import digest
from include.models import artifact, registry
from include.naming import DEFAULT_KEY, model_name
from include.records import Approval, Evaluation, ModelRef
from include.spec import UseCase

ALIAS = "champion"


@dataclass(frozen=True)
class Outcome:
    """What a promotion or a rollback did, or would do; ``left`` says of many keys which did not move, and why."""

    promoted: bool
    reason: str
    entry: Entry | None
    left: Mapping[str, str] = field(default_factory=dict)


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
    journal, request_id = Journal(spec.name), f"promote {key} v{ref.version} in {run}"
    if (done := _done(spec, journal, {key: ref}, request_id) or waits(spec, at)) is not None:
        return done
    cleared = clear(spec, journal, ref, key, run)
    if isinstance(cleared, str):
        return Outcome(False, cleared, None)
    return _move(spec, journal, [cleared], request_id=request_id, run=run, at=at, dry_run=dry_run)


def promote_many(
    spec: UseCase, refs: Mapping[str, ModelRef], *, run: str, at: dt.datetime, dry_run: bool = False
) -> Outcome:
    """Make one version for each key (zones, markets) the champion, all in one entry, as ``promote`` does for one.

    A key whose version may not move keeps its champion, and the outcome says why; the others go on without it.

    Raises:
        JournalError: the journal does not verify.
        TransientError: S3 or MLflow is away; repeat the call.
    """
    named = ", ".join(f"{key} v{refs[key].version}" for key in sorted(refs))
    journal, request_id = Journal(spec.name), f"promote {digest(named.encode())[:16]} in {run}"
    if (done := _done(spec, journal, refs, request_id) or waits(spec, at)) is not None:
        return done
    cleared, left = [], {}
    for key in sorted(refs):
        try:
            found = clear(spec, journal, refs[key], key, run)
        except (MissingMetricError, ApprovalError, GateError, ArtifactError, StaleComparisonError) as error:
            found = str(error)
        if isinstance(found, str):
            left[key] = found
        else:
            cleared.append(found)
    if not cleared:
        return Outcome(False, f"none of {len(refs)} versions may move", None, left)
    moved = _move(spec, journal, cleared, request_id=request_id, run=run, at=at, dry_run=dry_run)
    return replace(moved, left=left)


def waits(spec: UseCase, at: dt.datetime) -> Outcome | None:
    """Return what a promotion comes to outside of the window in which a champion may change; none inside of it."""
    if (opening := next_opening(spec, at)) is None:
        return None
    return Outcome(
        False,
        f"{at:%Y-%m-%d %H:%M} UTC is outside of the window in which a champion may change; the newest candidates wait "
        f"until {opening:%Y-%m-%d %H:%M} UTC",
        None,
    )


@dataclass(frozen=True)
class Cleared:
    """A version that may become the champion of its key now, and on what grounds."""

    key: str
    ref: ModelRef
    evaluation: Evaluation
    approval: Approval | None
    override: str


def _done(spec: UseCase, journal: Journal, refs: Mapping[str, ModelRef], request_id: str) -> Outcome | None:
    """Return the outcome of a promotion that has happened already, after its mirror was made whole."""
    journal.anchored()
    named = ", ".join(f"v{refs[key].version}" for key in sorted(refs))
    if (mine := journal.find(request_id)) is not None:
        mirror(spec, journal)
        return Outcome(True, f"{named} was promoted by entry {mine.sequence} already", mine)
    state = journal.state()
    if all(state.of(key).champion == ref for key, ref in refs.items()):
        mirror(spec, journal)
        return Outcome(False, f"{named} is champion already, promoted by another run", None)
    return None


def clear(spec: UseCase, journal: Journal, ref: ModelRef, key: str, run: str) -> Cleared | str:
    """Return what a version's way to its first case rests on, or why it may not go it though nothing is wrong.

    Raises:
        MissingMetricError, ApprovalError, GateError, ArtifactError, StaleComparisonError: as ``promote``.
    """
    evaluation = registry.evaluation_of(ref)
    evaluated(spec, ref, key, evaluation)
    if evaluation.route is None:
        return f"v{ref.version} earned no way to the champion's place: {_verdicts(evaluation)}"
    approval = load_verified(spec.name, run)
    if approval is not None and approval.answer == "Reject":
        said = f": {approval.comment}" if approval.comment else ""
        return f"{approval.approver} rejected v{ref.version}{said}"
    approved(spec, ref, evaluation, approval)
    override = gated(ref, evaluation, approval)
    still_champion(journal.entries(), key, evaluation)
    unpinned(journal.state(), key, ref)
    _unaltered(ref)
    return Cleared(key, ref, evaluation, approval, override)


def _move(
    spec: UseCase,
    journal: Journal,
    cleared: Sequence[Cleared],
    *,
    request_id: str,
    run: str,
    at: dt.datetime,
    dry_run: bool,
) -> Outcome:
    """Append the one entry that makes the cleared versions champions, and mirror it."""
    named = ", ".join(f"v{each.ref.version}" for each in cleared)
    if dry_run:
        instead = ", ".join(f"v{old}" for each in cleared if (old := each.evaluation.champion_version))
        ways = ", ".join(sorted({str(each.evaluation.route) for each in cleared}))
        return Outcome(
            False, f"dry run: would promote {named}{f' in place of {instead}' if instead else ''} ({ways})", None
        )

    def change(state: State) -> State:
        for each in cleared:
            still_champion(journal.known(), each.key, each.evaluation)
            unpinned(state, each.key, each.ref)
            state = state.with_key(each.key, state.of(each.key).promoted(each.ref, at))
        return state

    first = cleared[0]
    grounds = {each.key: grounds_of(each, run) for each in cleared}
    entry = journal.append(
        change,
        request_id=request_id,
        action="promote",
        who=first.approval.approver if first.approval else first.evaluation.originator,
        why="; ".join(_why(each, alone=len(cleared) == 1) for each in cleared),
        evidence=grounds[first.key] if len(cleared) == 1 else {"run": run, "keys": grounds},
        at=at,
    )
    mirror(spec, journal)
    return Outcome(True, f"{named} is champion by entry {entry.sequence}: {entry.why}", entry)


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
    if present.pin is not None:
        raise GateError(
            expected=f"no pinned version of {key}",
            seen=f"{_version(present.pin)}, which decides whatever the champion is",
            where=f"rollback of {spec.name}/{key}",
            next_step="unpin it, then roll back",
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
        return state.with_key(key, now.restored(before))

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


def _why(cleared: Cleared, *, alone: bool) -> str:
    evaluation = cleared.evaluation
    if not alone:
        return f"{cleared.key} {evaluation.route} ({evaluation.family})"
    parts = (f"{evaluation.route}: {_verdicts(evaluation)}", evaluation.refresh_due)
    return ". ".join([*filter(None, parts), *([f"Gates overridden: {cleared.override}"] if cleared.override else [])])


def _verdicts(evaluation: Evaluation) -> str:
    said = (f"{each.verdict} than {each.against} ({each.metric} {each.difference})" for each in evaluation.comparisons)
    return "; ".join(said) or "no comparison"


def grounds_of(cleared: Cleared, run: str) -> dict[str, Any]:
    """Return what an entry about a cleared version keeps as its evidence."""
    evaluation, approval = cleared.evaluation, cleared.approval
    whole = evaluation.model_dump(mode="json")
    kept = ("family", "as_of", "originator", "originator_source", "route", "refresh_due", "metrics", "comparisons")
    return {
        **{name: whole[name] for name in (*kept, "gates", "champion_version", "champion_sequence")},
        "run": run,
        "mlflow_run": evaluation.model.run_id,
        "evaluation_sha256": digest(registry.evaluation_text(cleared.ref).encode()),
        "approval": approval.model_dump(mode="json") if approval else None,
        "unattended": approval.unattended if approval else False,
        "override": cleared.override,
    }


def _version(ref: ModelRef | None) -> str:
    return f"v{ref.version}" if ref else "none"
