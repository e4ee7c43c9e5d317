"""What runs in the clean process of the artifact test: knows a reference into the registry, and nothing else."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd

from include.models.artifact import PackedModel, load, sample_of
from include.models.tracking import client
from include.records import ModelRef

_ROUNDS, _REQUESTS = 5, 40


def main(ref: ModelRef) -> dict[str, float]:
    """Return the largest difference to training's answers, the p95 latency of one row in ms, and the size in MB."""
    client()
    model = load(ref)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(
            mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{ref.name}/{ref.version}", dst_path=folder)
        )
        rows, answers = sample_of(path)
        size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    difference = float(np.abs(model.score(rows) - np.array(answers)).max())
    # The calmest round: what other work on the machine adds to a request is not the model's.
    latency = min(_p95(model, rows) for _ in range(_ROUNDS))
    return {"difference": difference, "latency_ms": 1000 * latency, "size_mb": size / 1e6}


def _p95(model: PackedModel, rows: pd.DataFrame) -> float:
    taken = []
    for number in range(_REQUESTS):
        request = rows.iloc[[number % len(rows)]]
        start = time.perf_counter()
        model.score(request)
        taken.append(time.perf_counter() - start)
    return float(np.quantile(taken, 0.95))


if __name__ == "__main__":
    print(json.dumps(main(ModelRef.model_validate_json(sys.argv[1]))))
