"""Landing days in real Delta tables: nothing twice, nothing half, corrections beside what was known before."""

from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pandas as pd
import pytest

from include.clock import business_time
from include.data import snapshots
from include.data.ingest import ingest
from include.data.objects import ObjectStore
from include.data.sources import Batch
from include.data.tables import Table
from include.errors import ContractError, SourceError
from include.naming import table_path
from tests.services.data.conftest import SPEC, day, delivery


def land(first, last=None):
    return ingest(SPEC, first_day=day(first), last_day=day(first if last is None else last), run=f"test/{first}")


def rows():
    return Table(SPEC.name, "rows").read()


def test_rows_land_once_and_their_truth_when_it_is_due(source):
    found = land(0, 5)
    assert (found.rows, found.quarantined) == (120, 0)
    assert len(rows()) == 120
    assert Table(SPEC.name, "rows").version() == 0, "all days come in one commit, or none of them"
    assert Table(SPEC.name, "truth").days() == {day(0), day(1), day(2)}
    assert rows()["available_at"].max() == pd.Timestamp(business_time(day(5)))


def test_a_partition_delivered_twice_adds_nothing_and_makes_no_version(source):
    first, again = land(0, 5), land(0, 5)
    assert again == first
    assert len(rows()) == 120


def test_a_correction_is_added_and_what_was_known_before_stays(source):
    land(0, 5)
    corrected = source[day(2)].rows.copy()
    corrected.loc[0, "mean_radius"] = 77.0
    source[day(2)] = Batch(corrected, source[day(2)].truth)
    before = snapshots.take(SPEC, as_of=day(5))
    land(6)
    land(2)
    assert len(rows()) == 141
    now = snapshots.rows_between(SPEC, day(2), day(2), as_of=day(6))
    then = snapshots.rows_between(SPEC, day(2), day(2), as_of=day(5))
    assert now.loc[0, "mean_radius"] == 77.0
    assert then.loc[0, "mean_radius"] != 77.0
    assert snapshots.read(SPEC, before).equals(snapshots.read(SPEC, snapshots.take(SPEC, as_of=day(5))))


def test_a_late_day_is_known_only_from_then_on(source):
    land(0, 1)
    land(3, 5)
    land(2)
    assert len(snapshots.rows_between(SPEC, day(0), day(5), as_of=day(4))) == 80
    assert len(snapshots.rows_between(SPEC, day(0), day(5), as_of=day(5))) == 120
    assert Table(SPEC.name, "truth").days() == {day(0), day(1), day(2)}


def test_a_day_that_is_too_late_by_contract_is_named_and_not_written(source):
    prompt = SPEC.contract.model_copy(update={"max_age_days": 2})
    land(0, 1)
    land(3, 5)
    with pytest.raises(ContractError, match=f"at most 2 days older than the newest, but saw {day(2)}, 3 days older"):
        ingest(SPEC.model_copy(update={"contract": prompt}), first_day=day(2), last_day=day(2), run="test/late")
    assert day(2) not in Table(SPEC.name, "rows").days()


def test_a_truth_that_is_corrected_is_known_from_then_on_and_what_was_known_before_stays(source):
    land(0, 5)
    before = snapshots.take(SPEC, as_of=day(5))
    told = source[day(1)].truth.copy()
    told.loc[0, "malignant"] = 1 - told.loc[0, "malignant"]
    source[day(1)] = Batch(source[day(1)].rows, told)
    land(6)
    land(1)
    assert len(Table(SPEC.name, "truth").read()) == 81
    now = snapshots.read(SPEC, snapshots.take(SPEC, as_of=day(6))).set_index("biopsy")["malignant"]
    then = snapshots.read(SPEC, snapshots.take(SPEC, as_of=day(5)))
    assert now[1000] == told.loc[0, "malignant"]
    assert then.set_index("biopsy")["malignant"][1000] != told.loc[0, "malignant"]
    assert then.equals(snapshots.read(SPEC, before))


