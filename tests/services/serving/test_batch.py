"""Batch scoring that is repeated: by the same run, whose first try died behind its commit, and by another one."""

from __future__ import annotations

import datetime as dt

from include.data.ingest import ingest
from include.data.tables import Table
from include.deployment.promotion import promote
from include.models import tracking
from include.serving.batch import PREDICTIONS, score_pending
from tests.conftest import REPLAY_START
from tests.second_use_case.tumours import SPEC
from tests.services.models.conftest import FIRST_DAY, LAST_DAY, train

AT = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
OF_THE_RUN = f"tags.`{tracking.PIPELINE_RUN}` = 'score/1'"


def test_a_run_that_died_behind_its_commit_says_again_what_it_has_scored_and_another_run_has_nothing_to_do(stack):
    ingest(SPEC, first_day=FIRST_DAY, last_day=LAST_DAY, run="ingest/1")
    assert promote(SPEC, train(SPEC).model, run="deploy/1", at=AT).promoted
    ingest(SPEC, first_day=REPLAY_START, last_day=REPLAY_START, run="ingest/2")
    first = score_pending(SPEC, as_of=REPLAY_START, pipeline_run="score/1", at=AT)
    written, (record,) = Table(SPEC.name, PREDICTIONS).version(), tracking.runs_of(SPEC.name, OF_THE_RUN)
    tracking.client().delete_run(record.info.run_id)  # the try that died had not come so far

    again = score_pending(SPEC, as_of=REPLAY_START, pipeline_run="score/1", at=AT)

    assert (again, again.skipped, again.rows > 0) == (first, "", True)
    assert Table(SPEC.name, PREDICTIONS).version() == written
    (record,) = tracking.runs_of(SPEC.name, OF_THE_RUN)
    assert (record.info.status, record.data.metrics["rows"]) == ("FINISHED", first.rows)

    other = score_pending(SPEC, as_of=REPLAY_START, pipeline_run="score/2", at=AT)
    assert (other.rows, other.skipped) == (0, f"v1 has scored all days up to {REPLAY_START}")
