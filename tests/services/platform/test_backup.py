"""Back-ups of a deployment in use, on real services, and what a restore makes of them in an empty one."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from deltalake import DeltaTable

from include.data.objects import ObjectStore
from include.data.tables import Table
from include.deployment.journal import Journal
from include.errors import BackupError, TransientError
from include.naming import DEFAULT_KEY
from include.platform import manifest as manifests
from include.platform.backup import AIRFLOW, ARTIFACTS, DATA, MLFLOW, Place, backup
from include.platform.bootstrap import ROOT
from include.platform.restore import restore
from include.platform.stores import free_ports, mlflow_program
from include.settings import settings
from tests.conftest import running, s3_server
from tests.platform_fixtures import until
from tests.services.platform import deployments
from tests.services.platform.deployments import USE_CASE, answered, land, noted, promoted, trained


def place(folder):
    """Return a deployment whose databases are files of a folder."""
    urls = {name: f"sqlite:///{folder / name}.db" for name in (AIRFLOW, MLFLOW)}
    return Place({DATA: "flightdeck", ARTIFACTS: "mlflow"}, urls)


def server(where, s3):
    """Return MLflow on a deployment's database, and its URL."""
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    return url, mlflow_program(
        port=port, database=where.databases[MLFLOW], s3_url=s3, access_key="test", secret_key="test-secret",
        bucket="mlflow",
    )  # fmt: skip


@pytest.fixture(scope="module")
def source(s3, tmp_path_factory):
    """Give a deployment with services of its own, that nobody else writes to, and a short history."""
    folder = tmp_path_factory.mktemp("source")
    where = place(folder)
    with pytest.MonkeyPatch.context() as patch, s3_server(folder / "s3", folder / "s3.log", free_ports(10)) as url:
        address, program = server(where, url)
        patch.setenv("FLIGHTDECK_TENANT", "main")
        patch.setenv("MLFLOW_TRACKING_URI", address)
        with running(program, f"{address}/health", folder / "mlflow.log", seconds=240):
            settings.cache_clear()
            history(folder)
            yield where
    settings.cache_clear()


@pytest.fixture
def live(source, monkeypatch):
    """Give the deployment, with this process in it."""
    settings.cache_clear()
    return source


def history(folder):
    for number in (1, 2):
        land(number)
        promoted(number)
        answered(number)
        noted(folder / "airflow.db", number)
    ObjectStore().put("approvals/main/lamps/one.json", b"{}")
    ObjectStore().put("large", bytes(20 * 2**20))


@pytest.fixture(scope="module")
def kept(source, tmp_path_factory):
    """Give a back-up of the short history, for tests that do not change it."""
    folder = tmp_path_factory.mktemp("kept") / "backup"
    backup(source, folder, say=lambda text: None)
    return folder


@pytest.fixture
def copy(kept, tmp_path):
    """Give a copy of the back-up, to be spoiled."""
    return shutil.copytree(kept, tmp_path / "copy")


@pytest.fixture
def empty(source, tmp_path):
    """Give an empty deployment, with this process in it."""
    (folder := tmp_path / "empty").mkdir()
    with s3_server(folder / "s3", folder / "s3.log", free_ports(10)):
        yield place(folder)


@pytest.fixture
def meanwhile(live, tmp_path):
    """Give a function that backs up, and does something when the back-up says that it is at a certain point."""

    def run(**happening):
        def say(text):
            for at, happens in list(happening.items()):
                if text.strip().startswith(at.replace("_", " ")) or text.startswith(f"· {at.replace('_', ' ')}"):
                    del happening[at]
                    happens()

        folder = tmp_path / "backup"
        made = backup(live, folder, say=say)
        assert not happening
        return folder, made

    return run


def entries(folder):
    """Return the journal's entries in a back-up."""
    paths = sorted((folder / "objects/flightdeck/journal/main" / USE_CASE).glob("*.json"))
    return [json.loads(path.read_text()) for path in paths]


def copied(folder, table):
    """Return the rows of a table as the back-up has them."""
    return DeltaTable(str(folder / "objects/flightdeck/tables/main" / USE_CASE / table)).to_pandas()


def query(url, text):
    with closing(sqlite3.connect(sqlite_file(url))) as database:
        return [value for (value,) in database.execute(text)]


def untouched(where):
    """Return whether a deployment holds nothing."""
    objects = [key for name in where.buckets for key in where.store(name).list_from("")]
    return not objects and not any(sqlite_file(url).exists() for url in where.databases.values())


def sqlite_file(url):
    return Path(url.removeprefix("sqlite:///"))


