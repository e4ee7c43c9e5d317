"""Let a new model see real requests before it decides about all of them: shadow, then a share, then the promotion.

A model enters the shadow on the same grounds as it would be promoted: gates, approval, the champion of this moment.
From then on each step only moves the share, and whatever changes the champion ends the split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from include.deployment.controls import Asked, Done
from include.deployment.entries import KeyState, State
from include.deployment.journal import Journal
from include.deployment.promotion import clear, grounds_of, mirror
from include.errors import GateError, StaleComparisonError
from include.naming import DEFAULT_KEY
from include.records import ModelRef
from include.spec import UseCase


def shadow(spec: UseCase, ref: ModelRef, *, key: str = DEFAULT_KEY, run: str, asked: Asked) -> Done:
    """Let a version score every request beside the champion, without deciding about any.

    Args:
        spec: The use case.
        ref: The version.
        key: Which model of the use case.
        run: The pipeline run (``dag_id/run_id``), whose own approval is looked for.
        asked: Who, why, when.

    Raises:
        GateError: there is no champion to stand beside, or another model shares its requests already.
        MissingMetricError, ApprovalError, ArtifactError, StaleComparisonError: as a promotion.
    """
    journal = Journal(spec.name)
    journal.anchored()
    if (mine := journal.find(asked.request_id)) is not None:
        return Done(f"entry {mine.sequence} did this already", mine)
    found = clear(spec, journal, ref, key, run)
    if isinstance(found, str):
        return Done(found, None)
    _alone(spec, journal.state().of(key), ref, key)
    if asked.dry_run:
        return Done(f"dry run: would let v{ref.version} score in the shadow of {key}", None)

    def change(state: State) -> State:
        _alone(spec, state.of(key), ref, key)
        return state.with_key(key, state.of(key).model_copy(update={"shadow": ref}))

    entry = journal.append(
        change, request_id=asked.request_id, action="shadow", who=asked.who, why=asked.why,
        evidence=grounds_of(found, run), at=asked.at,
    )  # fmt: skip
    mirror(spec, journal)
    return Done(f"v{ref.version} scores in the shadow of {key} by entry {entry.sequence}", entry)


def split(
    spec: UseCase,
    ref: ModelRef,
    weight: float,
    *,
    key: str = DEFAULT_KEY,
    salt: str,
    asked: Asked,
    evidence: Mapping[str, Any],
) -> Done:
    """Let a version that was in the shadow, or has a share already, decide about a share of the cases.

    Args:
        spec: The use case.
        ref: The version.
        weight: Its share, above 0 and up to 1.
        key: Which model of the use case.
        salt: Name of the rollout or experiment; the same name keeps each case on its side while the share grows.
        asked: Who, why, when.
        evidence: What the step rests on: the numbers of the step before.

    Raises:
        StaleComparisonError: the version is no longer the one in the shadow or with a share.
    """

    def change(state: State) -> State:
        now = state.of(key)
        _still(spec, now, ref, key)
        share = {"challenger": ref, "shadow": None, "canary_weight": weight, "salt": salt}
        return state.with_key(key, now.model_copy(update=share))

    return _append(spec, change, f"split {weight:.0%}", ref, key, asked, evidence)


def abort(spec: UseCase, ref: ModelRef, *, key: str = DEFAULT_KEY, asked: Asked, evidence: Mapping[str, Any]) -> Done:
    """Give all cases back to the champion, and take the version out of the shadow.

    Raises:
        StaleComparisonError: the version is no longer the one in the shadow or with a share.
    """

    def change(state: State) -> State:
        _still(spec, state.of(key), ref, key)
        return state.with_key(key, state.of(key).unsplit())

    return _append(spec, change, "abort", ref, key, asked, evidence)


def _append(
    spec: UseCase, change: Callable[[State], State], action: str, ref: ModelRef, key: str, asked: Asked,
    evidence: Mapping[str, Any],
) -> Done:  # fmt: skip
    journal = Journal(spec.name)
    journal.anchored()
    if asked.dry_run:
        change(journal.state())
        return Done(f"dry run: would {action} v{ref.version} of {key}", None)
    entry = journal.append(
        change, request_id=asked.request_id, action=action.partition(" ")[0], who=asked.who, why=asked.why,
        evidence={"model": ref.model_dump(), **evidence}, at=asked.at,
    )  # fmt: skip
    mirror(spec, journal)
    return Done(f"{action} v{ref.version} of {key} by entry {entry.sequence}", entry)


def _alone(spec: UseCase, now: KeyState, ref: ModelRef, key: str) -> None:
    if now.champion is None:
        raise GateError(
            expected=f"a champion of {key} to stand beside",
            seen="none",
            where=f"shadow of {ref.name} v{ref.version}",
            next_step=f"promote the first model with {spec.name}_deploy",
        )
    others = [f"v{each.version}" for each in (now.shadow, now.challenger) if each not in (None, ref)]
    if others:
        raise GateError(
            expected=f"no other model beside the champion of {key}",
            seen=", ".join(others),
            where=f"shadow of {ref.name} v{ref.version}",
            next_step="let its rollout end, or break it off first",
        )


def _still(spec: UseCase, now: KeyState, ref: ModelRef, key: str) -> None:
    if ref not in (now.shadow, now.challenger):
        shared = next((f"v{each.version}" for each in (now.challenger, now.shadow) if each is not None), "none")
        raise StaleComparisonError(
            expected=f"v{ref.version} in the shadow of {key} or with a share",
            seen=f"{shared}, beside champion v{now.champion.version if now.champion else '?'}",
            where=f"rollout of {spec.name}/{key}",
            next_step="the champion changed or the rollout was broken off by hand; start a new one",
        )
