"""What the prediction log says about a model that shares requests with the champion: go on, break off, or wait.

The service never decides this: it splits the requests as the journal says and logs them. Whoever asks here, again and
again, gets the same answer for the same log. The side of a request follows from its unit's hash, so an answer that the
fall-back gave still counts for the model that should have given it.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field

from include.data.tables import Table
from include.deployment.assignment import variant_of
from include.deployment.entries import Entry
from include.errors import PermanentError
from include.experiments import guardrails
from include.experiments.guardrails import GuardrailResult
from include.records import Record
from include.spec import Rollout, UseCase

REQUESTS = "requests"
CHAMPION, CHALLENGER, SHADOW, FALLBACK = "champion", "challenger", "shadow", "fallback"
_COLUMNS = [
    "request_id", "key", "unit", "at", "variant", "model_version", "sequence", "decision", "flags", "latency_ms",
]  # fmt: skip


class Seen(Record):
    """What a step of a rollout has shown so far."""

    verdict: Literal["waiting", "broken", "passed"]
    answers: int = Field(description="answers of the new model's so far")
    needed: int
    guardrails: tuple[GuardrailResult, ...] = ()

    @property
    def said(self) -> str:
        """Return the verdict in a sentence."""
        seen = "; ".join(result.said for result in self.guardrails) or "nothing was looked at yet"
        return f"{self.verdict} after {self.answers} of {self.needed} answers: {seen}"


def rollout_of(spec: UseCase) -> Rollout:
    """Return how the use case hands its requests over.

    Raises:
        PermanentError: its spec does not say.
    """
    if spec.rollout is None:
        raise PermanentError(
            expected=f"a 'rollout' in the spec of {spec.name}",
            seen="none",
            where="rollout",
            next_step="say in the spec how requests are handed over, or promote with the deploy DAG",
        )
    return spec.rollout


def look(spec: UseCase, key: str, step: Entry) -> Seen:
    """Return what has been seen since a step was taken.

    Args:
        spec: The use case.
        key: Which of its models.
        step: The entry that put the model into the shadow or gave it its share.

    Raises:
        TransientError: the store is away.
    """
    how, state = rollout_of(spec), step.state.of(key)
    rows = _rows(spec, key, step)
    sides = _shadowed(rows) if state.shadow is not None else _split(spec, key, rows, step)
    theirs = sides["side"] == CHALLENGER
    answers, needed = int(theirs.sum()), how.min_requests
    each = math.ceil(needed / how.looks)
    complete = min(answers // each, how.looks)
    if not complete:
        return Seen(verdict="waiting", answers=answers, needed=needed)
    period = np.minimum((theirs.cumsum() - theirs) // each, how.looks - 1)
    frame = pd.DataFrame(
        {
            "unit": sides["unit"] + "/" + sides["side"],
            "variant": sides["side"],
            "period": period,
            "fallback": (sides["variant"] == FALLBACK).astype(int),
            "flagged": (sides["flags"] != "[]").astype(int),
            "declined": (sides["decision"] == "decline").astype(int),
            "slow": (sides["latency_ms"] > how.slow_ms).astype(int),
        }
    )
    watched = [guardrails.Guardrail(name=each.metric, tolerated=each.tolerated) for each in how.guardrails]
    results = guardrails.check(frame, watched, periods=how.looks, until=complete - 1, level=how.level)
    broken = guardrails.worst(results) == "broken"
    verdict: Literal["waiting", "broken", "passed"] = "waiting"
    if broken or complete == how.looks:
        verdict = "broken" if broken else "passed"
    return Seen(verdict=verdict, answers=answers, needed=needed, guardrails=results)


def _rows(spec: UseCase, key: str, step: Entry) -> pd.DataFrame:
    """Return the log since a step, in the order of time."""
    table = Table(spec.name, REQUESTS)
    # Its own day, and one for a clock that is behind: older requests cannot be of this step, and there may be many.
    first_day = step.at.date() - dt.timedelta(days=1)
    rows = table.read(first_day=first_day, columns=_COLUMNS) if table.exists() else pd.DataFrame(columns=_COLUMNS)
    since = rows.loc[(rows["key"] == key) & (rows["sequence"] >= step.sequence)]
    return since.sort_values(["at", "request_id"], kind="stable").reset_index(drop=True)


def _split(spec: UseCase, key: str, rows: pd.DataFrame, step: Entry) -> pd.DataFrame:
    state = step.state.of(key)
    answered = rows.loc[rows["variant"] != SHADOW].reset_index(drop=True)
    side = [
        variant_of(unit, salt=state.salt, use_case=spec.name, key=key, weight=state.canary_weight)
        for unit in answered["unit"]
    ]
    return answered.assign(side=pd.Series(side, dtype="str"))


def _shadowed(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the shadow's answers as one side, and the answers that they stand beside as the other."""
    shadow = rows.loc[rows["variant"] == SHADOW]
    beside = set(shadow["request_id"].str.removesuffix("/shadow"))
    answered = rows.loc[rows["request_id"].isin(beside)]
    sides = pd.concat([answered.assign(side=CHAMPION), shadow.assign(side=CHALLENGER)])
    return sides.sort_values(["at", "request_id"], kind="stable").reset_index(drop=True)
