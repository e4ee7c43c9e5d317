"""The worker processes: one a core on one port, started again when they die, and ended without cutting an answer off.

Workers outlive a supervisor that is killed, for they need it for nothing but news. The next supervisor starts its own
beside them on the same port, and ends the old ones when the new ones listen: no request finds the port closed, and
nothing of an older program goes on.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from include.platform import processes
from include.platform.state import Started, private_file
from include.serving import metrics

GRACE_SECONDS = 11.0  # more than a worker takes for its last answers, less than the platform waits before it kills
WORKER = ("-m", "include.serving.worker")
_FILE = "workers.json"
_BACKOFF = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_SECONDS = 30.0
_POLL_SECONDS = 0.05
# The workers ask nobody but the disk, so they are not told how to ask.
_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "FLIGHTDECK_JOURNAL_KEY")
_STARTED = TypeAdapter(list[Started])


@dataclass
class _Place:
    """A core's worker: the process, or when to start the next one."""

    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    deaths: int = 0
    again: float = 0.0


class Workers:
    """The workers of one service; for one thread.

    Args:
        home: The service's folder.
        serves: Names of the use cases.
        port: The port that they share.
        bind: The address that they listen on.
        count: How many there are.
        command: What Python is told to run as a worker.
    """

    def __init__(
        self,
        home: Path,
        serves: Sequence[str],
        *,
        port: int,
        bind: str,
        count: int,
        command: Sequence[str] = WORKER,
    ) -> None:
        self.home, self.port = home, port
        self._argv = [
            sys.executable, *command, str(home), *serves, "--host", bind, "--port", str(port), "--workers", str(count),
        ]  # fmt: skip
        self._places = [_Place() for _ in range(count)]
        self._before = [each for each in _remembered(home) if processes.alive(each)]
        if not self._before:  # then the counters of processes that are gone begin anew, as Prometheus expects it
            shutil.rmtree(home / metrics.FOLDER, ignore_errors=True)
        self._kill_at, self._kept = 0.0, tuple[int, ...]()

    def tend(self) -> str:
        """Start what is missing, let predecessors go that are replaced, and return what is wrong."""
        now = time.monotonic()
        for place in self._places:
            self._tend(place, now)
        if self._before and (self._kill_at or self._all_listen()):
            self._replace(now)
        problems = []
        try:
            self._remember()
        except OSError as error:
            problems.append(f"the workers' ids cannot be kept: {error}")
        deaths = max((place.deaths for place in self._places), default=0)
        if deaths > 1:
            problems.append(f"a worker has died {deaths} times, one soon after the other")
        return "; ".join(problems)

    def pids(self) -> list[int]:
        """Return the ids of the workers that run, those of a predecessor not among them."""
        return [each.process.pid for each in self._places if each.process is not None]

    def stop(self) -> list[int]:
        """Let all workers finish the answers they are at, and return the ids of those that had to be killed."""
        running = [each for pid in self.pids() if (each := processes.known(pid))] + self._before
        _signal(running, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        while (left := self._left(running)) and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        _signal(left, signal.SIGKILL)
        while self._left(running):
            time.sleep(_POLL_SECONDS)
        (self.home / _FILE).unlink(missing_ok=True)
        return [each.pid for each in left]

    def _tend(self, place: _Place, now: float) -> None:
        if place.process is not None and now - place.since > _STEADY_SECONDS:
            place.deaths = 0
        if place.process is not None and (code := place.process.poll()) is not None:
            tell(f"worker {place.process.pid} ended with {code}")
            metrics.forget(self.home, place.process.pid)
            place.again = now + _BACKOFF[min(place.deaths, len(_BACKOFF) - 1)]
            place.process, place.deaths = None, place.deaths + 1
        if place.process is None and now >= place.again:
            place.process, place.since = self._started(), now

    def _started(self) -> subprocess.Popen[bytes]:
        env = {name: value for name, value in os.environ.items() if name not in _SECRETS}
        return subprocess.Popen(self._argv, env=env, stdin=subprocess.DEVNULL)

    def _all_listen(self) -> bool:
        pids = self.pids()
        return len(pids) == len(self._places) and all(processes.listens(pid, self.port) for pid in pids)

    def _replace(self, now: float) -> None:
        """Tell predecessors once to end, and kill them when they do not."""
        if not self._kill_at:
            _signal(self._before, signal.SIGTERM)
            self._kill_at = now + GRACE_SECONDS
        left = [each for each in self._before if processes.alive(each)]
        if left and now > self._kill_at:
            _signal(left, signal.SIGKILL)
        for each in self._before:
            if each not in left:
                metrics.forget(self.home, each.pid)
        self._before = left

    def _left(self, running: Iterable[Started]) -> list[Started]:
        for place in self._places:
            if place.process is not None:
                place.process.poll()
        return [each for each in running if processes.alive(each)]

    def _remember(self) -> None:
        """Keep for the next supervisor which processes there are."""
        pids = (*self.pids(), *(each.pid for each in self._before))
        if pids != self._kept:
            mine = [each for pid in self.pids() if (each := processes.known(pid))]
            private_file(self.home / _FILE, _STARTED.dump_json(mine + self._before).decode())
            self._kept = pids


def _remembered(home: Path) -> list[Started]:
    try:
        return _STARTED.validate_json((home / _FILE).read_text())
    except (FileNotFoundError, ValidationError):
        return []


def tell(text: str) -> None:
    """Say something in the log; a full disk under it is no reason to end."""
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)


def _signal(running: Iterable[Started], number: signal.Signals) -> None:
    for each in running:
        with contextlib.suppress(ProcessLookupError):
            os.kill(each.pid, number)