def test_a_back_up_under_load_is_restored_with_the_same_champion_and_a_chain_that_verifies(live, tmp_path, monkeypatch):
    command = [sys.executable, deployments.__file__, str(sqlite_file(live.databases[AIRFLOW])), "100"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as writer:
        try:
            until(writer.stdout.readline, seconds=120)
            made = backup(live, tmp_path / "backup", say=lambda text: None)
            until(writer.stdout.readline, seconds=120)
        finally:
            writer.kill()
    head = made.journals[f"main/{USE_CASE}"]
    assert head.sequence > 2
    assert Journal(USE_CASE).sequence() > head.sequence
    champion = Journal(USE_CASE).entries()[head.sequence - 1].state.of(DEFAULT_KEY).champion
    (folder := tmp_path / "empty").mkdir()
    with s3_server(folder / "s3", folder / "s3.log", free_ports(10)):
        where = place(folder)
        proof = restore(where, tmp_path / "backup", say=lambda text: None)
        assert (proof.entries, proof.models) == (head.sequence, 2)
        assert Journal(USE_CASE).state().of(DEFAULT_KEY).champion == champion
        predictions, rows = Table(USE_CASE, "predictions").read(), Table(USE_CASE, "rows")
        assert 0 < predictions["sequence"].max() <= head.sequence
        assert len(rows.read()) >= len(predictions)
        assert query(where.databases[AIRFLOW], "SELECT number FROM runs ORDER BY number")[:2] == [1, 2]
        read = query(where.databases[MLFLOW], "SELECT value FROM tags WHERE key = 'read'")
        assert max(int(version) for version in read) <= rows.version()


def test_an_entry_for_a_version_that_the_registry_did_not_have_yet_is_left_to_the_next_back_up(meanwhile):
    before = Journal(USE_CASE).sequence()
    folder, made = meanwhile(journals=lambda: promoted(10))
    assert made.journals[f"main/{USE_CASE}"].sequence == len(entries(folder)) == before
    assert Journal(USE_CASE).sequence() == before + 1


def test_an_entry_that_the_registry_carries_is_in_the_back_up_whenever_it_came(meanwhile):
    before = Journal(USE_CASE).sequence()
    folder, made = meanwhile(database_mlflow=lambda: promoted(11))
    assert made.journals[f"main/{USE_CASE}"].sequence == len(entries(folder)) == before + 1


def test_answers_that_name_an_entry_after_the_last_one_are_left_to_the_next_back_up(meanwhile):
    def happens():
        promoted(12)
        answered(12)

    folder, made = meanwhile(journals=happens)
    assert copied(folder, "predictions")["sequence"].max() <= made.journals[f"main/{USE_CASE}"].sequence
    assert Table(USE_CASE, "predictions").read()["sequence"].max() > made.journals[f"main/{USE_CASE}"].sequence


def test_rows_that_a_version_has_read_are_in_the_back_up(meanwhile):
    def happens():
        land(13)
        trained(13)

    folder, _ = meanwhile(database_mlflow=happens)
    assert 13.0 in set(copied(folder, "rows")["hours"])


def test_a_table_from_which_rows_are_erased_meanwhile_is_copied_anew_without_them(meanwhile):
    land(14)
    folder, _ = meanwhile(the_logs=lambda: Table(USE_CASE, "rows").erase("lamp", [3], run="erase/1"))
    assert 3 not in set(copied(folder, "rows")["lamp"])
    assert {1, 2, 4} <= set(copied(folder, "rows")["lamp"])


def test_answers_that_are_erased_meanwhile_end_the_back_up_without_a_manifest(meanwhile, tmp_path):
    answered(15)
    with pytest.raises(TransientError, match=r"predictions.*expected a table that keeps its files"):
        meanwhile(the_logs=lambda: Table(USE_CASE, "predictions").erase("lamp", [3], run="erase/2"))
    with pytest.raises(BackupError, match="a folder without manifest"):
        manifests.read(tmp_path / "backup")


def test_a_journal_that_does_not_verify_ends_the_back_up_and_is_named(live, tmp_path):
    journal = Journal(USE_CASE)
    path = f"{journal.prefix}{1:010d}.json"
    body = journal.store.get(path)
    journal.store.put(path, body.replace(b"ann", b"eve"))
    try:
        with pytest.raises(BackupError, match=r"journal/main/lamps/: expected a journal that verifies.*0000000001"):
            backup(live, tmp_path / "backup", say=lambda text: None)
    finally:
        journal.store.put(path, body)


def test_a_folder_that_has_something_in_it_is_refused(live, kept):
    with pytest.raises(BackupError, match="expected an empty folder, or none, but saw 3 files and folders, a back-up"):
        backup(live, kept, say=lambda text: None)


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(empty, kept):
    said, made = [], manifests.read(kept)
    assert restore(empty, kept, dry_run=True, say=said.append) is None
    told = "\n".join(said)
    assert f"would write {made.buckets[ARTIFACTS]} objects into bucket mlflow" in told
    assert f"would fill database airflow with 1 tables, {made.databases[AIRFLOW].rows} rows" in told
    assert f"would bring back the journal main/lamps up to entry {made.journals['main/lamps'].sequence}" in told
    assert untouched(empty)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("bucket", "bucket flightdeck: 1 objects"),
        ("artifacts", "bucket mlflow: 1 objects"),
        ("airflow", "database airflow: 1 tables, 1 rows"),
    ],
)
def test_a_deployment_that_holds_something_is_refused_by_name_and_count(empty, kept, name, seen):
    if name == "airflow":
        noted(sqlite_file(empty.databases[AIRFLOW]), 1)
    else:
        empty.store(DATA if name == "bucket" else ARTIFACTS).put("something", b"there")
    with pytest.raises(BackupError, match=f"expected an empty deployment, but saw {seen}"):
        restore(empty, kept, say=lambda text: None)


