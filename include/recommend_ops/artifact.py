"""The packed recommender of a market: plain arrays and JSON, registered under the digest of its files."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections import OrderedDict
from pathlib import Path

from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema

from include.models import registry, tracking
from include.models.folders import digest_of_folder
from include.naming import model_name
from include.recommendation import Recommendation
from include.recommending import packing
from include.recommending.recommender import Recommender
from include.records import ModelRef

_KEPT = 16
_loaded: OrderedDict[str, Recommender] = OrderedDict()


def pack(spec: Recommendation, made: Recommender, *, run_id: str, as_of: dt.date, pipeline_run: str) -> ModelRef:
    """Log a recommender under a run and register it; a repeated call returns the version that is there."""
    name = model_name(spec.name, made.market)
    if (found := registry.version_of_run(name, run_id)) is not None:
        return found
    with tempfile.TemporaryDirectory() as folder, tracking.available(f"log the recommender of run {run_id}"):
        packed = Path(folder) / "model"
        packing.save(made, packed)
        described = Model(artifact_path="model", run_id=run_id, signature=_signature())
        described.add_flavor("flightdeck_recommender", data=".", format=packing.FORMAT)
        described.save(str(packed / "MLmodel"))
        digest = digest_of_folder(packed)
        tracking.client().log_artifacts(run_id, str(packed), "model")
    return registry.register(
        name, f"runs:/{run_id}/model", run_id=run_id, digest=digest, as_of=as_of, pipeline_run=pipeline_run
    )


def load(ref: ModelRef) -> Recommender:
    """Return a registered recommender; one that was loaded lately comes from memory.

    Raises:
        ArtifactError: the files are not those that were registered, or do not fit each other.
    """
    if ref.digest not in _loaded:
        with registry.files_of(ref) as path:
            _loaded[ref.digest] = packing.load(path)  # what is mapped from the files outlives their names
    while len(_loaded) > _KEPT:
        _loaded.popitem(last=False)
    return _loaded[ref.digest]


def _signature() -> ModelSignature:
    inputs = [ColSpec("long", "user"), ColSpec("string", "task"), ColSpec("long", "n")]
    return ModelSignature(Schema(inputs), Schema([ColSpec("long", "product"), ColSpec("double", "score")]))
