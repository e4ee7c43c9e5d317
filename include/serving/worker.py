"""One worker process of the scoring service: answers from local files alone, on a port that it shares with others.

    python -m include.serving.worker HOME USE_CASE… --port 8085 --workers 2

The kernel spreads new connections over all processes that listen on the port.
"""

from __future__ import annotations

import argparse
import gc
import os
import signal
import socket
import sys
from pathlib import Path

_SWITCH_SECONDS = 0.0005  # the log's and the models' threads are short, and an answer waits for them
_BACKLOG = 2048
_IDLE_SECONDS = 75
_STOP_SECONDS = 10


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on a port together with those of other processes."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    opened.bind((host, port))
    opened.listen(_BACKLOG)
    opened.setblocking(False)
    return opened


def main(argv: list[str]) -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="include.serving.worker")
    parser.add_argument("home", type=Path)
    parser.add_argument("use_cases", nargs="+")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--workers", type=int, default=1, help="processes behind the port")
    parser.add_argument("--in-flight", type=int, default=64, help="requests under way; one more is refused at once")
    given = parser.parse_args(argv)
    # Before Prometheus' library is imported: then all processes of a home count together.
    folder = given.home / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    run(given)


def run(given: argparse.Namespace) -> None:
    """Serve with what the command line says."""
    import uvicorn

    from include.catalog import use_case
    from include.serving.app import create_app
    from include.serving.service import Limits

    limits = Limits(workers=given.workers, in_flight=given.in_flight)
    app = create_app(given.home, [use_case(name) for name in given.use_cases], limits=limits)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", ws="none", lifespan="on", access_log=False, log_level="warning",
        proxy_headers=False, server_header=False, timeout_keep_alive=_IDLE_SECONDS,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )  # fmt: skip
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()  # what is loaded now stays; it need not be looked through again and again
    # The server sends itself the signal again when it has ended in order; that must not look like a kill.
    signal.signal(signal.SIGTERM, lambda *_: None)
    uvicorn.Server(config).run(sockets=[listening(given.host, given.port)])


if __name__ == "__main__":
    main(sys.argv[1:])
