"""The prediction log: an answer is given when its record is on disk, and many records share one way there.

One thread writes. It takes all that has come while the disk was busy, writes it at once, has it synced, and tells the
event loop once. So a record waits for the disk and for nothing else, and the slower the disk, the larger the groups.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import queue
import threading
import time
import uuid
from pathlib import Path

from include.errors import OverloadedError, TransientError
from include.serving.segments import CLOSED, HIDDEN, OPEN, frame, log_folder, segment_path, sync_folder, unshipped_bytes

MIB = 2**20
_LOOK_SECONDS = 1.0
_GATHER_SECONDS = 0.001  # a sync costs as much as a quarter of an answer; the more share it, the more are answered
_MEND = "give the disk space, or have it mended; then ask again"
_Waiting = tuple[bytes, "asyncio.Future[None]"]


class SegmentWriter:
    """The files of one writer: whole groups of lines, or nothing of them. Not for more than one thread."""

    def __init__(self, home: Path, *, durable: bool, segment_bytes: int, segment_seconds: float) -> None:
        self.writer = uuid.uuid4().hex
        self.folder = log_folder(home) / self.writer
        self._durable, self._bytes, self._seconds = durable, segment_bytes, segment_seconds
        self._number, self._file, self._size, self._opened = 1, -1, 0, 0.0
        self._spoiled = False
        # The folder gets its name when it is locked: before, it would look like a dead writer's.
        unnamed = self.folder.with_name(f"{HIDDEN}{self.writer}")
        unnamed.mkdir(parents=True)
        self._lock = os.open(unnamed, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        unnamed.rename(self.folder)
        if durable:
            sync_folder(self.folder.parent)
            sync_folder(home)

    def write(self, group: bytes) -> None:
        """Put a group of lines on disk; where that fails nothing of it stays.

        Raises:
            OSError: the disk is full or broken.
        """
        if self._spoiled:
            self._mend()
        try:
            if self._file < 0:
                self._start()
            rest = memoryview(group)
            while rest:
                rest = rest[os.write(self._file, rest) :]
            if self._durable:
                os.fdatasync(self._file)
        except OSError:
            self._spoiled = self._file >= 0
            with contextlib.suppress(OSError):  # then it is mended before the next group
                self._mend()
            raise
        self._size += len(group)

    def close_segment(self) -> None:
        """Leave the open segment, if there is one, to be shipped."""
        if self._file < 0:
            return
        path = segment_path(self.folder, self._number, OPEN)
        if self._size:
            # Its new name needs no sync: where that is lost with the power, the segment is a dead writer's open one.
            path.rename(path.with_suffix(CLOSED))
            self._number += 1
        else:
            path.unlink()
        os.close(self._file)
        self._file = -1

    def close_due(self) -> None:
        """Leave the open segment to be shipped if it is large or old enough."""
        if self._size >= self._bytes or time.monotonic() - self._opened >= self._seconds:
            self.close_segment()

    def close(self) -> None:
        """Leave all to be shipped, and let go of the folder."""
        with contextlib.suppress(OSError):  # who adopts it does the same
            self._mend()
        os.close(self._lock)

    def _start(self) -> None:
        path = segment_path(self.folder, self._number, OPEN)
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o600)
        self._size, self._opened = 0, time.monotonic()
        if self._durable:
            os.fsync(self._lock)

    def _mend(self) -> None:
        """Take away what is left of a group that failed; what its sync has done to the file is unknown, so close it."""
        if self._file >= 0:
            os.ftruncate(self._file, self._size)
            self.close_segment()
        self._spoiled = False


class PredictionLog:
    """The prediction log of one process; made, used and closed within one event loop.

    Args:
        home: The service's folder; the log is below it.
        durable: Whether a record is synced to disk before it is acknowledged. Without it a kill of the process loses
            nothing, and a loss of power does.
        segment_bytes: Size at which a segment is closed.
        segment_seconds: Age at which it is.
        max_unshipped_bytes: Bytes of all writers below ``home`` that may wait to be shipped.
        max_waiting_bytes: Bytes that may wait in memory for this process's disk.
    """

    def __init__(
        self,
        home: Path,
        *,
        durable: bool = True,
        segment_bytes: int = 8 * MIB,
        segment_seconds: float = 10.0,
        max_unshipped_bytes: int = 1024 * MIB,
        max_waiting_bytes: int = 16 * MIB,
    ) -> None:
        self._home, self._look_seconds = home, min(_LOOK_SECONDS, segment_seconds)
        self._max_unshipped, self._max_waiting = max_unshipped_bytes, max_waiting_bytes
        self._loop = asyncio.get_running_loop()
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._closed = False
        self._taken = 0  # bytes; the loop alone counts these, the thread the two below
        self._settled = 0
        try:
            self._files = SegmentWriter(
                home, durable=durable, segment_bytes=segment_bytes, segment_seconds=segment_seconds
            )
            self._on_disk = unshipped_bytes(home)
        except OSError as error:
            raise self._failed(str(error), _MEND) from error
        self.groups = 0
        self.problem = ""
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)
        self._thread.start()

    @property
    def writer(self) -> str:
        """Return this log's id, which every row of it carries in the table."""
        return self._files.writer

    @property
    def waiting_bytes(self) -> int:
        """Return how many bytes wait in memory for the disk."""
        return self._taken - self._settled

    @property
    def unshipped_bytes(self) -> int:
        """Return about how many bytes of all writers wait to be shipped, those in memory included."""
        return self._on_disk + self.waiting_bytes

    def append(self, record: bytes) -> asyncio.Future[None]:
        """Log a record, and return what is done when it is on disk.

        The future raises TransientError where the disk takes nothing; then nothing of the record is in the log.

        Raises:
            OverloadedError: too much waits for the disk or to be shipped; says when to come again.
            LogError: the record has a line's end in it.
            TransientError: the log is closed.
        """
        line = frame(record)
        if self._closed or not self._thread.is_alive():
            raise self._failed("that it is closed", "ask another process; this one ends")
        waiting = self.waiting_bytes + len(line)
        if waiting > self._max_waiting:
            raise self._overloaded(f"{waiting} waiting for the disk", self._max_waiting, "see what slows its disk")
        if self._on_disk + waiting > self._max_unshipped:
            seen = f"{self._on_disk + waiting} waiting to be shipped"
            raise self._overloaded(seen, self._max_unshipped, "see why the log is not shipped; most often S3 is away")
        future = self._loop.create_future()
        self._taken += len(line)
        self._queue.put((line, future))
        return future

    async def close(self) -> None:
        """Put on disk what was appended, and leave all to be shipped."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await self._loop.run_in_executor(None, self._thread.join)

    def _work(self) -> None:
        looked = time.monotonic()
        going_on = True
        while going_on:
            group, going_on = self._next_group()
            if group:
                self._commit(group)
            with contextlib.suppress(OSError):  # tried again with the next group
                self._files.close_due()
                if time.monotonic() - looked >= self._look_seconds:
                    self._on_disk, looked = unshipped_bytes(self._home), time.monotonic()
        self._files.close()

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """Return all that has come, and whether more may; waits for a second at most."""
        group: list[_Waiting] = []
        with contextlib.suppress(queue.Empty):
            each = self._queue.get(timeout=self._look_seconds)
            if each is not None:
                time.sleep(_GATHER_SECONDS)
            while each is not None:
                group.append(each)
                each = self._queue.get_nowait()
            return group, False
        return group, True

    def _commit(self, group: list[_Waiting]) -> None:
        lines = b"".join(line for line, _ in group)
        self.groups += 1
        try:
            self._files.write(lines)
            self.problem = ""
        except OSError as error:
            self.problem = str(error)
        else:
            self._on_disk += len(lines)
        self._settled += len(lines)
        with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits
            self._loop.call_soon_threadsafe(self._settle, [future for _, future in group], self.problem)

    def _settle(self, futures: list[asyncio.Future[None]], problem: str) -> None:
        for future in futures:
            if future.done():  # who asked has gone
                continue
            if problem:
                future.set_exception(self._failed(problem, _MEND))
            else:
                future.set_result(None)

    def _failed(self, seen: str, next_step: str) -> TransientError:
        return TransientError(
            expected="the disk to take a record", seen=seen, where=f"prediction log {log_folder(self._home)}",
            next_step=next_step,
        )  # fmt: skip

    def _overloaded(self, seen: str, bound: int, next_step: str) -> OverloadedError:
        return OverloadedError(
            expected=f"at most {bound} bytes", seen=seen, where=f"prediction log {log_folder(self._home)}",
            next_step=f"{next_step}, and ask again after a second",
        )  # fmt: skip
