"""A TCP proxy that misbehaves on command, in front of a real service: the tests' only way to make a fault.

with FaultProxy(url) as proxy:        # proxy.url forwards to url
    proxy.mode = "ok"                 # forwards
    proxy.mode = "down"               # resets every new connection
    proxy.mode = "blackhole"          # accepts, then silence
    proxy.mode = "swallow"            # delivers every request, then loses the reply
    proxy.swallow_next(1)             # the same for so many replies, then forwards again
    proxy.at(b"PUT /x", "blackhole")  # misbehaves from the request on that holds these bytes
    proxy.at(b"PUT /x", "swallow")    # delivers that request, and loses its reply alone
    proxy.reached.wait(30)            # until that request has come
    proxy.reset()                     # resets all open connections
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, Self
from urllib.parse import urlsplit

import pytest

from include.settings import settings

Mode = Literal["ok", "down", "blackhole", "swallow"]


class FaultProxy:
    """Forwards a local port to a service, or fails to, on a thread of its own."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        assert parts.hostname is not None
        assert parts.port is not None
        self.upstream = (parts.hostname, parts.port)
        self.mode: Mode = "ok"
        self.swallowed = 0
        self.reached = threading.Event()
        self._trigger: tuple[bytes, Mode] | None = None
        self._to_swallow = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._call(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self.reset()
        self._call(self._cancel())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def swallow_next(self, count: int) -> None:
        """Lose the next replies, after their requests were delivered, then forward again."""
        self._to_swallow = count

    def at(self, request: bytes, mode: Mode) -> None:
        """Misbehave from the first request on that holds some bytes, so that a fault comes at one certain place."""
        self.reached.clear()
        self._trigger = (request, mode)

    def reset(self) -> None:
        """Reset every open connection."""
        self._call(self._reset())

    def _call(self, task):
        return asyncio.run_coroutine_threadsafe(task, self._loop).result(10)

    async def _close(self) -> None:
        self._server.close()

    async def _cancel(self) -> None:
        tasks = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _reset(self) -> None:
        for writer in list(self._writers):
            _abort(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "down":
            _abort(writer)
            return
        self._writers.add(writer)
        onward: asyncio.StreamWriter | None = None
        try:
            back, onward = await asyncio.open_connection(*self.upstream)
            self._writers.add(onward)
            await asyncio.gather(self._requests(reader, onward), self._replies(back, writer))
        except (OSError, asyncio.CancelledError):  # a peer went away, or the proxy ends
            pass
        finally:
            for each in filter(None, (writer, onward)):
                _abort(each)
                self._writers.discard(each)

    async def _requests(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            if self._trigger and self._trigger[0] in chunk:
                await self._misbehave(self._trigger[1])
            await self._silence()
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            await self._silence()
            # "100 Continue" only asks for the body: to lose it would be to lose the request.
            if not chunk.startswith(b"HTTP/1.1 100") and self._swallows():
                _abort(writer)
                return
            writer.write(chunk)
            await writer.drain()
        writer.close()

    async def _misbehave(self, mode: Mode) -> None:
        self._trigger = None
        if mode == "swallow":
            self.swallow_next(1)
        else:
            self.mode = mode
        self.reached.set()
        if mode == "down":
            await self._reset()

    async def _silence(self) -> None:
        while self.mode == "blackhole":
            await asyncio.sleep(0.05)

    def _swallows(self) -> bool:
        if self.mode != "swallow" and self._to_swallow <= 0:
            return False
        self._to_swallow -= 1
        self.swallowed += 1
        return True


def _abort(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and connection.fileno() >= 0:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    writer.transport.abort()


@contextmanager
def proxied(monkeypatch: pytest.MonkeyPatch, variable: str, upstream: str) -> Iterator[FaultProxy]:
    """Give a proxy in front of a service, and let everything go through it that finds the service by a variable."""
    with FaultProxy(upstream) as faults:
        monkeypatch.setenv(variable, faults.url)
        settings.cache_clear()
        yield faults
    settings.cache_clear()
