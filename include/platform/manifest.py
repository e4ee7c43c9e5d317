"""What a back-up consists of: a list of its files with sizes and digests, signed, and written when all else is there.

A folder without it is no back-up. It is signed with the journal's key, so whoever can write to the place where back-ups
are kept cannot make one that would be restored, and a deployment takes back only what was its own.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from include.errors import BackupError
from include.governance.signatures import opened, sign
from include.records import Record

Kind = Literal["sqlite", "postgresql"]
NAME = "manifest.json"
_DOMAIN = "flightdeck backup"
_FORMAT = 1
_READERS = 4
_TOLD = 5
_OF_VERSION = ("apache-airflow-core", "mlflow")  # whose tables are in the dumps


class File(Record):
    """One file: how long it is, and what is in it."""

    size: int
    sha256: str


class Dump(Record):
    """One database."""

    kind: Kind
    tables: int
    rows: int


class Head(Record):
    """Where a journal ended."""

    sequence: int
    hash: str


class Manifest(Record):
    """The content of ``manifest.json``."""

    format: int = _FORMAT
    began: dt.datetime
    ended: dt.datetime
    versions: dict[str, str] = Field(description="of the libraries whose tables are in the dumps")
    replay_start: dt.date | None = Field(description="the day on which recordings went live")
    databases: dict[str, Dump] = Field(description="by name")
    buckets: dict[str, int] = Field(description="number of objects by bucket")
    journals: dict[str, Head] = Field(description="by tenant/use case")
    files: dict[str, File] = Field(description="by path below the back-up's folder")

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(each.size for each in self.files.values())


def versions() -> dict[str, str]:
    """Return the installed versions of the libraries whose tables are in the dumps."""
    return {name: version(name) for name in _OF_VERSION}


def write(folder: Path, manifest: Manifest) -> None:
    """Write the manifest in one step, when all that it names is on the disk."""
    os.sync()
    fresh = folder / f"{NAME}.new"
    with fresh.open("wb") as file:
        file.write(sign(manifest.model_dump(mode="json"), domain=_DOMAIN))
        file.flush()
        os.fsync(file.fileno())
    fresh.rename(folder / NAME)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(folder: Path) -> Manifest:
    """Return the manifest of a back-up that was finished.

    Raises:
        BackupError: there is none, it is not as it was signed, or it is of another journal's key.
    """
    path = folder / NAME
    if not path.is_file():
        raise BackupError(
            expected=f"a finished back-up with its {NAME}, which is written last",
            seen=f"a folder without {NAME}" if folder.is_dir() else "no such folder",
            where=str(folder),
            next_step="take another back-up; one that was broken off cannot be restored",
        )
    try:
        document = opened(path.read_bytes(), domain=_DOMAIN)
    except ValueError as error:
        raise BackupError(
            expected="the manifest as it was signed",
            seen=str(error),
            where=str(path),
            next_step="set the FLIGHTDECK_JOURNAL_KEY of the deployment that was backed up; if it is that key, take "
            "another back-up, and find out who wrote to this one",
        ) from error
    document.pop("signer")
    try:
        return Manifest.model_validate(document)
    except ValidationError as error:
        raise BackupError(
            expected=f"a back-up of format {_FORMAT}",
            seen=f"format {document.get('format')}: {error}",
            where=str(path),
            next_step="restore it with the version of Flightdeck that made it",
        ) from error


def check(folder: Path, manifest: Manifest) -> None:
    """Read every file of a back-up, and compare it with the manifest.

    Raises:
        BackupError: a file is missing, or is another; names the first ones and how many there are.
    """
    with ThreadPoolExecutor(_READERS) as readers:
        found = list(readers.map(lambda name: _wrong(folder / name, manifest.files[name]), manifest.files))
    if wrong := {name: seen for name, seen in zip(manifest.files, found, strict=True) if seen}:
        raise BackupError(
            expected=f"{len(manifest.files)} files as {NAME} names them",
            seen=f"{len(wrong)} that are not: {_some(wrong)}",
            where=str(folder),
            next_step="take an older back-up, or the same one from another disk; nothing was written",
        )


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def listed(folder: Path, names: Iterable[str]) -> dict[str, File]:
    """Return files below a folder as a manifest names them."""
    return {name: File(size=(folder / name).stat().st_size, sha256=digest_of(folder / name)) for name in names}


def _wrong(path: Path, file: File) -> str:
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        return "missing"
    if size != file.size:
        return f"{size} bytes instead of {file.size}"
    seen = digest_of(path)
    return "" if seen == file.sha256 else f"digest {seen[:12]} instead of {file.sha256[:12]}"


def _some(wrong: Mapping[str, str]) -> str:
    said = [f"{name} ({seen})" for name, seen in list(wrong.items())[:_TOLD]]
    return ", ".join([*said, *(["…"] if len(wrong) > _TOLD else [])])
