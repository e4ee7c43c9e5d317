"""A program of the platform that runs only as long as somebody needs it here, as a restore needs S3 and MLflow."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from include.errors import PermanentError
from include.platform import processes
from include.platform.embedded import answers
from include.platform.stores import Program

_SECONDS = 600  # a machine at its limit starts nothing quickly, and a restore should not fail at its last step


@contextmanager
def lent(program: Program, health: str, *, home: Path | None = None) -> Iterator[None]:
    """Run a program until the block ends.

    Args:
        program: The program.
        health: The address that answers 200 when it is healthy.
        home: The platform that it belongs to, if any: should this process be killed, its next start ends the program.

    Raises:
        PermanentError: it ended, or did not become healthy; says its last words.
    """
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        started = processes.start(program, home=home or Path(folder), log=log)
        try:
            deadline = time.monotonic() + _SECONDS
            while not answers(health):
                if not processes.alive(started) or time.monotonic() > deadline:
                    raise PermanentError(
                        expected=f"{program.name} to become healthy",
                        seen=" ".join(log.read_text(errors="replace").splitlines()[-3:]) or "no word why",
                        where=program.name,
                        next_step="mend what it names, then repeat",
                    )
                time.sleep(0.2)
            yield
        finally:
            processes.stop([started], home=None)
