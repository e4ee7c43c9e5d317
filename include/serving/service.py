"""What the parts of a worker share: the snapshot, the log, the keys' buckets, the threads, and two clocks.

Wall-clock time stamps answers and lets keys expire. All that is measured is measured by a clock that never goes back.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.types import Scope

from include.deployment.assignment import variant_of
from include.errors import OverloadedError, TransientError
from include.serving import metrics
from include.serving.access import Doorkeeper, header
from include.serving.answers import RefusedError, Variant
from include.serving.deadline import LateError
from include.serving.models import Loaded
from include.serving.state import Live, Snapshot, Watcher
from include.spec import Serving, UseCase

BODY_BYTES = 64 * 1024
_THREADS = 4
_MEASURE_SECONDS = 0.5


class Log(Protocol):
    """Where records go before an answer is given."""

    groups: int
    problem: str

    @property
    def unshipped_bytes(self) -> int:
        """Return how many bytes wait to be shipped."""

    def append(self, record: bytes) -> asyncio.Future[None]:
        """Log a record; the future is done when it is on the disk."""

    async def close(self) -> None:
        """Put on disk what was appended."""


@dataclass(frozen=True)
class Limits:
    """How much one worker takes on.

    Args:
        workers: Processes behind the port; each grants its share of a key's rate.
        in_flight: Requests that may be under way; one more is refused at once.
        body_bytes: Largest body.
        body_seconds: Longest time that a body may take to come; it holds a place among those under way.
        shadows: Cases that may wait for a shadow; one more is left out.
    """

    workers: int = 1
    in_flight: int = 64
    body_bytes: int = BODY_BYTES
    body_seconds: float = 5.0
    shadows: int = 1000


class Service:
    """The shared parts of one worker.

    Args:
        home: The service's folder.
        specs: The use cases that it serves.
        limits: How much it takes on.
        now: Wall-clock time, UTC.
    """

    def __init__(self, home: Path, specs: Sequence[UseCase], limits: Limits, now: Callable[[], dt.datetime]) -> None:
        self.home, self.limits, self.now = home, limits, now
        self.specs = {spec.name: spec for spec in specs}
        self.watcher = Watcher(home, specs)
        self.doorkeeper = Doorkeeper(limits.workers)
        self.pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="model")
        self.log: Log | None = None
        self.in_flight = 0
        self._records = 0

    @property
    def snapshot(self) -> Snapshot:
        """Return what is known at this moment; to be taken once a request."""
        return self.watcher.snapshot

    def admit(self, scope: Scope, snapshot: Snapshot, use_case: str) -> None:
        """Let a request in, and note what it asks for.

        Raises:
            RefusedError: 401, 403, 429; 503 where no key is known yet.
        """
        scope["use_case"] = use_case
        if snapshot.view is None:
            raise unknown_yet("the service has not learned yet what is live and whose keys are valid")
        self.doorkeeper.admit(header(scope, b"authorization"), snapshot.access, use_case, self.now())

    def live(self, snapshot: Snapshot, use_case: str, key: str) -> Live:
        """Return what is live for a key.

        Raises:
            RefusedError: 503, for nothing at all is known about it yet.
        """
        found = snapshot.live.get((use_case, key))
        if found is None:
            raise unknown_yet(f"nothing is known yet about {use_case}/{key}")
        return found

    async def write(self, records: Sequence[bytes], *, durable: bool) -> None:
        """Log records, and return when they are on the disk, or at once where that need not be.

        Raises:
            RefusedError: 503; the answer must not be given.
        """
        if self.log is None:
            raise unknown_yet("the log is not open yet")
        began = time.monotonic()
        self._records += len(records)
        waiting: list[asyncio.Future[None]] = []
        try:
            for record in records:
                waiting.append(self.log.append(record))
                waiting[-1].add_done_callback(_noticed)
            if durable:
                for each in waiting:
                    await each
                metrics.LOG_SECONDS.observe(time.monotonic() - began)
        except OverloadedError as error:
            raise RefusedError(503, "log_full", error.expected, after=error.retry_after) from error
        except TransientError as error:
            raise RefusedError(503, "log_failed", "the answer could not be logged", after=1) from error

    async def measure(self, log: Log) -> None:
        """Tell what need not be told with each request, some times a second, for ever."""
        records = groups = 0
        while True:
            metrics.IN_FLIGHT.set(self.in_flight)
            metrics.UNSHIPPED.set(log.unshipped_bytes)
            metrics.LOG_RECORDS.inc(self._records - records)
            metrics.LOG_GROUPS.inc(log.groups - groups)
            records, groups = self._records, log.groups
            await asyncio.sleep(_MEASURE_SECONDS)

    async def ask(
        self, spec: UseCase, loaded: Loaded, args: Sequence[Any], scores: Callable[[Any], Sequence[float]], began: float
    ) -> tuple[Any, str, str]:
        """Return a model's answer, or why it is not to be given: the kind, and a sentence.

        Args:
            spec: The use case.
            loaded: The model.
            args: What it is asked with.
            scores: Returns the numbers of an answer that must be sane.
            began: When the deadline began to run, by the monotonic clock.
        """
        serving, version = spec.serving or Serving(), f"v{loaded.ref.version}"
        try:
            found = await loaded.answer.ask(*args, until=began + serving.deadline_ms / 1000, pool=self.pool)
        except LateError:
            return None, "deadline", f"{version} had no answer within {serving.deadline_ms:g} ms"
        except Exception as error:  # a model that fails is no reason to leave a client without an answer
            return None, "error", f"{version} failed with {type(error).__name__}"
        if (sane := serving.outputs) is not None:
            wrong = [score for score in scores(found) if not sane[0] <= score <= sane[1]]
            if wrong:
                return None, "insane", f"{version} answered {wrong[0]:g}, outside of {sane[0]:g} to {sane[1]:g}"
        return found, "", ""


def chosen(live: Live, use_case: str, key: str, unit: str) -> tuple[Variant, Loaded | None, str, str]:
    """Return who decides about a unit and its model, or without one the kind of reason and a sentence."""
    said = live.said
    if not said.switch_on:
        return "fallback", None, "switched off", f"switched off: {said.switch_reason}"
    variant: Variant = "champion"
    if said.challenger is not None and said.canary_weight > 0:
        variant = variant_of(unit, salt=said.salt, use_case=use_case, key=key, weight=said.canary_weight)
    ref = said.challenger if variant == "challenger" else said.decides
    if ref is None:
        return "fallback", None, "no champion", "no champion yet"
    if (loaded := live.model(ref)) is None:
        return "fallback", None, "not loaded", f"v{ref.version} cannot be loaded"
    return variant, loaded, "", ""


def unknown_yet(detail: str) -> RefusedError:
    """Return the refusal of a worker that cannot know the answer yet."""
    return RefusedError(503, "not_ready", detail, after=2)


def _noticed(done: asyncio.Future[None]) -> None:
    """Take note of a failure that nobody waits for any more."""
    if not done.cancelled():
        done.exception()
