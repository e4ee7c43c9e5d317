"""What a monitor does by itself: roll back, or stop until a person has looked; each is an entry of the journal.

A retraining is only asked for; that is an event, and the DAG's. A stop is the off switch that people have: the
fall-back answers, nothing is scored and nothing trained, until somebody switches on again and says why.
"""

from __future__ import annotations

import datetime as dt

from include.deployment.controls import Asked, switch
from include.deployment.journal import Journal
from include.deployment.promotion import rollback
from include.monitoring.verdict import Verdict
from include.spec import UseCase

WHO = "monitor"


def respond(spec: UseCase, verdict: Verdict, *, key: str, run: str, at: dt.datetime, dry_run: bool = False) -> str:
    """Do what a verdict says about a key, once, and return what was done; an empty text where nothing was.

    Raises:
        GateError: there is no champion before that could be restored.
        TransientError: S3 or MLflow is away; the same call again does no harm.
    """
    request = f"{verdict.word} {key} in {run}"
    if verdict.word == "roll back":
        return rollback(spec, key=key, who=WHO, why=verdict.reason, request_id=request, at=at, dry_run=dry_run).reason
    if verdict.word == "stop":
        asked = Asked(who=WHO, why=verdict.reason, request_id=request, at=at, dry_run=dry_run)
        return switch(spec, [key], on=False, asked=asked).said
    return ""


def stopped(spec: UseCase) -> dict[str, str]:
    """Return why a monitor has stopped a key, by key; nothing is trained for it until a person lifts that."""
    why: dict[str, str] = {}
    for entry in Journal(spec.name).entries():
        for key in spec.keys:
            state = entry.state.of(key)
            if state.switch_on:
                why.pop(key, None)
            elif entry.who == WHO:
                why[key] = state.switch_reason
    return why


def released_on(spec: UseCase, key: str) -> dt.date | None:
    """Return the first day behind what a person has looked at: that of the last time a stop was lifted."""
    lifted, on = None, True
    for entry in Journal(spec.name).entries():
        now_on = entry.state.of(key).switch_on
        lifted = entry.at.date() if now_on and not on else lifted
        on = now_on
    return lifted