def test_a_back_up_that_was_broken_off_is_refused(empty, copy):
    (copy / "manifest.json").unlink()
    with pytest.raises(BackupError, match=r"expected a finished back-up .* but saw a folder without manifest.json"):
        restore(empty, copy, say=lambda text: None)
    assert untouched(empty)


@pytest.mark.parametrize("what", ["objects/flightdeck/large", "databases/mlflow.sqlite"])
def test_a_flipped_bit_is_found_before_the_first_byte_is_written(empty, copy, what):
    with (copy / what).open("r+b") as file:
        file.seek(5000)
        bit = file.read(1)[0] ^ 1
        file.seek(5000)
        file.write(bytes([bit]))
    with pytest.raises(BackupError, match=rf"saw 1 that are not: {what} \(digest"):
        restore(empty, copy, say=lambda text: None)
    assert untouched(empty)


def test_a_missing_object_is_named(empty, copy):
    (copy / "objects/flightdeck/approvals/main/lamps/one.json").unlink()
    with pytest.raises(BackupError, match=r"approvals/main/lamps/one.json \(missing\)"):
        restore(empty, copy, say=lambda text: None)
    assert untouched(empty)


def test_another_journal_key_is_told_before_anything_is_written(empty, kept, monkeypatch):
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", "another key")
    settings.cache_clear()
    with pytest.raises(
        BackupError, match=r"manifest.json: expected the manifest as it was signed.*signed with the key"
    ):
        restore(empty, kept, say=lambda text: None)
    assert untouched(empty)


def test_a_manifest_that_somebody_has_changed_is_refused(empty, copy):
    path = copy / "manifest.json"
    text = path.read_text()
    sequence = f'"sequence":{manifests.read(copy).journals["main/lamps"].sequence}'
    assert sequence in text
    path.write_text(text.replace(sequence, '"sequence":1'))
    with pytest.raises(BackupError, match=r"manifest.json: .*an invalid signature"):
        restore(empty, copy, say=lambda text: None)


def test_a_deployment_whose_recordings_began_on_another_day_is_refused(empty, kept, monkeypatch):
    monkeypatch.setenv("FLIGHTDECK_REPLAY_START", "2026-05-02")
    settings.cache_clear()
    with pytest.raises(BackupError, match=r"expected FLIGHTDECK_REPLAY_START 2026-05-01.* but saw 2026-05-02"):
        restore(empty, kept, say=lambda text: None)


@pytest.mark.slow
def test_files_that_are_not_those_of_the_journal_are_found_at_the_end(live, tmp_path):
    champion, store = Journal(USE_CASE).state().of(DEFAULT_KEY).champion, live.store(ARTIFACTS)
    (weights,) = [key for key in store.list_from("") if f"{champion.run_id}/" in key and key.endswith("/weights")]
    body = store.get(weights)
    store.put(weights, body[::-1])
    try:
        backup(live, tmp_path / "backup", say=lambda text: None)
    finally:
        store.put(weights, body)
    (folder := tmp_path / "empty").mkdir()
    named = rf"model main.lamps.default v{champion.version}: expected the files that"
    with s3_server(folder / "s3", folder / "s3.log", free_ports(10)), pytest.raises(BackupError, match=named):
        restore(place(folder), tmp_path / "backup", say=lambda text: None)
