"""The prediction log's files: how a record becomes a line, what a segment is called, and what a dead writer has left.

``<home>/log/<writer>/<number>.log`` is a writer's open segment, ``<number>.closed`` one that waits to be shipped.
Numbers count and never repeat within a writer, and a writer's id is new with each start of a process; no clock is
asked. A writer holds a lock on its folder, so a folder that nobody holds is a dead writer's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from include.errors import LogError

OPEN, CLOSED = ".log", ".closed"
# A folder of that beginning is one that its writer has not locked yet, or that is no writer's.
HIDDEN = "."
_QUARANTINE = f"{HIDDEN}quarantine"
_FRAME = 10  # eight digits, a space and the line's end


class Line(NamedTuple):
    """One line of a segment: where it begins, its bytes, and the record in it; none where it is broken."""

    offset: int
    raw: bytes
    record: bytes | None


def frame(record: bytes) -> bytes:
    """Return a record as a line with its checksum.

    Raises:
        LogError: the record has a line's end in it.
    """
    if b"\n" in record:
        raise LogError(
            expected="a record without a line's end",
            seen=f"one at byte {record.index(10)} of {len(record)}",
            where="prediction log",
            next_step="write the record as JSON without indentation; nothing of it was logged",
        )
    return b"%08x %b\n" % (zlib.crc32(record), record)


def log_folder(home: Path) -> Path:
    """Return the folder of all writers' logs."""
    return home / "log"


def segment_path(folder: Path, number: int, kind: str) -> Path:
    """Return the path of a writer's segment."""
    return folder / f"{number:010d}{kind}"


def lines(path: Path) -> Iterator[Line]:
    """Yield every line of a segment, broken ones included: each line stands for itself by its checksum."""
    offset = 0
    with path.open("rb") as file:
        for raw in file:
            yield Line(offset, raw, _record(raw))
            offset += len(raw)


def read_segment(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the records of a segment with their offsets.

    An open segment ends at its first broken line, for that is where its writer was when it died. A closed one has no
    such line.

    Raises:
        LogError: a line of a closed segment is broken; names file and offset.
    """
    for line in lines(path):
        if line.record is None:
            if path.suffix == OPEN:
                return
            raise LogError(
                expected="a line as it was written",
                seen=f"a broken one of {len(line.raw)} bytes at offset {line.offset}",
                where=f"prediction log {path}",
                next_step="let it be shipped: broken lines go to quarantine, whole ones to the table",
            )
        yield line.offset, line.record


def writers(home: Path) -> list[Path]:
    """Return the folders of all writers, living and dead."""
    with contextlib.suppress(FileNotFoundError):
        return sorted(each for each in log_folder(home).iterdir() if not each.name.startswith(HIDDEN))
    return []


def closed_numbers(folder: Path) -> list[int]:
    """Return the numbers of the segments that wait to be shipped, in their order, with none left out.

    A listing can miss a file that is renamed meanwhile, and a segment that is shipped before an earlier one would
    make that one count as shipped. So the last is found by listing, and those before it by asking for each.
    """
    found = {int(each.stem) for each in _entries(folder) if each.suffix == CLOSED}
    if not found:
        return []
    first = min(found)
    while segment_path(folder, first - 1, CLOSED).exists():
        first -= 1
    return [each for each in range(first, max(found) + 1) if segment_path(folder, each, CLOSED).exists()]


def unshipped_bytes(home: Path) -> int:
    """Return how many bytes all writers' segments have that were not shipped yet."""
    total = 0
    for folder in writers(home):
        for each in _entries(folder):
            with contextlib.suppress(FileNotFoundError):
                total += each.stat().st_size
    return total


def adopt(folder: Path) -> bool:
    """Close what a dead writer has left open, and return whether the writer is dead.

    What stands behind the last whole line of its open segment was never acknowledged; it is kept in quarantine unless
    it is the beginning of one line. A folder without segments is removed.
    """
    with _locked(folder) as dead:
        if not dead:
            return False
        for path in [each for each in _entries(folder) if each.suffix == OPEN]:
            end = sum(_FRAME + len(record) for _, record in read_segment(path))
            with path.open("r+b") as file:
                file.seek(end)
                rest = file.read()
                if b"\n" in rest:
                    quarantine(folder, int(path.stem), [Line(end, rest, None)])
                file.truncate(end)
                os.fsync(file.fileno())
            if end:
                path.rename(path.with_suffix(CLOSED))
            else:
                path.unlink()
        with contextlib.suppress(OSError):  # segments wait in it
            folder.rmdir()
    return True


def quarantine(folder: Path, number: int, broken: list[Line]) -> Path:
    """Keep lines that cannot be shipped in a file of their own, and return it; the same ones again change nothing."""
    kept = folder.parent / _QUARANTINE / f"{folder.name}-{number:010d}-{broken[0].offset}"
    kept.parent.mkdir(exist_ok=True)
    half = kept.with_name(f"{HIDDEN}{kept.name}")
    with half.open("wb") as file:
        file.writelines(line.raw for line in broken)
        file.flush()
        os.fsync(file.fileno())
    half.rename(kept)
    sync_folder(kept.parent)
    return kept


def quarantined(home: Path) -> list[Path]:
    """Return the files with lines that could not be shipped; a person must look at them."""
    return [each for each in _entries(log_folder(home) / _QUARANTINE) if not each.name.startswith(HIDDEN)]


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a loss of power."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _record(raw: bytes) -> bytes | None:
    record = raw[9:-1]
    return record if raw.endswith(b"\n") and raw[:9] == b"%08x " % zlib.crc32(record) else None


def _entries(folder: Path) -> list[Path]:
    with contextlib.suppress(FileNotFoundError):
        return sorted(folder.iterdir())
    return []


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold a folder's lock if nobody does, and say whether that is so."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        held = True
    except BlockingIOError:
        held = False
    try:
        yield held
    finally:
        os.close(opened)
