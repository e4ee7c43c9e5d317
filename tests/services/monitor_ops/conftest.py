"""Real clients, a quick model of them, and weeks in which something happens to the deliveries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd
import pytest

from include.classification import Candidate
from include.clock import business_time
from include.data.ingest import ingest
from include.data.sources import Batch
from include.deployment.journal import Journal
from include.deployment.promotion import promote
from include.monitor_ops.monitor import MonitorResult, monitor
from include.naming import DEFAULT_KEY
from include.serving.batch import score_pending
from include.spec import Risk
from include.use_cases import credit_risk
from tests.conftest import REPLAY_START
from tests.services.models.conftest import train

Change = Callable[[pd.DataFrame, pd.DataFrame], tuple[pd.DataFrame, pd.DataFrame]]
WEEK = dt.timedelta(days=7)
HISTORY = 42
SPEC = credit_risk.SPEC.model_copy(
    update={
        "name": "clients",
        "source": credit_risk.SPEC.source.model_copy(
            update={"fetch": "tests.services.monitor_ops.conftest:fetch", "history_days": HISTORY}
        ),
        "candidates": (
            Candidate(name="logistic", build="include.models.candidates:logistic", search={"C": (1.0,)}),
        ),
        "risk": Risk(likelihood=1, impact=2, reasons=("No person is asked about a model of the tests.",)),
        "gates": credit_risk.SPEC.gates.model_copy(update={"raises_risk": ()}),
        "label_delay_days": 7,
        "fresh_days": 14,
        "search_budget": 1,
    }
)  # fmt: skip
happening: dict[dt.date, Change] = {}


def fetch(spec, day: dt.date) -> Batch:
    """Return a day's clients, with what happens to them on that day."""
    batch = credit_risk.fetch(spec, day)
    if day not in happening:
        return batch
    rows, truth = happening[day](batch.rows, batch.truth)
    return Batch(rows=rows, truth=truth)


@dataclass
class Bank:
    """A bank that goes from week to week."""

    last_day: dt.date = REPLAY_START - dt.timedelta(days=1)
    weeks: int = 0
    seen: list[MonitorResult] = field(default_factory=list)

    def week(self, change: Change | None = None, *, dry_run: bool = False) -> MonitorResult:
        """Let a week of deliveries come, score it, and return what the monitor says."""
        first, self.last_day, self.weeks = self.last_day + dt.timedelta(days=1), self.last_day + WEEK, self.weeks + 1
        for day in pd.date_range(first, self.last_day):
            if change is not None:
                happening[day.date()] = change
        run = f"week {self.weeks}"
        ingest(SPEC, first_day=first, last_day=self.last_day, run=run)
        score_pending(SPEC, as_of=self.last_day, pipeline_run=run, at=business_time(self.last_day))
        self.seen.append(monitor(SPEC, as_of=self.last_day, pipeline_run=run, dry_run=dry_run))
        return self.seen[-1]

    def overridden(self) -> None:
        """Train a model on labels that say the opposite, and let a person make it the champion all the same."""
        first = REPLAY_START - dt.timedelta(days=HISTORY)
        days = [day.date() for day in pd.date_range(first, self.last_day)]
        happening.update(dict.fromkeys(days, lambda rows, truth: (rows, truth.assign(default=1 - truth["default"]))))
        ingest(SPEC, first_day=first, last_day=self.last_day, run="opposite")
        ref = train(SPEC, run="train/2", as_of=self.last_day).model
        happening.clear()
        ingest(SPEC, first_day=first, last_day=self.last_day, run="mended")
        at = business_time(self.last_day)
        Journal(SPEC.name).append(
            lambda state: state.with_key(DEFAULT_KEY, state.of(DEFAULT_KEY).promoted(ref, at)),
            request_id="override", action="promote", who="ann", why="I know better", evidence={}, at=at,
        )  # fmt: skip

    @property
    def state(self):
        """Return what is live."""
        return Journal(SPEC.name).state().of(DEFAULT_KEY)


@pytest.fixture
def bank(stack):
    """Give a bank with six weeks of history and a champion."""
    happening.clear()
    made = Bank()
    ingest(SPEC, first_day=REPLAY_START - dt.timedelta(days=HISTORY), last_day=made.last_day, run="history")
    evaluation = train(SPEC, run="train/1", as_of=made.last_day)
    assert promote(SPEC, evaluation.model, run="train/1", at=business_time(made.last_day)).promoted
    return made
