"""What runs in the clean process of the artifact test: knows a reference into the registry, and nothing else."""

from __future__ import annotations

import json
import sys
import tempfile
from functools import partial
from pathlib import Path

import mlflow
import numpy as np

from include.models.artifact import load, sample_of
from include.models.clean_process import timed
from include.models.tracking import client
from include.records import ModelRef

_REQUESTS = 200


def main(ref: ModelRef) -> dict[str, float]:
    """Return how far the answers are off training's at most, the p95 of one row in ms of a processor, and the MB."""
    client()
    model = load(ref)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(
            mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{ref.name}/{ref.version}", dst_path=folder)
        )
        rows, answers = sample_of(path)
        size = sum(each.stat().st_size for each in path.rglob("*") if each.is_file())
    difference = float(np.abs(model.score(rows) - np.array(answers)).max())
    requests = (rows.iloc[[number % len(rows)]] for number in range(_REQUESTS))
    taken = [timed(partial(model.score, request))[1] for request in requests]
    return {"difference": difference, "latency_ms": float(np.quantile(taken, 0.95)), "size_mb": size / 1e6}


if __name__ == "__main__":
    print(json.dumps(main(ModelRef.model_validate_json(sys.argv[1]))))
