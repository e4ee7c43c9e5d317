"""Load on an HTTP server from a process of its own: so many connections in a closed loop, or so many requests a second.

In an open loop a request's time runs from the moment at which it was due, so a server that falls behind cannot hide it.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import uvloop
from pydantic import BaseModel, Field

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SAID = re.compile(rb'"variant":"(\w+)","model_version":(\d+),"sequence":(\d+)')
_PATIENCE = 30.0  # seconds for what is under way when the time is over


class Load(BaseModel):
    """What is asked of a server, and how often.

    With ``rate`` it is an open loop over at most ``connections``; without, each connection asks again at once.
    """

    host: str = "127.0.0.1"
    port: int
    requests: list[str] = Field(description="whole requests, one after another and again from the start")
    connections: int = 16
    rate: float | None = Field(default=None, description="requests a second")
    seconds: float = Field(default=5.0, description="how long")
    most: int | None = Field(default=None, description="requests after which it ends earlier")


class Seen(BaseModel):
    """What came back."""

    seconds: float
    statuses: dict[str, int]
    said: dict[str, int] = Field(description="answers by 'variant version sequence', where they say it")
    retry_after: int = Field(description="answers that say when to come again")
    broken: int = Field(description="connections that ended without an answer")
    unanswered: int = Field(description="requests without an answer at the end")
    milliseconds: list[float] = Field(description="time of each answer of status 200, in order of their end")

    @property
    def answered(self) -> int:
        """Return the answers of status 200."""
        return self.statuses.get("200", 0)

    @property
    def rate(self) -> float:
        """Return the answers of status 200 a second."""
        return self.answered / self.seconds

    def quantile(self, share: float) -> float:
        """Return a quantile of the answers' times, in milliseconds; infinite where there is none."""
        ordered = sorted(self.milliseconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("inf")


def get(path: str, key: str = "", host: str = "127.0.0.1") -> str:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{_authorization(key)}\r\n"


def post(path: str, body: str, key: str = "", host: str = "127.0.0.1") -> str:
    """Return a POST request with a JSON body."""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\n{_authorization(key)}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}"


@dataclass(frozen=True)
class Running:
    """A load that is being put on a server.

    Args:
        process: The process that does it.
        output: What it writes.
    """

    process: subprocess.Popen[bytes]
    output: IO[bytes]


def started(load: Load) -> Running:
    """Start a load in a process of its own."""
    with tempfile.TemporaryFile() as given:
        given.write(load.model_dump_json().encode())
        given.seek(0)
        output = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``finished``
        argv = [sys.executable, "-m", "benchmarks.load"]
        process = subprocess.Popen(argv, stdin=given, stdout=output, cwd=Path(__file__).parents[1])
    return Running(process, output)


def finished(running: Running) -> Seen:
    """Wait for a load, and return what it has seen."""
    with running.output as output:
        code = running.process.wait()
        output.seek(0)
        said = output.read()
    assert code == 0, said
    return Seen.model_validate_json(said)


def run(load: Load) -> Seen:
    """Put a load on a server from a process of its own, and return what it has seen."""
    return finished(started(load))


def _authorization(key: str) -> str:
    return f"Authorization: Bearer {key}\r\n" if key else ""


class _Connection(asyncio.Protocol):
    """One connection: one request at a time, its answer read to the end."""

    def __init__(self, driver: _Driver) -> None:
        self._driver = driver
        self._buffer = b""
        self.due: float | None = None
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def ask(self, request: bytes, due: float) -> None:
        self.due = due
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        length = _LENGTH.search(self._buffer, 0, end + 2)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) >= whole:
            answer, self._buffer = self._buffer[:whole], self._buffer[whole:]
            due, self.due = self.due, None
            self._driver.answered(self, answer, due or 0.0)

    def connection_lost(self, exc: Exception | None) -> None:
        self._driver.lost(self)


class _Driver:
    def __init__(self, load: Load) -> None:
        self.load = load
        self.requests = [each.encode() for each in load.requests]
        self.sent = 0
        self.idle: deque[_Connection] = deque()
        self.late: deque[float] = deque()
        self.open: set[_Connection] = set()
        self.statuses: Counter[str] = Counter()
        self.said: Counter[str] = Counter()
        self.retry_after = self.broken = 0
        self.milliseconds: list[float] = []
        self.ending = False
        self.loop = asyncio.get_running_loop()

    async def connect(self) -> _Connection:
        _, made = await self.loop.create_connection(lambda: _Connection(self), self.load.host, self.load.port)
        self.open.add(made)
        return made

    def send(self, connection: _Connection, due: float) -> None:
        connection.ask(self.requests[self.sent % len(self.requests)], due)
        self.sent += 1

    def answered(self, connection: _Connection, answer: bytes, due: float) -> None:
        now, status = time.perf_counter(), answer[9:12].decode()
        self.statuses[status] += 1
        if status == "200":
            self.milliseconds.append(1000 * (now - due))
            if found := _SAID.search(answer):
                self.said[b" ".join(found.groups()).decode()] += 1
        elif b"retry-after:" in answer.lower():
            self.retry_after += 1
        if self.late:
            self.send(connection, self.late.popleft())
        elif self.load.rate is None and not self.ending:
            self.send(connection, now)
            self.ending = self.load.most is not None and self.sent >= self.load.most
        else:
            self.idle.append(connection)

    def lost(self, connection: _Connection) -> None:
        self.open.discard(connection)
        if connection.due is not None:
            self.broken += 1
        if connection in self.idle:
            self.idle.remove(connection)
        if not self.ending:
            self.loop.create_task(self.again())

    async def again(self) -> None:
        made = None
        while made is None and not self.ending:
            try:
                made = await self.connect()
            except OSError:  # nobody listens at this moment
                await asyncio.sleep(0.05)
        if made is None:
            return
        if self.load.rate is None:
            self.send(made, time.perf_counter())
        else:
            self.idle.append(made)

    async def drive(self) -> Seen:
        made = [await self.connect() for _ in range(self.load.connections)]
        began = time.perf_counter()
        if self.load.rate is None:
            for each in made:
                self.send(each, time.perf_counter())
            while time.perf_counter() - began < self.load.seconds and not self.ending:
                await asyncio.sleep(0.01)
        else:
            self.idle.extend(made)
            await self.at_rate(began, self.load.rate)
        self.ending = True
        seconds = time.perf_counter() - began
        ended = time.perf_counter()
        while (self.late or any(each.due is not None for each in self.open)) and (
            time.perf_counter() - ended < _PATIENCE
        ):
            await asyncio.sleep(0.01)
        left = len(self.late) + sum(each.due is not None for each in self.open)
        return Seen(
            seconds=seconds, statuses=self.statuses, said=self.said, retry_after=self.retry_after, broken=self.broken,
            unanswered=left, milliseconds=self.milliseconds,
        )  # fmt: skip

    async def at_rate(self, began: float, rate: float) -> None:
        number, every = 0, 1 / rate
        while number * every < self.load.seconds and (self.load.most is None or number < self.load.most):
            now = time.perf_counter()
            while (due := began + number * every) <= now:
                if self.idle:
                    self.send(self.idle.popleft(), due)
                else:
                    self.late.append(due)
                number += 1
            await asyncio.sleep(max(0.0, due - time.perf_counter()))


async def _drive(load: Load) -> Seen:
    return await _Driver(load).drive()


if __name__ == "__main__":
    sys.stdout.write(uvloop.run(_drive(Load.model_validate(json.load(sys.stdin)))).model_dump_json())
