"""Signed approvals: what a person answered, as the task that received it wrote it down.

An approval is kept by the DAG run that asked, so a promotion finds the answer of its own run and of no other. A task
that was merely marked as successful leaves none.
"""

from __future__ import annotations

import datetime as dt

from pydantic import ValidationError

from include.data.objects import ObjectStore
from include.errors import ApprovalError
from include.governance.signatures import digest, opened, sign
from include.naming import approval_path
from include.records import Approval

DOMAIN = "flightdeck approval"


def sign_and_store(approval: Approval) -> str:
    """Sign an answer and store it, and return its path; an answer to a repeated question replaces the one before.

    Raises:
        ApprovalError: the answer carries no person, or times without a zone.
        TransientError: the store is away.
    """
    _check(approval)
    path = _path(approval.use_case, approval.run)
    ObjectStore().put(path, sign(approval.model_dump(mode="json"), domain=DOMAIN))
    return path


def load_verified(use_case: str, run: str) -> Approval | None:
    """Return the answer that a DAG run has received, none where it has received none.

    Expiry is the one thing here that the wall clock decides, for a person's consent ages in real days.

    Args:
        use_case: Name of the use case.
        run: The pipeline run, as the approval was signed with.

    Raises:
        ApprovalError: the approval was forged, edited, copied from another run, or has expired.
        TransientError: the store is away.
    """
    path = _path(use_case, run)
    body = ObjectStore().get(path)
    if body is None:
        return None
    try:
        approval = Approval.model_validate(opened(body, domain=DOMAIN))
    except (ValueError, ValidationError) as error:
        raise _refused("an approval as the approval task signed it", str(error), path) from error
    if (approval.use_case, approval.run) != (use_case, run):
        raise _refused(f"the answer to {use_case} {run}", f"one to {approval.use_case} {approval.run}", path)
    _check(approval)
    if (now := dt.datetime.now(dt.UTC)) > approval.expires_at:
        raise ApprovalError(
            expected=f"an approval that is valid at {now:%Y-%m-%d %H:%M} UTC",
            seen=f"one of {approval.approver} that expired at {approval.expires_at.astimezone(dt.UTC):%Y-%m-%d %H:%M}",
            where=f"approval {path}",
            next_step="clear the approval task, so that the question is asked again",
        )
    return approval


def _path(use_case: str, run: str) -> str:
    return approval_path(use_case, digest(run.encode()))


def _check(approval: Approval) -> None:
    where = f"approval of {approval.model.name} v{approval.model.version} in {approval.run}"
    if not approval.approver.strip():
        raise _refused("the name of the person who answered", "none: a program or a time-out answered", where)
    if approval.answered_at.tzinfo is None or approval.expires_at.tzinfo is None:
        raise _refused("times with a zone", f"{approval.answered_at} and {approval.expires_at}", where)


def _refused(expected: str, seen: str, where: str) -> ApprovalError:
    return ApprovalError(
        expected=expected,
        seen=seen,
        where=where,
        next_step="promote nothing; find out who wrote it, and clear the approval task to ask again",
    )
