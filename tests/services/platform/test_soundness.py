"""Each thing that a death in the middle could leave behind is made by hand, and must be found."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pyarrow as pa
import pytest

from include.data.ingest import ROWS, TRUTH, ingest
from include.data.landing import QUARANTINE
from include.data.tables import Delivery, Table
from include.deployment.entries import State, encode, object_key
from include.deployment.journal import Journal
from include.deployment.promotion import ALIAS, mirror, promote
from include.models import registry, tracking
from include.naming import DEFAULT_KEY, model_name
from include.platform.soundness import findings
from include.serving.batch import PREDICTIONS, score_pending
from include.serving.shipping import REQUESTS, SCHEMA
from tests.conftest import REPLAY_START
from tests.second_use_case.tumours import SPEC
from tests.services.deployment.helpers import change_to, evaluation, said
from tests.services.models.conftest import FIRST_DAY, LAST_DAY, train
from tests.services.models.made_versions import trained

pytestmark = pytest.mark.slow  # it is what the faults are judged by, and they are slow themselves

AT = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)


@pytest.fixture
def lived(stack):
    """Give a use case that has landed its days, and whose champion has scored two more."""
    after = REPLAY_START + dt.timedelta(days=1)
    ingest(SPEC, first_day=FIRST_DAY, last_day=after, run="ingest/1")
    champion = trained(SPEC, LAST_DAY, run="train/1")[DEFAULT_KEY]
    judged = evaluation(champion, use_case=SPEC.name)
    assert judged.snapshot.last_day == LAST_DAY
    tracking.log_record(champion.run_id, registry.EVALUATION, judged)
    tracking.close_run(champion.run_id)
    journal = Journal(SPEC.name)
    journal.append(change_to(champion), request_id="promote v1", **said())
    mirror(SPEC, journal)
    rows = Table(SPEC.name, ROWS).read(first_day=REPLAY_START)
    scored = rows[["day", "biopsy"]].assign(model_version=champion.version)
    Table(SPEC.name, PREDICTIONS).update(REPLAY_START, after, lambda _: scored, run="score/1")
    return SPEC


def changed(table, change, day=LAST_DAY):
    """Let somebody else write what a day has in a table."""
    Table(SPEC.name, table).update(day, day, change, run="a fault")


def appended(**given):
    """Append an entry to the journal as no part of the product does."""
    journal = Journal(SPEC.name)
    head = journal.head()
    after = {"sequence": head.sequence + 1, "previous_hash": head.hash, "request_id": "a fault", **given}
    entry, body = encode(head.model_copy(update=after))
    assert journal.store.put_if_absent(object_key(journal.prefix, entry.sequence), body)
    registry.set_head_tag(SPEC.name, entry.sequence, entry.hash)
    return entry


def test_a_life_without_a_fault_is_sound_and_so_is_a_use_case_that_has_not_lived(stack):
    assert findings(SPEC) == []
    ingest(SPEC, first_day=FIRST_DAY, last_day=LAST_DAY, run="ingest/1")
    assert promote(SPEC, train(SPEC).model, run="deploy/1", at=AT).promoted
    ingest(SPEC, first_day=REPLAY_START, last_day=REPLAY_START, run="ingest/2")
    score_pending(SPEC, as_of=REPLAY_START, pipeline_run="score/2", at=AT)
    assert findings(SPEC, days=[FIRST_DAY, LAST_DAY]) == []


def test_rows_that_are_lost_doubled_or_from_nowhere_are_found(lived):
    changed(ROWS, lambda rows: rows.iloc[1:])
    changed(ROWS, lambda rows: pd.concat([rows, rows.iloc[:2]]), FIRST_DAY)
    later = pd.Timedelta(days=1)
    again = FIRST_DAY + dt.timedelta(days=1)
    changed(
        ROWS, lambda rows: pd.concat([rows, rows.iloc[:1].assign(available_at=rows["available_at"] + later)]), again
    )
    assert findings(lived, days=[REPLAY_START + dt.timedelta(days=9)]) == [
        "2026-05-10: nothing has landed",
        f"{FIRST_DAY}: 2 rows of rows are doubled",
        f"{again}: 1 rows of rows are doubled",
        f"{LAST_DAY}: 8 rows accepted and 0 in quarantine, but the source delivers 9",
    ]


def test_a_row_that_is_accepted_and_in_quarantine_is_found(lived):
    line = {"day": LAST_DAY, "rule": "unique", "column": "biopsy", "value": "1", "row": "{}", "run": "a fault"}
    changed(QUARANTINE, lambda _: pd.DataFrame([line]))
    assert findings(lived) == [f"{LAST_DAY}: 9 rows accepted and 1 in quarantine, but the source delivers 9"]


def test_truth_that_is_due_and_missing_is_found(lived):
    changed(TRUTH, lambda truth: truth.iloc[2:])
    assert findings(lived) == [f"{LAST_DAY}: the truth of 7 rows is stored, but that of 9 is due"]


def test_a_promotion_whose_mirror_is_missing_is_found(lived):
    name = model_name(SPEC.name)
    registry.set_alias(name, ALIAS, None)
    registry.set_head_tag(SPEC.name, 0, "0" * 64)
    assert findings(lived) == [
        f"{DEFAULT_KEY}: the journal's champion is v1, the registry's alias is at nothing",
        "the journal ends at entry 1, MLflow's tag is at 0",
    ]


def test_a_version_that_was_promoted_twice_is_found(lived):
    appended()
    assert findings(lived) == ["entry 2 promotes nothing"]
    now = Journal(SPEC.name).state().of(DEFAULT_KEY)
    appended(state=State().with_key(DEFAULT_KEY, now.model_copy(update={"champion_since": AT + dt.timedelta(days=1)})))
    assert findings(lived)[1:] == [
        "entry 3 repeats the request of entry 2",
        f"entry 3 promotes v1 of {DEFAULT_KEY} a second time",
    ]


def test_a_version_that_was_taken_back_may_come_again(lived):
    now = Journal(SPEC.name).state()
    appended(action="rollback", state=State())
    appended(action="promote", state=now, request_id="again")
    assert findings(lived) == []


def test_a_champion_that_the_registry_has_otherwise_or_not_at_all_is_found(lived):
    client = tracking.client()
    client.set_model_version_tag(model_name(SPEC.name), "1", registry.DIGEST, "another")
    assert findings(lived) == [f"{DEFAULT_KEY}: v1 is not the one in the registry that was promoted"]


def test_a_chain_that_does_not_verify_is_found(lived):
    journal = Journal(SPEC.name)
    journal.store.put(object_key(journal.prefix, 1), b"{}")
    (problem,) = findings(lived)
    assert object_key(journal.prefix, 1) in problem


def test_a_second_version_of_one_training_is_found(lived):
    run_id = tracking.open_run(SPEC.name, "again", pipeline_run="train/2")
    tracking.log_text(run_id, "model/MLmodel", "artifact_path: model\nflavors: {}\n")
    registry.register(
        model_name(SPEC.name), f"runs:/{run_id}/model", run_id=run_id, digest="d", as_of=LAST_DAY,
        pipeline_run="train/1",
    )  # fmt: skip
    tracking.close_run(run_id)
    assert findings(lived) == [f"train/1 has registered v1, v2 of {DEFAULT_KEY}"]


def test_an_mlflow_run_that_nobody_has_ended_is_found(lived):
    run_id = tracking.open_run(SPEC.name, "train of a dead worker", pipeline_run="train/7")
    assert findings(lived) == [f"MLflow run {run_id} 'train of a dead worker' of train/7 is still open"]


def test_predictions_that_are_doubled_lost_or_forgotten_are_found(lived):
    changed(PREDICTIONS, lambda scored: pd.concat([scored, scored.iloc[:1]]), REPLAY_START)
    tomorrow = REPLAY_START + dt.timedelta(days=1)
    changed(PREDICTIONS, lambda scored: scored.iloc[3:], tomorrow)
    after = REPLAY_START + dt.timedelta(days=2)
    ingest(SPEC, first_day=after, last_day=after, run="ingest/3")
    assert findings(lived) == [
        f"{REPLAY_START}: 1 predictions are doubled",
        f"{tomorrow}: v1 has scored 3 rows too few or too many",
        f"{after}: has landed, and its champion v1 has not scored it",
    ]


def test_answers_that_have_arrived_twice_are_found(lived):
    line = dict.fromkeys(SCHEMA.names) | {"day": LAST_DAY, "writer": "w", "segment": 1, "offset": 0}
    rows = pa.Table.from_pylist([line, line], schema=SCHEMA)
    Table(SPEC.name, REQUESTS).append_once([Delivery("w", 1, rows)], run="a fault")
    assert findings(lived) == [f"{LAST_DAY}: 1 answers of the scoring service are doubled"]
