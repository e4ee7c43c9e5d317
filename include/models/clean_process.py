"""A process that knows versions and the registry alone: where a packed model must load before any traffic."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.errors import ArtifactError, GateError
from include.records import ModelRef
from include.spec import UseCase

_PASSED_ON = ("PATH", "HOME", "PYTHONPATH", "MLFLOW_", "AWS_", "FLIGHTDECK_")


def asked(module: str, *args: str, where: str, said: str = "", seconds: float = 300) -> Any:
    """Run a module in a clean process, and return what it printed last, as JSON.

    Args:
        module: What is run with ``python -m``.
        args: Its arguments.
        where: What is tested, for the error's sentence.
        said: Its standard input.
        seconds: How long it may take.

    Raises:
        ArtifactError: the process failed.
    """
    environment = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    done = subprocess.run(
        [sys.executable, "-m", module, *args], env=environment | {"OMP_NUM_THREADS": "1"}, input=said,
        cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=seconds, check=False,
    )  # fmt: skip
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


def within_limits(spec: UseCase, *, ms: float, mb: float, where: str) -> None:
    """Check what a clean process has measured.

    Raises:
        GateError: a version is too large or too slow.
    """
    for name, value, limit, unit in (
        ("an answer", ms, spec.gates.max_latency_ms, "ms"),
        ("size", mb, spec.gates.max_size_mb, "MB"),
    ):
        if value > limit:
            raise GateError(
                expected=f"{name} of at most {limit:g} {unit}",
                seen=f"{value:.1f} {unit}",
                where=where,
                next_step="make the model smaller or faster, or change the gate with the owner's consent",
            )
