"""The environment of the project, made from the hashed lock. Standard library only: nothing is installed before it."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".flightdeck"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"runtime": "requirements.txt", "dev": "requirements-dev.txt"}
_UNFINISHED = ".flightdeck-unfinished"
_GIB = 2**30
_NEEDED_GIB = 4
_EVERY_SECONDS = 10


class NotReadyError(Exception):
    """The machine lacks something; the sentence says what, and what to do."""


def ensure(kind: str) -> None:
    """Make or complete ``.venv`` for ``runtime`` or ``dev``; instant where the lock has not changed.

    Raises:
        NotReadyError: the disk is too full, the venv module missing, or the index out of reach.
    """
    if made(kind):
        return
    with alone(HOME / "bootstrap.lock", print):
        if made(kind):
            return
        if (free := shutil.disk_usage(ROOT).free / _GIB) < _NEEDED_GIB:
            raise NotReadyError(
                f"{_NEEDED_GIB} GiB of disk are needed below {ROOT}, but {free:.1f} GiB are free. Make room first"
            )
        make_venv(VENV)
        lock = str(ROOT / LOCKS[kind])
        run(
            # The lock is whole; an older pip would look for a newer Celery than the one that it names.
            [*_installer(), "--no-deps", "--require-hashes", "-r", lock],
            f"installing {_count(lock)} packages from {LOCKS[kind]}",
            "see that the package index is in reach and the disk has room, then repeat",
        )
        _stamp(kind).touch()


def made(kind: str) -> bool:
    """Return whether the environment is whole and of the lock as it stands."""
    return PYTHON.exists() and any(_stamp(each).exists() for each in {kind, "dev"})


def make_venv(venv: Path) -> None:
    """Make an empty environment, unless there is a whole one; what an earlier try has left unfinished goes first.

    Raises:
        NotReadyError: it cannot be made; the next try begins anew.
    """
    unfinished = venv / _UNFINISHED
    if (venv / "bin" / "python").exists() and not unfinished.exists():
        return
    if venv.exists():
        shutil.rmtree(venv)
    venv.mkdir()
    unfinished.touch()
    run([sys.executable, "-m", "venv", str(venv)], "making .venv", "`apt install python3-venv`, then repeat")
    unfinished.unlink()


def run(command: list[str], what: str, advice: str) -> None:
    """Run a program and say every ten seconds that it is still at work.

    Raises:
        NotReadyError: it failed; the sentence has its last line and the advice.
    """
    start, told = time.monotonic(), time.monotonic()
    print(f"· {what} …", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while True:
        try:
            said, _ = process.communicate(timeout=1)
            break
        except subprocess.TimeoutExpired:
            if time.monotonic() - told > _EVERY_SECONDS:
                told = time.monotonic()
                print(f"  … {told - start:.0f} s", flush=True)
    if process.returncode:
        lines = said.strip().splitlines()
        raise NotReadyError(f"{what} failed: {lines[-1] if lines else 'no word why'}. Next: {advice}")
    print(f"  done in {time.monotonic() - start:.0f} s", flush=True)


@contextmanager
def alone(lock: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Be the only one to hold a lock file; wait, and say so, while another process has it."""
    lock.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("· waiting for another ./flightdeck to end …")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _stamp(kind: str) -> Path:
    """Return the file whose name says which lock the environment was made from."""
    lock = hashlib.sha256((ROOT / LOCKS[kind]).read_bytes()).hexdigest()[:16]
    return VENV / f".flightdeck-{kind}-{lock}"


def _installer() -> list[str]:
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(PYTHON)]
    return [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _count(lock: str) -> int:
    return sum(line[:1].isalnum() for line in Path(lock).read_text().splitlines())
