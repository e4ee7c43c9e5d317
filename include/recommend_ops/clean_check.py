"""Test packed recommenders in a clean process: it knows their versions, and nothing of the training."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from include.catalog import use_case
from include.errors import ArtifactError, GateError
from include.models import tracking
from include.recommend_ops import artifact
from include.recommend_ops.training import SAMPLE, answers
from include.recommendation import TASKS, Recommendation
from include.records import ModelRef


def check(spec: Recommendation, refs: Mapping[str, ModelRef]) -> None:
    """Load each version from the registry in a clean process, let it answer, weigh and time it.

    Raises:
        ArtifactError: the process ended, or a version answers otherwise than at its training.
        GateError: a version is too large or too slow.
    """
    wanted = ("PATH", "HOME", "PYTHONPATH", "MLFLOW_", "AWS_", "FLIGHTDECK_")
    said = json.dumps({key: ref.model_dump() for key, ref in refs.items()})
    done = subprocess.run(
        [sys.executable, "-m", "include.recommend_ops.clean_check", spec.name],
        input=said, capture_output=True, text=True, timeout=300, check=False, cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if name.startswith(wanted)} | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    where = f"artifacts of {len(refs)} recommenders of {spec.name}"
    if done.returncode != 0:
        raise ArtifactError(
            expected="the packed recommenders to load and answer in a clean process",
            seen=done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}",
            where=where,
            next_step="read what it says; the candidates are not to be promoted",
        )
    for key, seen in json.loads(done.stdout.splitlines()[-1]).items():
        if seen["other"]:
            raise ArtifactError(
                expected=f"market {key} to answer as at its training",
                seen=f"{seen['other']} lists that differ",
                where=where,
                next_step="do not use it; train again",
            )
        for name, value, limit, unit in (
            ("an answer's p95", seen["ms"], spec.gates.max_latency_ms, "ms"),
            ("size", seen["mb"], spec.gates.max_size_mb, "MB"),
        ):
            if value > limit:
                raise GateError(
                    expected=f"{name} of at most {limit:g} {unit}",
                    seen=f"{value:.1f} {unit}",
                    where=f"market {key}, {where}",
                    next_step="make the model smaller or faster, or change the gate with the owner's consent",
                )


def main(spec: Recommendation, refs: Mapping[str, ModelRef]) -> dict[str, dict[str, float]]:
    """Return for each market how many lists differ from the training's, the p95 of an answer in ms, and the MB."""
    found = {}
    for key, ref in refs.items():
        told, made = tracking.load_json(ref.run_id, SAMPLE), artifact.load(ref)
        again = answers(made, told["users"], spec.list_length)
        taken = []
        for user in told["users"] * 5:
            start = time.perf_counter()
            made.answer(user, "discover", spec.list_length)
            taken.append(1000 * (time.perf_counter() - start))
        found[key] = {
            "other": sum(one != two for task in TASKS for one, two in zip(told[task], again[task], strict=True)),
            "ms": float(np.quantile(taken, 0.95)),
            "mb": sum(each.nbytes for each in (made.rebuy, made.discover, made.weights)) / 1e6,
        }
    return found


if __name__ == "__main__":
    spec = use_case(sys.argv[1])
    if not isinstance(spec, Recommendation):
        sys.exit(f"{spec.name} is no recommendation")
    print(json.dumps(main(spec, {key: ModelRef.model_validate(ref) for key, ref in json.load(sys.stdin).items()})))
