"""The packed recommender of a market: plain arrays and JSON, registered under the digest of its files."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from include.models import registry
from include.naming import model_name
from include.recommendation import Recommendation
from include.recommending import packing
from include.recommending.recommender import Recommender
from include.records import ModelRef

_KEPT = 16
_loaded: OrderedDict[str, Recommender] = OrderedDict()


def pack(spec: Recommendation, made: Recommender, *, run_id: str, as_of: dt.date, pipeline_run: str) -> ModelRef:
    """Log a recommender under a run and register it; a repeated call returns the version that is there."""
    return registry.register_files(
        model_name(spec.name, made.market), flavor="flightdeck_recommender",
        facts={"data": ".", "format": packing.FORMAT}, signature=_signature(),
        write=lambda folder: packing.save(made, folder), run_id=run_id, as_of=as_of, pipeline_run=pipeline_run,
    )  # fmt: skip


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
