"""Promote the newest candidate of each key: what a night's deployment does, and the opening of the window."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from include.deployment.journal import Journal
from include.deployment.promotion import Outcome, promote_many, waits
from include.models import registry
from include.records import ModelRef
from include.spec import UseCase

Check = Callable[[Mapping[str, ModelRef]], None]


def candidates(spec: UseCase, as_of: dt.date) -> dict[str, ModelRef]:
    """Return the newest version of each key up to a day, where it is not the champion already."""
    state, found = Journal(spec.name).state(), {}
    for key in spec.keys:
        newest = registry.newest(spec, as_of, key=key)
        if newest is not None and newest != state.of(key).champion:
            found[key] = newest
    return found


def promote_newest(spec: UseCase, *, as_of: dt.date, at: dt.datetime, run: str, check: Check) -> Outcome:
    """Test the newest candidates, and make those that may move champions, all in one entry; by day none moves.

    Args:
        spec: The use case.
        as_of: Newest day that a candidate may be of.
        at: Business time; outside of the promotion window the candidates wait.
        run: The pipeline run.
        check: Tests artifacts in a clean process; raises for one that fails.

    Raises:
        ArtifactError: an artifact does not load, or answers otherwise than at its training.
        GateError: one is too large or too slow.
        JournalError: the journal does not verify.
        TransientError: S3 or MLflow is away; repeat the call.
    """
    found = candidates(spec, as_of)
    if not found:
        return Outcome(False, f"nothing new up to {as_of}", None)
    if (waiting := waits(spec, at)) is not None:  # before the artifacts are tested: that would be done again tonight
        return waiting
    if wanted := {key: ref for key, ref in found.items() if registry.evaluation_of(ref).route is not None}:
        check(wanted)
    return promote_many(spec, found, run=run, at=at)
