"""The load generator against a server that is known: it counts what was answered, and hides no time."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from benchmarks.load import Load, Seen, get, run
from benchmarks.serving import errors

SAID = b'{"variant":"champion","model_version":1,"sequence":17}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(SAID), SAID)
BUSY = b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"


@contextlib.contextmanager
def server(answer):
    """Serve each request by ``answer(number)``: seconds to wait and bytes, none to hang up; yield the port."""
    loop, count = asyncio.new_event_loop(), iter(range(10**9))

    async def serve(reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                await reader.readuntil(b"\r\n\r\n")
                wait, said = answer(next(count))
                await asyncio.sleep(wait)
                if said is None:
                    break
                writer.write(said)
        writer.close()

    started = loop.run_until_complete(asyncio.start_server(serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield started.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(started.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.05))
        loop.close()


def test_a_closed_loop_ends_after_so_many_and_says_what_came_back():
    with server(lambda number: (0, BUSY if number % 5 == 0 else OK)) as port:
        seen = run(Load(port=port, requests=[get("/")], connections=4, most=500, seconds=30))
    total = sum(seen.statuses.values())
    assert 500 <= total <= 504
    assert seen.statuses["503"] == seen.retry_after == -(-total // 5)
    assert seen.said == {"champion 1 17": seen.answered}
    assert (seen.broken, seen.unanswered) == (0, 0)


def test_an_open_loop_counts_from_when_a_request_was_due():
    with server(lambda number: (0.5 if number == 0 else 0, OK)) as port:
        seen = run(Load(port=port, requests=[get("/")], connections=1, rate=100, seconds=1))
    assert seen.answered == 100
    # The first one held up the only connection for half a second, and fifty others with it.
    assert sum(each > 100 for each in seen.milliseconds) > 30
    assert seen.quantile(0.99) > 400


def test_a_connection_that_ends_without_an_answer_is_counted_and_made_anew():
    with server(lambda number: (0, None if number == 10 else OK)) as port:
        seen = run(Load(port=port, requests=[get("/")], connections=2, most=50, seconds=30))
    assert seen.broken == 1
    assert seen.answered >= 49


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"champion 1 1": 5, "champion 2 2": 5}, 0),
        ({"champion 1 2": 3, "champion 1 1": 7}, 3),
        ({"fallback 0 2": 10}, 0),
    ],
)
def test_a_version_that_is_not_its_sequences_is_an_error(said, wrong):
    seen = Seen(
        seconds=1, statuses={"200": 10}, said=said, retry_after=0, broken=0, unanswered=0, milliseconds=[1.0] * 10
    )
    assert errors(seen) == wrong
    assert errors(seen.model_copy(update={"broken": 2, "statuses": {"200": 10, "500": 1}})) == wrong + 3
