"""Start programs in sessions of their own, and stop exactly those: by id and start time, children included."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterable
from pathlib import Path

from include.platform.state import Started
from include.platform.stores import Program

MARK = "FLIGHTDECK_HOME"
_KEEP = {"SPT_NOENV": "1"}  # a process that gives itself a title writes it over its environment, and over the mark
_GRACE_SECONDS = 12
_LISTEN = "0A"


def start(program: Program, *, home: Path, log: Path) -> Started:
    """Start a program detached, its output into a fresh log file; every child inherits the mark of this platform."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".log.before"))
    onto_log = (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = os.posix_spawn(
        program.argv[0],
        program.argv,
        {**os.environ, **program.env, MARK: str(home), **_KEEP},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            onto_log,
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )
    return Started(pid=pid, began=_began(pid) or 0)


def known(pid: int) -> Started | None:
    """Return a process by id and start time, none where there is no such process."""
    began = _began(pid)
    return Started(pid=pid, began=began) if began is not None else None


def alive(started: Started) -> bool:
    """Return whether this very process still runs."""
    return _began(started.pid) == started.began and _status(started.pid) != "Z"


def stop(started: Iterable[Started], *, home: Path | None) -> list[int]:
    """End the programs and their ``members``, and return the ids of the programs that had to be killed."""
    started = list(started)
    wanted = {each.pid for each in started if alive(each)}
    _signal(wanted, signal.SIGTERM)
    deadline = time.monotonic() + _GRACE_SECONDS
    while (left := {pid for pid in wanted if _status(pid) not in (None, "Z")}) and time.monotonic() < deadline:
        _reap(left)
        time.sleep(0.1)
    stubborn = left | members(started, home=home)
    _signal(stubborn, signal.SIGKILL)
    while any(_status(pid) not in (None, "Z") for pid in stubborn):
        _reap(stubborn)
        time.sleep(0.05)
    return sorted(left)


def members(started: Iterable[Started], *, home: Path | None) -> set[int]:
    """Return the ids of all processes in the sessions of these programs and, given a home, of those with its mark.

    A program that renames itself writes over the environment that a mark is read from, as Airflow's log server does.
    Its session stays, and its number is given to nobody else as long as one process is in it.
    """
    sessions = {each.pid for each in started if _began(each.pid) in (None, each.began)}
    found = marked(home) if home else set()
    for pid in _others():
        stat = _stat(pid)
        if stat and stat[0] != "Z" and int(stat[3]) in sessions:
            found.add(pid)
    return found


def marked(home: Path) -> set[int]:
    """Return the ids of all processes that carry this platform's mark; never the caller's own."""
    mark = f"{MARK}={home}".encode()
    found = set()
    for pid in _others():
        try:
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") and _status(pid) != "Z":
                found.add(pid)
        except OSError:
            continue
    return found


def memory_mib(pids: Iterable[int]) -> float:
    """Return the proportional set size of processes, in MiB: shared pages count once."""
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def listener(port: int) -> bool:
    """Return whether somebody listens on a port of this machine's loopback."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listens(pid: int, port: int) -> bool:
    """Return whether a process itself listens on a port; of several that share one, each is told apart."""
    sockets = set()
    for name in ("tcp", "tcp6"):
        for line in _lines(Path(f"/proc/{pid}/net/{name}"))[1:]:
            local, state, inode = (line.split()[place] for place in (1, 3, 9))
            if state == _LISTEN and int(local.rpartition(":")[2], 16) == port:
                sockets.add(f"socket:[{inode}]")
    try:
        return any(str(each.readlink()) in sockets for each in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:  # the process, or one of its files, has just gone
        return False


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _reap(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            continue


def _others() -> list[int]:
    return [int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit() and int(each.name) != os.getpid()]


def _stat(pid: int) -> list[str] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None


def _status(pid: int) -> str | None:
    found = _stat(pid)
    return found[0] if found else None


def _began(pid: int) -> int | None:
    found = _stat(pid)
    return int(found[19]) if found else None
