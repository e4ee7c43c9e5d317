"""Serve an application on a thread; imports nothing that a worker does not."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import uvicorn

from include.serving.worker import listening


@contextlib.contextmanager
def serving(app):
    """Serve an application on a thread with a worker's own loop and parser, and yield its URL."""
    server = uvicorn.Server(uvicorn.Config(app, loop="uvloop", http="httptools", log_level="critical", lifespan="on"))
    with listening("127.0.0.1", 0) as opened:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
        thread.start()
        try:
            until(lambda: server.started or not thread.is_alive())
            yield f"http://127.0.0.1:{opened.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def until(condition, log: Path | None = None, *, seconds: float = 20):
    """Wait until a condition gives something, and return that."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s; {log.read_text()[-3000:] if log else ''}"
        time.sleep(0.02)
    return found
