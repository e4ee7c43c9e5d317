"""The packed model: signed off by its digest, loaded without pickle, and tested in a clean process before any traffic.

Which types an artifact may hold is decided here, not by a file that lies beside it on the store.
"""

from __future__ import annotations

import json
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import mlflow
import mlflow.sklearn
import numpy as np
import pandas as pd
import skops.io
from mlflow.models import infer_signature
from numpy.typing import NDArray

from include.classification import Classification
from include.errors import ArtifactError, ContractError
from include.models.clean_process import asked
from include.models.folders import digest_of_folder
from include.models.registry import files_of
from include.models.tracking import available, client, downloaded
from include.records import GateResult, ModelRef, ServingFacts
from include.serving.scorers import FACTS, ONNX
from include.spec import UseCase

TRUSTED = [
    "include.forecasting.kernel.DayKernel",
    "include.forecasting.models.HourlyBoosting",
    "include.forecasting.models.HourlyRidge",
    "include.forecasting.simple.SameWeekday",
    "include.forecasting.simple.SimilarDay",
    "include.forecasting.simple.Yesterday",
    "include.models.features.Features",
    "include.models.fitting.Calibrated",
    "include.models.scorecard.Scorecard",
    "include.models.scorecard.WeightOfEvidence",
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
]
_PACKAGES = ("scikit-learn", "numpy", "scipy", "pandas", "skops", "optbinning", "mlflow")
_MODEL = "model.skops"
_SAMPLE = "sample.json"
_KEPT = 64
_loaded: OrderedDict[str, Any] = OrderedDict()


@dataclass(frozen=True)
class PackedModel:
    """A model as it was registered."""

    ref: ModelRef
    model: Any
    columns: list[str]

    def score(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Return the probability of the target for each raw row, shape (rows,).

        Raises:
            ContractError: a column of the model's signature is missing.
        """
        if missing := [name for name in self.columns if name not in frame.columns]:
            raise ContractError(
                expected=f"the columns {self.columns}",
                seen=f"no {missing}",
                where=f"input of {self.ref.name} v{self.ref.version}",
                next_step="send every column of the model's signature",
            )
        if frame.empty:
            return np.empty(0)
        scores: NDArray[np.float64] = self.model.predict(frame[self.columns])
        return scores


@dataclass(frozen=True)
class ArtifactCheck:
    """What a clean process found out about a packed model."""

    gates: tuple[GateResult, ...]
    latency_ms: float
    size_mb: float


def pack(
    spec: Classification, model: Any, sample: pd.DataFrame, *, run_id: str, facts: ServingFacts, onnx: bytes | None
) -> tuple[str, str]:
    """Log a model under a run with signature, input example, requirements, sample answers and what serves requests.

    Args:
        spec: The use case.
        model: The fitted classifier.
        sample: Some raw rows; kept inside the artifact with the model's answers, for the test in a clean process.
        run_id: The parent run.
        facts: What a scoring service must know of it.
        onnx: The model as ONNX; none where it cannot be converted, which its gate says.

    Returns:
        The address of the logged model, and the digest of its files.
    """
    inputs = sample[spec.model_columns].astype(float)
    answers = {"rows": inputs.to_dict("list"), "scores": model.predict(inputs).tolist()}
    with tempfile.TemporaryDirectory() as folder, available(f"log the model of run {run_id}"):
        beside = {_SAMPLE: json.dumps(answers).encode(), FACTS: facts.model_dump_json(indent=1).encode()}
        if onnx is not None:
            beside[ONNX] = onnx
        for name, body in beside.items():
            (Path(folder) / name).write_bytes(body)
        with mlflow.start_run(run_id=run_id):
            logged = mlflow.sklearn.log_model(
                model,
                name="model",
                serialization_format="skops",
                skops_trusted_types=TRUSTED,
                signature=infer_signature(inputs, model.predict(inputs)),
                input_example=inputs.head(3),
                pip_requirements=[f"{name}=={version(name)}" for name in _PACKAGES],
                extra_files=[str(Path(folder) / name) for name in beside],
            )
        client().update_run(run_id, status="RUNNING")
        return logged.model_uri, digest_of_folder(downloaded(logged.model_uri, Path(folder)))


def digest_of(ref: ModelRef) -> str:
    """Return the SHA-256 over a version's files as they are on the store now, names included."""
    with tempfile.TemporaryDirectory() as folder, available(f"read the artifact of {ref.name} v{ref.version}"):
        return digest_of_folder(downloaded(f"models:/{ref.name}/{ref.version}", Path(folder)))


def load(ref: ModelRef) -> PackedModel:
    """Return a registered classifier; one that was loaded lately comes from memory.

    Raises:
        ArtifactError: the files are not those that were registered, or hold a type that is not trusted.
    """
    model = load_object(ref)
    return PackedModel(ref, model, list(model.model[0].columns))


def load_object(ref: ModelRef) -> Any:
    """Return what a registered artifact of any kind holds; one that was loaded lately comes from memory.

    Raises:
        ArtifactError: the files are not those that were registered, or hold a type that is not trusted.
    """
    if ref.digest not in _loaded:
        with files_of(ref) as path:
            _loaded[ref.digest] = _opened(path / _MODEL, ref)
        while len(_loaded) > _KEPT:
            _loaded.popitem(last=False)
    return _loaded[ref.digest]


def check(ref: ModelRef, *, spec: UseCase) -> ArtifactCheck:
    """Load a version in a clean process from the registry alone, send it its sample requests, weigh and time it."""
    where = f"artifact of {ref.name} v{ref.version}"
    seen = asked("include.models.clean_check", ref.model_dump_json(), where=where)
    limits, size, off = spec.gates, seen["size_mb"], seen["difference"]
    gates = (
        _gate("answers as in training", off <= 1e-9, "1e-9 off at most", f"{off:.0e} off"),
        _gate(
            "latency p95 of one row", seen["latency_ms"] <= limits.max_latency_ms,
            f"at most {limits.max_latency_ms:g} ms of a processor", f"{seen['latency_ms']:.1f} ms of a processor",
        ),
        _gate("size", size <= limits.max_size_mb, f"at most {limits.max_size_mb:g} MB", f"{size:.2f} MB"),
    )  # fmt: skip
    return ArtifactCheck(gates, seen["latency_ms"], size)


def sample_of(path: Path) -> tuple[pd.DataFrame, list[float]]:
    """Return the sample requests of an artifact's folder and the answers that training saw."""
    answers = json.loads(next(path.rglob(_SAMPLE)).read_text())
    return pd.DataFrame(answers["rows"]), answers["scores"]


def _opened(path: Path, ref: ModelRef) -> Any:
    if unknown := sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED)):
        raise ArtifactError(
            expected="only types that Flightdeck trusts",
            seen=f"{unknown}",
            where=f"artifact of {ref.name} v{ref.version}",
            next_step="do not load it; a new kind of model is added to the trusted types in include/models/artifact.py",
        )
    return skops.io.load(path, trusted=TRUSTED)


def _gate(name: str, passed: bool, required: str, observed: str) -> GateResult:
    return GateResult(name=name, passed=bool(passed), required=required, observed=observed)
