"""Databases dumped while somebody writes to them, and filled again: SQLite's files and a real PostgreSQL."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing

import psycopg
import pytest

from include.errors import BackupError, PermanentError, TransientError
from include.platform.databases import database
from include.platform.manifest import Dump
from include.platform.stores import free_ports
from tests.platform_fixtures import until
from tests.postgres import postgres_server

TABLES = (
    "CREATE TABLE pairs (number INTEGER PRIMARY KEY, other INTEGER NOT NULL)",
    "CREATE TABLE registered_model_tags (name TEXT, key TEXT, value TEXT)",
    "INSERT INTO registered_model_tags VALUES ('main.lamps.default', 'journal_head', '3:abc'), ('x', 'y', 'z')",
)


@pytest.fixture(scope="module")
def postgres():
    """Give the port of a PostgreSQL whose superuser has no password."""
    with postgres_server("ann") as port:
        yield port


@pytest.fixture(params=["sqlite", "postgresql"])
def urls(request, tmp_path):
    """Give the addresses of a database with tables, and of an empty one, for a role that must say its password."""
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "full.db")) as made:
            for statement in TABLES:
                made.execute(statement)
            made.commit()
        yield f"sqlite:///{tmp_path / 'full.db'}", f"sqlite:///{tmp_path / 'new' / 'empty.db'}"
        return
    port = request.getfixturevalue("postgres")
    with psycopg.connect(f"postgresql://ann@127.0.0.1:{port}/postgres", autocommit=True) as made:
        for statement in ("DROP DATABASE IF EXISTS full_", "DROP DATABASE IF EXISTS empty_", "DROP ROLE IF EXISTS bob",
                          "CREATE ROLE bob LOGIN PASSWORD 'a b@c'", "CREATE DATABASE full_ OWNER bob",
                          "CREATE DATABASE empty_ OWNER bob"):  # fmt: skip
            made.execute(statement)
    full, empty = (f"postgresql+psycopg://bob:a%20b%40c@127.0.0.1:{port}/{name}" for name in ("full_", "empty_"))
    with connected(full) as made:
        for statement in TABLES:
            made.execute(statement)
    yield full, empty


def connected(url):
    if url.startswith("sqlite"):
        return closing(sqlite3.connect(url.removeprefix("sqlite:///"), timeout=60, isolation_level=None))
    return psycopg.connect(url.replace("+psycopg", ""), autocommit=True)


def pairs(url):
    with connected(url) as reader:
        return reader.execute("SELECT number, other FROM pairs ORDER BY number").fetchall()


@pytest.fixture
def writer(urls):
    """Write two rows that belong to each other in one transaction, again and again."""
    ended, count = threading.Event(), [0]

    def write():
        with connected(urls[0]) as own:
            while not ended.is_set():
                own.execute("BEGIN")
                for number in (2 * count[0], 2 * count[0] + 1):
                    own.execute(f"INSERT INTO pairs VALUES ({number}, {count[0]})")  # noqa: S608
                own.execute("COMMIT")
                count[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    until(lambda: count[0] > 20, seconds=60)
    yield
    ended.set()
    thread.join()


@pytest.mark.usefixtures("writer")
def test_a_dump_of_a_database_in_use_is_one_moment_and_fills_an_empty_one(urls, tmp_path):
    full, empty = map(database, urls)
    path = tmp_path / f"dump.{full.suffix}"
    made = full.dump(path)
    assert empty.counts() == Dump(kind=full.kind, tables=0, rows=0)
    empty.fill(path)
    assert empty.counts() == made.dump
    assert made.dump.tables == 2
    assert made.dump.rows == len(pairs(urls[1])) + 2
    assert made.heads == {"main.lamps.default": "3:abc"}
    filled = pairs(urls[1])
    assert len(filled) % 2 == 0
    assert filled == [(number, number // 2) for number in range(len(filled))]


def test_a_damaged_file_is_not_taken(tmp_path):
    file = tmp_path / "damaged.db"
    with closing(sqlite3.connect(file)) as made:
        made.execute("CREATE TABLE many (text TEXT)")
        made.executemany("INSERT INTO many VALUES (?)", [("x" * 500,)] * 500)
        made.commit()
    with file.open("r+b") as raw:
        raw.seek(4096 * 10)
        raw.write(b"\xff" * 4096)
    with pytest.raises(BackupError, match="expected a whole database"):
        database(f"sqlite:///{file}").dump(tmp_path / "dump")


def test_a_server_that_is_away_is_told_without_the_password(tmp_path):
    url = f"postgresql+psycopg://bob:secret@127.0.0.1:{free_ports(1)[0]}/airflow"
    with pytest.raises(TransientError, match="database airflow at 127") as caught:
        database(url).dump(tmp_path / "dump")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_what_is_no_dump_fills_nothing(urls, tmp_path):
    (path := tmp_path / "dump").write_bytes(b"not a dump")
    with pytest.raises(PermanentError, match=r"expected pg_restore to succeed, but saw .*not appear to be a valid"):
        database(urls[1]).fill(path)
    assert database(urls[1]).counts().tables == 0
