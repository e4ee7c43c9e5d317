"""The test command: linters first, for they are quick, then pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console

from include.platform.bootstrap import ROOT

_BIN = Path(sys.executable).parent
# How they are shared out, tests/conftest.py says. Much of their time is waiting, so there is one more than cores.
_SIDE_BY_SIDE = ["-n", "3", "--dist", "loadscope", "--no-loadscope-reorder"]


def run_checks(*, everything: bool, only: list[str], console: Console) -> int:
    """Run ruff, mypy, import-linter and pytest, and return the exit code of the first that fails.

    Args:
        everything: Also the slow and destructive tests.
        only: Arguments for pytest; the linters are left out where there are some.
        console: Where to say what happens.
    """
    chosen = only or [*_SIDE_BY_SIDE, "--durations=10", *([] if everything else ["-m", "not slow"])]
    pytest = [str(_BIN / "pytest"), *chosen]
    steps = [
        ("ruff check", [str(_BIN / "ruff"), "check", "."]),
        ("ruff format", [str(_BIN / "ruff"), "format", "--check", "."]),
        ("mypy", [str(_BIN / "mypy")]),
        ("import-linter", [str(_BIN / "lint-imports")]),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for name, command in [*([] if only else steps), ("pytest", pytest)]:
        start = time.monotonic()
        console.print(f"[bold]· {name}[/bold]")
        code = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
        console.print(f"  {'passed' if code == 0 else f'failed with {code}'} in {time.monotonic() - start:.0f} s")
        if code:
            return code
    return 0
