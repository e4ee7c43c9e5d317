"""A small use case on real data, landed once a test: quick enough to train in every test."""

from __future__ import annotations

import datetime as dt

import pytest

from include.data.ingest import ingest
from include.models import training
from tests.conftest import REPLAY_START
from tests.second_use_case.tumours import SPEC

LAST_DAY = REPLAY_START - dt.timedelta(days=1)
FIRST_DAY = REPLAY_START - dt.timedelta(days=SPEC.source.history_days)


@pytest.fixture
def landed(stack):
    ingest(SPEC, first_day=FIRST_DAY, last_day=LAST_DAY, run="ingest/test")
    return SPEC


def train(spec, *, run="train/test", as_of=LAST_DAY, originator="operator", source="manual", **judged):
    """Run the whole training, and return the evaluation."""
    run_id = training.prepare(
        spec, as_of=as_of, pipeline_run=run, originator=originator, originator_source=source, reason="test",
        try_number=1, airflow={"dag_id": "train", "run_id": run},
    )  # fmt: skip
    for batch in training.search_batches(spec):
        training.search(spec, run_id, batch)
    training.fit(spec, run_id)
    return training.evaluate(spec, run_id, **judged)
