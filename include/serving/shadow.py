"""Let a shadow score what was answered already, off every request's path: late, or not at all, but never in the way."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from include.errors import FlightdeckError
from include.serving import metrics
from include.serving.record import SHADOW, line
from include.serving.service import Log

log = logging.getLogger("flightdeck.serving")
_AT_ONCE = 16


@dataclass(frozen=True)
class Case:
    """What a shadow is to say something about.

    Args:
        version: The shadow's version.
        ask: Returns what the shadow says: fields of an answer, and the output beyond score and decision.
        said: The answer that was given.
        inputs: What was asked with.
        at: When it was answered.
    """

    version: int
    ask: Callable[[], tuple[dict[str, Any], Any]]
    said: dict[str, Any]
    inputs: Any
    at: dt.datetime


class Shadows:
    """The cases that wait for a shadow, a bounded number, and one thread that scores them."""

    def __init__(self, most: int) -> None:
        self._waiting: asyncio.Queue[Case] = asyncio.Queue(most)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="shadow")

    def offer(self, case: Case) -> None:
        """Take a case if there is room; it is left out otherwise."""
        try:
            self._waiting.put_nowait(case)
        except asyncio.QueueFull:
            metrics.shadows(case.said["use_case"], "left out").inc()

    async def work(self, records: Log) -> None:
        """Score what comes, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            cases = [await self._waiting.get()]
            while len(cases) < _AT_ONCE and not self._waiting.empty():
                cases.append(self._waiting.get_nowait())
            for case, record in zip(cases, await loop.run_in_executor(self._thread, _scored, cases), strict=True):
                metrics.shadows(case.said["use_case"], "scored" if record else "failed").inc()
                if record:
                    self._write(records, record)

    def _write(self, records: Log, record: bytes) -> None:
        try:
            records.append(record).add_done_callback(lambda done: done.cancelled() or done.exception())
        except FlightdeckError:  # the answers' own records come first
            log.warning("a shadow's record was not taken by the log")


def _scored(cases: list[Case]) -> list[bytes]:
    """Return the log's line of each case, empty where the shadow has failed."""
    return [_line(case) for case in cases]


def _line(case: Case) -> bytes:
    began = time.perf_counter()
    try:
        answer, output = case.ask()
    except Exception:  # whatever a new model does, the service goes on
        log.exception("shadow v%s of %s", case.version, case.said["use_case"])
        return b""
    taken = time.perf_counter() - began
    beside = {name: case.said.get(name) for name in ("request_id", "variant", "model_version", "score", "decision")}
    said = {
        **case.said, "reasons": [], **answer, "variant": SHADOW, "model_version": case.version,
        "request_id": f"{case.said['request_id']}/{SHADOW}",
    }  # fmt: skip
    return line(said, at=case.at, inputs=case.inputs, output=output, latency_ms=1000 * taken, shadow=beside)
