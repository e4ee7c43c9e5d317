"""Delta tables into a back-up while they are written to: the log first, then the files that it names.

A file is on the store before the entry that names it, so a log that was listed first is never ahead of its files. What
removes files again is an erasure, which vacuums, and the cleaning of old logs: then the table is copied anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from include.data.objects import ObjectStore
from include.errors import BackupError, TransientError
from include.platform.copies import Say, folder_of, take
from include.platform.manifest import File

TABLES = "tables/"
_LOG, _HINT = "/_delta_log/", "_last_checkpoint"
_NAMES_AN_ENTRY = {"sequence", "journal_sequence"}
_TRIES = 5


@dataclass
class TableCopies:
    """The tables of a bucket on their way into a back-up.

    Args:
        store: The bucket.
        bucket: Its name in the back-up.
        folder: The back-up's folder.
        say: Where progress goes.
    """

    store: ObjectStore
    bucket: str
    folder: Path
    say: Say
    files: dict[str, File] = field(default_factory=dict)
    _answers: list[str] = field(default_factory=list)
    _inputs: list[str] = field(default_factory=list)

    def before_journal(self) -> None:
        """Copy the logs of all tables; of those whose rows name an entry of the journal nothing newer is taken."""
        for table in self.known():
            self._copy_log(table)
            if self._names_entries(table):
                self._answers.append(table)

    def after_registry(self) -> None:
        """Copy what has come to the logs of the other tables, versions of which the registry names, and all files.

        A table of answers that has come into being since ``before_journal`` names entries that the back-up lacks; so it
        is left to the next one.
        """
        for table in (each for each in self.known() if each not in self._answers):
            self._copy_log(table)
            if self._names_entries(table):
                self._forget(table)
            else:
                self._inputs.append(table)
        self.say(f"  the logs of {len(self._answers) + len(self._inputs)} tables; their files follow")
        self._copy_files([*self._answers, *self._inputs])
        for table in self._answers:
            if gone := self._missing(table):
                raise TransientError(
                    expected="a table that keeps its files while it is copied", seen=f"{gone} gone",
                    where=f"back-up of {table}", next_step="repeat the back-up, in another folder",
                )  # fmt: skip
        for table in self._inputs:
            self._until_whole(table)

    def known(self) -> list[str]:
        """Return the prefixes of all tables that there are."""
        return sorted({key.partition(_LOG)[0] for key in self.store.list_from(TABLES) if _LOG in key})

    def _names_entries(self, table: str) -> bool:
        return bool(_NAMES_AN_ENTRY & {each.name for each in self._copied(table).schema().fields})

    def _until_whole(self, table: str) -> None:
        for _ in range(_TRIES):
            if not (gone := self._missing(table)):
                return
            self.say(f"  {table}: {gone} was removed meanwhile; copying the table anew")
            self._forget(table)
            self._copy_log(table)
            self._copy_files([table])
        raise TransientError(
            expected=f"to copy a table in {_TRIES} tries", seen=f"{self._missing(table)} removed meanwhile each time",
            where=f"back-up of {table}", next_step="repeat the back-up when nothing is being erased",
        )  # fmt: skip

    def _copy_log(self, table: str) -> None:
        for _ in range(_TRIES):
            # The hint is overwritten in place and must not name a checkpoint that the listing does not have yet.
            hint, _ = self._take([f"{table}{_LOG}{_HINT}"])
            listed = [key for key in self.store.list_from(f"{table}{_LOG}") if not key.endswith(_HINT)]
            taken, gone = self._take([key for key in listed if self._path(key) not in self.files])
            self.files.update({**taken, **hint})
            if not gone:
                return
        raise TransientError(
            expected=f"to copy the log of a table in {_TRIES} tries", seen="entries removed meanwhile each time",
            where=f"back-up of {table}", next_step="repeat the back-up",
        )  # fmt: skip

    def _copy_files(self, tables: Iterable[str]) -> None:
        listed = [key for table in tables for key in self.store.list_from(f"{table}/") if _LOG not in key]
        taken, _ = self._take(listed, told=True)  # what is gone was of old versions, or is missed below
        self.files.update(taken)

    def _missing(self, table: str) -> str:
        """Return a file that the newest version of a copied table names and the back-up does not have."""
        root = str(self.folder.resolve())
        for uri in self._copied(table).file_uris():
            if (path := uri.removeprefix("file://").removeprefix(root).lstrip("/")) not in self.files:
                return path.rpartition("/")[2]
        return ""

    def _copied(self, table: str) -> DeltaTable:
        try:
            return DeltaTable(str(self.folder.resolve() / self._path(table)))
        except (DeltaError, OSError) as error:
            raise BackupError(
                expected="a whole Delta table", seen=str(error), where=f"back-up of {table}",
                next_step="restore the table from a back-up before, or remove what is no table",
            ) from error  # fmt: skip

    def _forget(self, table: str) -> None:
        for path in [each for each in self.files if each.startswith(f"{self._path(table)}/")]:
            (self.folder / path).unlink()
            del self.files[path]

    def _take(self, keys: Iterable[str], *, told: bool = False) -> tuple[dict[str, File], int]:
        return take(self.store, self.bucket, keys, self.folder, self.say if told else lambda text: None)

    def _path(self, key: str) -> str:
        return folder_of(self.bucket) + key
