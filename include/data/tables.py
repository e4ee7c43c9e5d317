"""Delta tables on S3, partitioned by day: every write is one commit, or changes nothing.

Most replace whole days: a writer reads the days, decides what they shall be, and replaces them. Logs are appended to.
Where another writer was faster the commit fails and the decision is made again; where only the answer was lost, the
transaction's id tells that the commit happened.
"""

from __future__ import annotations

import datetime as dt
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

from include.data.objects import REFUSED_STEP, SEE_STORE, SKEWED, wrong_clock
from include.errors import FlightdeckError, PermanentError, SourceError, TransientError
from include.naming import table_uri
from include.settings import settings

DAY = "day"
_TRIES = 8
_STORE_SAYS = ("Generic S3 error", "error sending request", "HTTP error", "timed out", "Connection reset")
_REFUSED = "403 Forbidden"
_MADE_BY_ANOTHER = "table already exists"


@dataclass(frozen=True)
class Delivery:
    """Rows that are appended once.

    Args:
        app_id: Who delivers; its versions come in ascending order.
        version: Which of its deliveries this is.
        rows: The rows.
    """

    app_id: str
    version: int
    rows: pa.Table


class Table:
    """One table of a use case."""

    def __init__(self, use_case: str, name: str) -> None:
        self.name = f"{use_case}/{name}"
        self.uri = table_uri(use_case, name)

    def exists(self) -> bool:
        """Return whether anything was ever written."""
        return self._open() is not None

    def version(self) -> int:
        """Return the newest version; −1 where there is no table yet."""
        table = self._open()
        return -1 if table is None else int(table.version())

    def days(self) -> set[dt.date]:
        """Return the days that have rows; reads the log alone."""
        table = self._open()
        if table is None:
            return set()
        with self._asking("list days"):
            return {dt.date.fromisoformat(part[DAY]) for part in table.partitions()}

    def read(
        self,
        *,
        first_day: dt.date | None = None,
        last_day: dt.date | None = None,
        columns: list[str] | None = None,
        version: int | None = None,
    ) -> pd.DataFrame:
        """Return the rows of a range of days, both ends included; an empty frame where there is no table.

        Raises:
            TransientError: the store is away.
            SourceError: a file of the table is corrupt or gone; names the first one.
        """
        table = self._open(version)
        if table is None:
            return pd.DataFrame(columns=columns or [])
        between = [(DAY, ">=", first_day)] * (first_day is not None) + [(DAY, "<=", last_day)] * (last_day is not None)
        try:
            with self._asking("read"):
                return table.to_pandas(filters=between or None, columns=columns)
        except SourceError as error:
            raise self._broken("read", f"{_unreadable(table)}: {error.seen}") from error

    def update(
        self,
        first_day: dt.date,
        last_day: dt.date,
        decide: Callable[[pd.DataFrame], pd.DataFrame | None],
        *,
        run: str,
    ) -> int:
        """Replace a range of days by what ``decide`` makes of them, in one commit, and return the version.

        Args:
            first_day: First day of the range.
            last_day: Last day of the range; no row outside of the range may be returned.
            decide: The present rows of the range in, all rows it shall have out; None leaves all as it is. Asked again
                where another writer was faster.
            run: The pipeline run, kept with the commit.

        Raises:
            TransientError: the store is away, or others were always faster.
        """
        for attempt in range(_TRIES):
            present = self.read(first_day=first_day, last_day=last_day)
            wanted = decide(present)
            if wanted is None:
                return self.version()
            try:
                return self._replace(wanted, first_day, last_day, run)
            except CommitFailedError:
                _wait(attempt)
        raise self._away("commit", f"another writer that was faster {_TRIES} times")

    def append_once(self, deliveries: list[Delivery], *, run: str) -> int:
        """Append what the table does not have yet, in one commit, and return how many rows that were.

        The table keeps the newest version of each ``app_id``, and has all up to that. It is read before every try, for
        Delta takes the same version twice; so a commit whose answer was lost, or that another writer has made, is
        recognised as well.

        Raises:
            TransientError: the store is away, or others were always faster.
        """
        failed: FlightdeckError | None = None
        rows = 0
        for attempt in range(_TRIES):
            table = self._open()
            new = [each for each in deliveries if table is None or _is_new(table, each)]
            if not new:
                return rows
            if failed:
                raise failed
            rows = sum(each.rows.num_rows for each in new)
            try:
                self._append(table, new, run)
                return rows
            except CommitFailedError:
                _wait(attempt)
            except FlightdeckError as error:
                failed = error  # only its answer may be lost
        raise failed or self._away("append", f"another writer that was faster {_TRIES} times")

    def erase(self, column: str, values: Iterable[Any], *, run: str) -> int:
        """Delete rows for good, old versions included, and return how many there were."""
        table = self._open()
        if table is None:
            return 0
        listed = ", ".join(repr(value) for value in values)
        with self._asking("erase"):
            properties = CommitProperties(custom_metadata={"flightdeck.run": run, "flightdeck.erased": "yes"})
            done = table.delete(f"{column} IN ({listed})", commit_properties=properties)
            table.vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
        return int(done["num_deleted_rows"])

    def erasures(self, since_version: int) -> list[tuple[dt.datetime, int]]:
        """Return when rows were erased after a version, and how many."""
        table = self._open()
        if table is None:
            return []
        with self._asking("history"):
            return [
                (
                    dt.datetime.fromtimestamp(entry["timestamp"] / 1000, dt.UTC),
                    int(entry["operationMetrics"]["num_deleted_rows"]),
                )
                for entry in table.history()
                if entry.get("flightdeck.erased") and entry["version"] > since_version
            ]

    def _replace(self, rows: pd.DataFrame, first_day: dt.date, last_day: dt.date, run: str) -> int:
        transaction = f"{run}#{uuid.uuid4()}"
        properties = CommitProperties(
            custom_metadata={"flightdeck.run": run},
            app_transactions=[Transaction(transaction, 1)],
            max_commit_retries=0,
        )
        data = pa.Table.from_pandas(rows, preserve_index=False)
        table = self._open()
        within = f"{DAY} >= DATE '{first_day}' AND {DAY} <= DATE '{last_day}'"
        try:
            with self._asking("replace"):
                if table is None:
                    write_deltalake(
                        self.uri, data, mode="error", partition_by=[DAY], storage_options=storage_options(),
                        commit_properties=properties,
                    )  # fmt: skip
                else:
                    write_deltalake(
                        table, data, mode="overwrite", predicate=within, schema_mode="merge",
                        commit_properties=properties,
                    )  # fmt: skip
        except (FlightdeckError, CommitFailedError):
            # The answer may be lost although the commit happened: then it carries this transaction's id.
            again = self._open()
            if again is None or again.transaction_version(transaction) is None:
                raise
        return self.version()

    def _append(self, table: DeltaTable | None, new: list[Delivery], run: str) -> None:
        newest: dict[str, int] = {}
        for each in new:
            newest[each.app_id] = max(each.version, newest.get(each.app_id, each.version))
        properties = CommitProperties(
            custom_metadata={"flightdeck.run": run},
            app_transactions=[Transaction(app_id, version) for app_id, version in newest.items()],
            max_commit_retries=0,
        )
        rows = pa.concat_tables([each.rows for each in new])
        with self._asking("append"):
            if table is None:
                write_deltalake(
                    self.uri, rows, mode="error", partition_by=[DAY], storage_options=storage_options(),
                    commit_properties=properties,
                )  # fmt: skip
            else:
                write_deltalake(table, rows, mode="append", schema_mode="merge", commit_properties=properties)

    def _open(self, version: int | None = None) -> DeltaTable | None:
        with self._asking("open"):
            try:
                return DeltaTable(self.uri, version=version, storage_options=storage_options())
            except TableNotFoundError:
                return None

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Translate what the store and the table's files can do to us."""
        try:
            yield
        except CommitFailedError:
            raise
        except (DeltaError, OSError, pa.ArrowException) as error:
            if SKEWED in str(error):
                raise wrong_clock(f"{what} table {self.name}") from error
            said = str(error).partition("<?xml")[0]  # behind it stands what the status has said already
            if _MADE_BY_ANOTHER in said:
                raise CommitFailedError(said) from error
            if _REFUSED in said:
                raise self._refused(what, said) from error
            if isinstance(error, FileNotFoundError) or "not found" in said.lower():
                raise self._broken(what, said) from error
            if isinstance(error, (OSError, DeltaError)) and any(part in said for part in _STORE_SAYS):
                raise self._away(what, said) from error
            raise self._broken(what, said) from error

    def _away(self, what: str, seen: str) -> TransientError:
        return TransientError(
            expected=f"an answer from S3 at {settings().s3_endpoint}",
            seen=seen[:500],
            where=f"{what} table {self.name}",
            next_step=f"{SEE_STORE}, then clear the task: no write is half",
        )

    def _refused(self, what: str, seen: str) -> PermanentError:
        return PermanentError(
            expected=f"S3 at {settings().s3_endpoint} to accept the call",
            seen=seen[:500],
            where=f"{what} table {self.name}",
            next_step=REFUSED_STEP,
        )

    def _broken(self, what: str, seen: str) -> PermanentError:
        return SourceError(
            expected="a whole Delta table",
            seen=seen[:500],
            where=f"{what} table {self.name} at {self.uri}",
            next_step="restore the named file from a backup of the bucket; until then nothing is added to these days",
        )


