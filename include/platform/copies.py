"""Many objects into files and back, streamed, side by side, with a word every few seconds on how far it is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import TypeVar

from include.data.objects import ObjectStore
from include.errors import BackupError, TransientError
from include.platform.manifest import File

Say = Callable[[str], None]
_OBJECTS = "objects"
_AT_ONCE = 16
_TRIES = 3
_PAUSE_SECONDS = 2.0
_EVERY_SECONDS = 5.0
_LONGEST_NAME = 255
_DONE = TypeVar("_DONE")


def folder_of(bucket: str) -> str:
    """Return where in a back-up the objects of a bucket lie, with the trailing slash."""
    return f"{_OBJECTS}/{bucket}/"


def path_of(bucket: str, key: str) -> str:
    """Return where in a back-up an object lies: under its own key, so that people can read it there.

    Raises:
        BackupError: the key is no path that a folder could have.
    """
    parts = key.split("/")
    if any(part in ("", ".", "..") or "\0" in part or len(part.encode()) > _LONGEST_NAME for part in parts):
        raise BackupError(
            expected="keys of objects that can be paths of files",
            seen=repr(key),
            where=f"bucket {bucket}",
            next_step="remove that object, which nothing of Flightdeck has written, and repeat",
        )
    return folder_of(bucket) + key


def take(store: ObjectStore, bucket: str, keys: Iterable[str], folder: Path, say: Say) -> tuple[dict[str, File], int]:
    """Copy objects into a back-up's folder.

    Args:
        store: The bucket.
        bucket: Its name in the back-up.
        keys: The objects.
        folder: The back-up's folder.
        say: Where progress goes.

    Returns:
        The files by path, and how many of the objects were gone by then.
    """
    paths = {key: path_of(bucket, key) for key in keys}
    for parent in {(folder / path).parent for path in paths.values()}:
        parent.mkdir(parents=True, exist_ok=True)

    def copy(key: str) -> File | None:
        found = _patiently(lambda: store.download(key, folder / paths[key]))
        return File(size=found[0], sha256=found[1]) if found else None

    taken = _all(copy, list(paths), f"{bucket}: copied", say, lambda file: file.size if file else 0)
    files = {paths[key]: file for key, file in taken.items() if file}
    for key, file in taken.items():
        if file is None:
            (folder / paths[key]).unlink(missing_ok=True)
    return files, len(paths) - len(files)


def give(store: ObjectStore, bucket: str, files: Mapping[str, File], folder: Path, say: Say) -> None:
    """Write files of a back-up, by path, as the objects that they were."""
    begin = folder_of(bucket)

    def write(path: str) -> int:
        _patiently(lambda: store.upload(path.removeprefix(begin), folder / path))
        return files[path].size

    _all(write, list(files), f"{bucket}: written", say, int)


def _all(
    work: Callable[[str], _DONE], names: list[str], what: str, say: Say, size: Callable[[_DONE], int]
) -> dict[str, _DONE]:
    done: dict[str, _DONE] = {}
    told, total = time.monotonic(), 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        waiting = {pool.submit(work, name): name for name in names}
        try:
            for future in as_completed(waiting):
                done[waiting[future]] = future.result()
                total += size(done[waiting[future]])
                if time.monotonic() - told > _EVERY_SECONDS:
                    told = time.monotonic()
                    say(f"  … {what} {len(done):,} of {len(names):,} objects, {megabytes(total)}")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return done


def _patiently(ask: Callable[[], _DONE]) -> _DONE:
    for _ in range(_TRIES - 1):
        try:
            return ask()
        except TransientError:
            time.sleep(_PAUSE_SECONDS)
    return ask()


def megabytes(size: int) -> str:
    """Return a number of bytes for people."""
    return f"{size / 1e6:,.1f} MB"
