"""A supervisor in a process of its own, with workers that only listen, and what it has written."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from include.platform import processes
from include.platform.stores import free_ports
from include.serving.view import View, read_view
from include.serving.workers import _remembered

ROOT = Path(__file__).parents[3]
STARTER = """
import signal, sys
from pathlib import Path
from include.serving.supervisor import Options, Supervisor

home, port, workers, worker = sys.argv[1:5]
options = Options(Path(home), int(port), tuple(sys.argv[5:]), workers=int(workers), worker=(worker,))
supervisor = Supervisor(options)
signal.signal(signal.SIGTERM, lambda *_: supervisor.stop())
supervisor.run()
"""
# Takes the arguments of the real worker, answers with its own id, and finishes what it is at when told to end.
LISTENER = """
import os, signal, socket, sys, time

argv = sys.argv[1:]
opened = socket.socket()
opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
opened.bind((argv[argv.index("--host") + 1], int(argv[argv.index("--port") + 1])))
opened.listen(100)
opened.settimeout(0.05)
told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(1))
assert "FLIGHTDECK_JOURNAL_KEY" not in os.environ
while not told:
    try:
        caller, _ = opened.accept()
    except TimeoutError:
        continue
    asked = caller.recv(4096)
    if b"/slow" in asked:
        time.sleep(1)
    body = str(os.getpid()).encode()
    caller.sendall(b"HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(body), body))
    caller.close()
"""


class Service:
    """One service's folder and port, and the supervisors that are started for it one after another."""

    def __init__(self, folder: Path, *, workers: int = 1, serves: tuple[str, ...] = ("credit_risk",)) -> None:
        self.home, self.workers, self.serves = folder / "serving", workers, serves
        (self.port,) = free_ports(1)
        self.worker = folder / "worker.py"
        self.worker.write_text(LISTENER)
        self.log = folder / "log"
        self.process: subprocess.Popen | None = None

    def start(self, **env) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", STARTER, str(self.home), str(self.port), str(self.workers), str(self.worker),
                 *self.serves],
                cwd=ROOT, env={**os.environ, **env}, stdout=log, stderr=log,
            )  # fmt: skip

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(20)

    def close(self) -> None:
        """End all that was started, by id."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        for each in _remembered(self.home):
            if processes.alive(each):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each.pid, signal.SIGKILL)

    def view(self) -> View | None:
        return read_view(self.home)

    def key(self, use_case: str = "credit_risk", key: str = "default"):
        """Return what is live for a key, none where nothing is said of it."""
        view = self.view()
        return view.use_cases[use_case].keys.get(key) if view and use_case in view.use_cases else None

    def problem(self, use_case: str = "credit_risk") -> str:
        view = self.view()
        return view.use_cases[use_case].problem if view else ""

    def pids(self) -> set[int]:
        """Return the ids of the workers that run."""
        return {each.pid for each in _remembered(self.home) if processes.alive(each)}

    def answer(self, path: str = "/") -> int:
        """Ask the port, and return the id of the worker that answered."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as response:
            return int(response.read())

    def until(self, condition, *, seconds: float = 10):
        """Wait until a condition gives something, and return that."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not within {seconds} s; {self.view()}; {self.log.read_text()[-3000:]}"
            time.sleep(0.05)
        return found
