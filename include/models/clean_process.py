"""A process that knows versions and the registry alone: where a packed model must load before any traffic."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from include.errors import ArtifactError, GateError, TransientError
from include.records import ModelRef
from include.spec import UseCase

T = TypeVar("T")
_SECONDS = 600  # alone it takes ten; two minutes were too few where eight tasks share two cores
_PASSED_ON = ("PATH", "HOME", "PYTHONPATH", "MLFLOW_", "AWS_", "FLIGHTDECK_")


def asked(module: str, *args: str, where: str, said: str = "") -> Any:
    """Run a module in a clean process, and return what it printed last, as JSON.

    Args:
        module: What is run with ``python -m``.
        args: Its arguments.
        where: What is tested, for the error's sentence.
        said: Its standard input.

    Raises:
        ArtifactError: the process failed.
        TransientError: it has not ended within ten minutes.
    """
    environment = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, *args], env=environment | {"OMP_NUM_THREADS": "1"}, input=said,
            cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=_SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise TransientError(
            expected=f"the packed model to load and answer in a clean process within {_SECONDS} s",
            seen="it still at work, and ended it",
            where=where,
            next_step="see what else the machine does; it is tried again",
        ) from error
    if done.returncode != 0:
        raise ArtifactError(
            expected="the packed model to load and answer in a clean process",
            seen=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}",
            where=where,
            next_step="read what it says; the candidate is not to be promoted",
        )
    return json.loads(done.stdout.splitlines()[-1])


def told(refs: Mapping[str, ModelRef]) -> str:
    """Return versions by key in the form that ``heard`` reads."""
    return json.dumps({key: ref.model_dump() for key, ref in refs.items()})


def heard(text: str) -> dict[str, ModelRef]:
    """Return the versions that ``told`` has written."""
    return {key: ModelRef.model_validate(ref) for key, ref in json.loads(text).items()}


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """Return what a call returns, and its ms of a processor: what else the machine does then is not the model's."""
    began = time.process_time()
    answer = call()
    return answer, 1000 * (time.process_time() - began)


def within_limits(spec: UseCase, *, ms: float, mb: float, where: str) -> None:
    """Check what a clean process has measured.

    Raises:
        GateError: a version is too large or too slow.
    """
    for name, value, limit, unit in (
        ("an answer", ms, spec.gates.max_latency_ms, "ms of a processor"),
        ("size", mb, spec.gates.max_size_mb, "MB"),
    ):
        if value > limit:
            raise GateError(
                expected=f"{name} of at most {limit:g} {unit}",
                seen=f"{value:.1f} {unit}",
                where=where,
                next_step="make the model smaller or faster, or change the gate with the owner's consent",
            )
