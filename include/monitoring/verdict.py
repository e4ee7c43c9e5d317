"""One word about a champion, with the reason, the evidence, and what is done: a pure function of facts and policy.

The findings are looked at in the order of the harm that is done by getting them wrong. Wrong data comes first, for
whatever else is seen on it says nothing about the model; then what is harmful now; then what a newer model may mend.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from include.monitoring.backoff import Backoff, backoff
from include.monitoring.evidence import Evidence
from include.policy import Policy
from include.records import Comparison, Record

Word = Literal["healthy", "watch", "retrain", "roll back", "stop", "not judged"]


class Verdict(Record):
    """What a monitor says of a champion, and what follows."""

    word: Word = Field(
        description="healthy; watch: something is seen, nothing is changed; retrain: a training is asked for; roll "
        "back: the champion before decides again; stop: the fall-back answers until a person has looked; not judged"
    )
    reason: str = Field(description="one sentence")
    lines: tuple[str, ...] = Field(description="all evidence that was looked at, a sentence each")
    call: bool = Field(default=False, description="whether the team is called")


def verdict(evidence: Evidence, policy: Policy, *, window_days: int) -> Verdict:
    """Return what the evidence comes to under a policy.

    Args:
        evidence: What was found.
        policy: What follows from it.
        window_days: Length of a window, by which a back-off is counted.
    """
    waiting = backoff(policy, evidence.attempts, window_days=window_days)
    word, reason, call = _concluded(evidence, policy, waiting)
    call = call or bool(evidence.unfair or evidence.operations)  # neither is mended by what else may follow
    return Verdict(word=word, reason=reason, lines=_lines(evidence, policy, waiting), call=call)


def _concluded(evidence: Evidence, policy: Policy, waiting: Backoff) -> tuple[Word, str, bool]:
    if evidence.data_fault:
        said = f"the data is wrong ({evidence.cause}): {evidence.cause_said}; nothing is learned from it"
        return ("stop", said, True) if policy.on_data_fault == "stop" else ("watch", said, True)
    if evidence.unfair and policy.on_unfair == "stop":
        return "stop", f"unfair: {'; '.join(evidence.unfair)}", True
    if evidence.before is not None and evidence.before.verdict == "worse":
        return _lost(evidence, policy, f"worse than the champion before: {_paired(evidence.before)}")
    if evidence.truth is not None and evidence.truth.broken(policy.margin):
        said = f"worse than promised: {evidence.truth.said}{_because(evidence)}"
        return _newer(evidence, policy.on_performance, waiting, said)
    if evidence.drift is not None and evidence.drift.confirmed:
        said = f"drift confirmed: {evidence.drift.said}{_because(evidence)}"
        answer = policy.on_selection if evidence.cause == "selection" else policy.on_drift
        return _newer(evidence, answer, waiting, said)
    return _watched(evidence, policy)


def _lost(evidence: Evidence, policy: Policy, said: str) -> tuple[Word, str, bool]:
    if evidence.held:
        return "watch", f"{said}; not rolled back: {evidence.held}", True
    return ("roll back", said, True) if policy.on_lost == "roll back" else ("watch", said, True)


def _newer(
    evidence: Evidence, answer: Literal["retrain", "watch", "call"], waiting: Backoff, said: str
) -> tuple[Word, str, bool]:
    """Ask for a training where the policy wants one and the last ones do not forbid it."""
    if answer != "retrain":
        return "watch", said, answer == "call"
    if waiting.waits(evidence.as_of):
        return "watch", f"{said}; {waiting.said}", waiting.exhausted
    return "retrain", said, False


def _watched(evidence: Evidence, policy: Policy) -> tuple[Word, str, bool]:
    drift, truth = evidence.drift, evidence.truth
    seen = []
    if drift is not None and drift.drifted:
        seen.append(f"{drift.line}{_because(evidence)}")
    if evidence.estimate is not None and evidence.estimate.broken(policy.margin):
        seen.append(f"worse than promised by its own scores, truth is to come: {evidence.estimate.said}")
    seen += [*(f"unfair: {each}" for each in evidence.unfair), *(f"operations: {each}" for each in evidence.operations)]
    if seen:
        return "watch", "; ".join(seen), False
    if truth is None and (drift is None or not drift.judged):
        return "not judged", drift.said if drift else "neither drift nor truth was looked at", False
    kept = [truth.said] if truth else []
    calm = ["no drift"] if drift is not None and drift.judged else []
    return "healthy", "; ".join(calm + kept), False


def _lines(evidence: Evidence, policy: Policy, waiting: Backoff) -> tuple[str, ...]:
    lines = [] if evidence.drift is None else [evidence.drift.line]
    if evidence.cause != "none":
        lines.append(f"cause: {evidence.cause}, {evidence.cause_said}")
    for name, found in (("truth", evidence.truth), ("estimate", evidence.estimate)):
        if found is not None:
            lines.append(f"{name}: {found.said}{', broken' if found.broken(policy.margin) else ''}")
    if evidence.before is not None:
        lines.append(f"champion before: {_paired(evidence.before)}")
    lines += [
        *(f"unfair: {each}" for each in evidence.unfair),
        *(f"operations: {each}" for each in evidence.operations),
    ]
    return (*lines, f"retrainings: {waiting.said}")


def _because(evidence: Evidence) -> str:
    return "" if evidence.cause == "none" else f"; cause: {evidence.cause}, {evidence.cause_said}"


def _paired(found: Comparison) -> str:
    return f"{found.metric} {found.difference} against {found.against} over {found.rows} rows, {found.verdict}"
