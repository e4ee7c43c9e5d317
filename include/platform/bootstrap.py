"""The environment of the project, made from the hashed lock. Standard library only: nothing is installed before it."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = {"runtime": "requirements.txt", "dev": "requirements-dev.txt"}
_GIB = 2**30
_NEEDED_GIB = 4
_EVERY_SECONDS = 10


class NotReadyError(Exception):
    """The machine lacks something; the sentence says what, and what to do."""


def ensure(kind: str) -> None:
    """Make or complete ``.venv`` for ``runtime`` or ``dev``; instant where the lock has not changed.

    Raises:
        NotReadyError: Python is too old, the disk too full, the venv module missing, or the index out of reach.
    """
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        found = ".".join(map(str, sys.version_info[:3]))
        advice = "Install one of them and run `python3.11 ./flightdeck …`"
        raise NotReadyError(f"Python 3.11, 3.12 or 3.13 is needed, but {sys.executable} is {found}. {advice}")
    if any(_stamp(each).exists() for each in {kind, "dev"}):
        return
    if (free := shutil.disk_usage(ROOT).free / _GIB) < _NEEDED_GIB:
        raise NotReadyError(
            f"{_NEEDED_GIB} GiB of disk are needed below {ROOT}, but {free:.1f} GiB are free. Make room first"
        )
    if not PYTHON.exists():
        _run([sys.executable, "-m", "venv", str(VENV)], "making .venv", "`apt install python3-venv`, then repeat")
    lock = str(ROOT / LOCKS[kind])
    if uv := shutil.which("uv"):
        install = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--compile-bytecode",
            "--require-hashes",
            "--python",
            str(PYTHON),
            "-r",
            lock,
        ]
    else:
        install = [
            str(PYTHON),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "-r",
            lock,
        ]
    _run(
        install,
        f"installing {_count(lock)} packages from {LOCKS[kind]}",
        "see that the package index is in reach, then repeat",
    )
    _stamp(kind).touch()


def _stamp(kind: str) -> Path:
    """Return the file whose name says which lock the environment was made from."""
    lock = hashlib.sha256((ROOT / LOCKS[kind]).read_bytes()).hexdigest()[:16]
    return VENV / f".flightdeck-{kind}-{lock}"


def _count(lock: str) -> int:
    return sum(line[:1].isalnum() for line in Path(lock).read_text().splitlines())


def _run(command: list[str], what: str, advice: str) -> None:
    start, told = time.monotonic(), time.monotonic()
    print(f"· {what} …", flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while process.poll() is None:
        try:
            process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            if time.monotonic() - told > _EVERY_SECONDS:
                told = time.monotonic()
                print(f"  … {told - start:.0f} s", flush=True)
    said = (process.stdout.read() if process.stdout else "").strip().splitlines()
    if process.returncode:
        raise NotReadyError(f"{what} failed: {said[-1] if said else 'no word why'}. Next: {advice}")
    print(f"  done in {time.monotonic() - start:.0f} s", flush=True)