def test_broken_rows_are_kept_with_their_rule_and_counted_once(source):
    spoiled = source[day(1)].rows.copy()
    spoiled.loc[4, "mean_radius"] = 1e308
    source[day(1)] = Batch(spoiled, source[day(1)].truth)
    found = land(1)
    land(1)
    quarantine = Table(SPEC.name, "quarantine").read()
    assert (found.rows, found.quarantined) == (19, 1)
    assert quarantine[["column", "rule", "value"]].to_numpy().tolist() == [
        ["mean_radius", "between 0 and 10000", "1e+308"]
    ]
    assert '"biopsy":1004' in quarantine.loc[0, "row"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows: rows.drop(columns="worst_area"), "no such column"),
        (lambda rows: rows.assign(iban="x"), "extra column iban"),
        (lambda rows: rows.assign(mean_radius="wide"), "mean_radius of type number"),
        (lambda rows: rows.assign(mean_radius=np.nan), "null in every row"),
        (lambda rows: rows.head(0), "at least 5 rows, but saw 0"),
        (lambda rows: pd.concat([rows] * 3).assign(biopsy=range(60)), "10 to 40 rows, 0.5 to 2 times the median"),
        (lambda rows: rows.head(6), "10 to 40 rows"),
        (lambda rows: pd.DataFrame({"petal": [1.0] * 20}), "another data set"),
    ],
    ids=[
        "missing column",
        "extra column",
        "wrong type",
        "all null",
        "empty",
        "too many",
        "too few",
        "another data set",
    ],
)
def test_a_broken_batch_writes_nothing_at_all(source, spoil, words):
    land(0, 5)
    versions = {name: Table(SPEC.name, name).version() for name in ("rows", "truth", "quarantine")}
    source[day(7)] = Batch(spoil(source[day(7)].rows), source[day(7)].truth)
    with pytest.raises(ContractError, match=words):
        land(6, 7)
    assert {name: Table(SPEC.name, name).version() for name in versions} == versions
    source[day(7)] = delivery(7)
    land(6, 7)
    assert len(rows()) == 160


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda truth: truth.assign(malignant=3), "20 rows break 'one of 0, 1' of malignant, e.g. 3"),
        (
            lambda truth: truth.assign(malignant=[*truth["malignant"].head(19), None]),
            "1 rows break 'not null' of malig",
        ),
        (lambda truth: truth.assign(malignant="yes"), "column malignant of type integer, but saw str, e.g. 'yes'"),
        (lambda truth: truth.assign(biopsy=truth["biopsy"].astype(str)), "column biopsy of type integer, but saw str"),
        (lambda truth: truth.assign(biopsy=7), "rows break 'unique' of biopsy, e.g. 7"),
        (lambda truth: truth.drop(columns="malignant"), "expected column malignant, but saw no such column"),
    ],
    ids=["unknown category", "null", "wrong type", "wrong type of identifier", "doubled", "missing column"],
)
def test_a_wrong_truth_is_named_and_writes_nothing_at_all(source, spoil, words):
    source[day(0)] = Batch(source[day(0)].rows, spoil(source[day(0)].truth))
    with pytest.raises(ContractError, match=rf"spoiled truth of {day(0)}: .*{words}"):
        land(0, 5)
    assert not Table(SPEC.name, "rows").exists()
    source[day(0)] = delivery(0)
    land(0, 5)
    assert (len(rows()), len(Table(SPEC.name, "truth").read())) == (120, 60)


def test_a_day_that_the_source_lacks_is_named(source):
    with pytest.raises(SourceError, match="a delivery"):
        land(11)


def test_a_day_outside_of_the_recording_names_the_days_there_are(tenant):
    from tests.second_use_case.tumours import SPEC as TUMOURS

    with pytest.raises(SourceError, match="expected a day from 2026-03-06 to 2026-05-07: the recording has 63 days"):
        ingest(TUMOURS, first_day=dt.date(2027, 1, 1), last_day=dt.date(2027, 1, 1), run="test")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda body: b"not parquet", "not a parquet file"),
        (lambda body: body[:-100], "not a parquet file"),
        (lambda body: body[:100] + bytes(255 - byte for byte in body[100:1400]) + body[1400:], "deserialize"),
        (lambda body: None, "not found"),
    ],
    ids=["other bytes", "cut off", "scrambled", "gone"],
)
def test_a_corrupt_data_file_is_named_and_when_it_is_restored_all_goes_on(source, spoil, words):
    land(0, 5)
    store = ObjectStore()
    victim = next(key for key in store.list_from(table_path(SPEC.name, "rows")) if key.endswith(".parquet"))
    body = store.get(victim)
    store.delete(victim)
    if spoil(body):
        store.put(victim, spoil(body))
    named = (
        f"read table spoiled/rows .*saw {re.escape(victim.partition('rows/')[2])}: .*{words}.*restore the named file"
    )
    with pytest.raises(SourceError, match=named):
        rows()
    with pytest.raises(SourceError, match=named):
        land(0)
    store.put(victim, body)
    land(0, 6)
    assert len(rows()) == 140


def test_a_table_of_rows_that_is_gone_is_landed_anew_beside_its_truth(source):
    land(0, 5)
    store = ObjectStore()
    for key in store.list_from(table_path(SPEC.name, "rows")):
        store.delete(key)
    land(0, 5)
    assert len(rows()) == 120
    assert len(Table(SPEC.name, "truth").read()) == 60