def _is_new(table: DeltaTable, delivery: Delivery) -> bool:
    known = table.transaction_version(delivery.app_id)
    return known is None or known < delivery.version


def _wait(attempt: int) -> None:
    """Wait at random, longer each time, so that writers who meet do not meet again."""
    time.sleep(random.uniform(0.05, 0.3) * (attempt + 1))  # noqa: S311


def _unreadable(table: DeltaTable) -> str:
    """Return the path of the first data file that cannot be read; what Arrow says does not always name it."""
    for fragment in table.to_pyarrow_dataset().get_fragments():
        try:
            fragment.to_table()
        except (OSError, pa.ArrowException):
            return str(fragment.path)
    return "one of its files"


def storage_options() -> dict[str, str]:
    """Return how deltalake reaches the store; a call gives up after about half a minute."""
    config = settings()
    return {
        "AWS_ENDPOINT_URL": config.s3_endpoint,
        "AWS_ACCESS_KEY_ID": config.s3_access_key,
        "AWS_SECRET_ACCESS_KEY": config.s3_secret_key.get_secret_value(),
        "AWS_REGION": config.s3_region,
        "AWS_ALLOW_HTTP": "true",
        "aws_conditional_put": "etag",
        "connect_timeout": "3s",
        "timeout": "20s",
        "max_retries": "5",
        "retry_timeout": "30s",
    }
