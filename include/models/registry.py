"""MLflow's model registry: immutable versions, and the two things that only mirror the journal (alias, head tag)."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature

from include.errors import ArtifactError, PermanentError
from include.models.folders import digest_of_folder
from include.models.tracking import available, client, downloaded, load_record, load_text
from include.naming import DEFAULT_KEY, model_name
from include.records import ClassificationEvaluation, Evaluation, ForecastEvaluation, ModelRef, RecommendationEvaluation
from include.spec import UseCase

EVALUATION = "evaluation.json"
DIGEST, RUN, AS_OF, PIPELINE_RUN = "digest", "run_id", "as_of", "pipeline_run"
HEAD_TAG = "journal_head"
_ABSENT = ("RESOURCE_DOES_NOT_EXIST", "NOT_FOUND", "INVALID_PARAMETER_VALUE")


class Trained(NamedTuple):
    """A version, in the order of business time: by the day as of which it was trained."""

    as_of: dt.date
    version: int
    pipeline_run: str


def register(name: str, source: str, *, run_id: str, digest: str, as_of: dt.date, pipeline_run: str) -> ModelRef:
    """Make a version of a packed model, and return it."""
    with available(f"register {name}"):
        _ensure(name)
        tags = {DIGEST: digest, RUN: run_id, AS_OF: as_of.isoformat(), PIPELINE_RUN: pipeline_run}
        mlflow.register_model(source, name, tags=tags)
    (version,) = _versions_of_run(name, run_id)
    return ModelRef(name=name, version=version, run_id=run_id, digest=digest)


def register_files(
    name: str,
    *,
    flavor: str,
    facts: Mapping[str, Any],
    signature: ModelSignature,
    write: Callable[[Path], None],
    run_id: str,
    as_of: dt.date,
    pipeline_run: str,
) -> ModelRef:
    """Log files of our own under a run and register them; a repeated call returns the version that is there.

    Args:
        name: Registered model name.
        flavor: What kind of model the files are.
        facts: What its flavor says of them.
        signature: What goes in and what comes out.
        write: Writes the files into an empty folder.
        run_id: The run.
        as_of: The day of the training.
        pipeline_run: The pipeline run.
    """
    if (made := version_of_run(name, run_id)) is not None:
        return made
    with tempfile.TemporaryDirectory() as folder, available(f"log the model of run {run_id}"):
        packed = Path(folder) / "model"
        packed.mkdir()
        write(packed)
        described = Model(artifact_path="model", run_id=run_id, signature=signature)
        described.add_flavor(flavor, **facts)
        described.save(str(packed / "MLmodel"))
        digest = digest_of_folder(packed)
        client().log_artifacts(run_id, str(packed), "model")
    return register(name, f"runs:/{run_id}/model", run_id=run_id, digest=digest, as_of=as_of, pipeline_run=pipeline_run)


def version_of_run(name: str, run_id: str) -> ModelRef | None:
    """Return the version that a run has registered, none where it has none yet."""
    versions = _versions_of_run(name, run_id)
    return model_ref(name, versions[0]) if versions else None


def model_ref(name: str, version: int) -> ModelRef:
    """Return one version.

    Raises:
        ArtifactError: the registry has no such version.
    """
    with available(f"read {name} v{version}"):
        try:
            found = client().get_model_version(name, str(version))
        except MlflowException as error:
            if error.error_code not in _ABSENT:
                raise
            raise ArtifactError(
                expected=f"version {version} of {name} in the registry",
                seen="no such version",
                where="MLflow model registry",
                next_step="look the versions up in MLflow's Models page",
            ) from error
    return ModelRef(name=name, version=version, run_id=found.run_id, digest=found.tags.get(DIGEST, ""))


@contextmanager
def files_of(ref: ModelRef) -> Iterator[Path]:
    """Give a folder with a version's files, those that were registered; it is gone afterwards.

    Raises:
        ArtifactError: the files on the store are others.
    """
    where = f"artifact of {ref.name} v{ref.version}"
    with tempfile.TemporaryDirectory() as folder:
        with available(f"load {ref.name} v{ref.version}"):
            path = downloaded(f"models:/{ref.name}/{ref.version}", Path(folder))
        if (seen := digest_of_folder(path)) != ref.digest:
            raise ArtifactError(
                expected=f"an artifact with digest {ref.digest[:16]}, as it was registered",
                seen=f"digest {seen[:16]}",
                where=where,
                next_step="do not use it; find out who wrote to the store, and roll back or train again",
            )
        yield path


def evaluation_of(ref: ModelRef) -> Evaluation:
    """Return what was found out about a version of any kind before anybody decided on it."""
    return load_record(ref.run_id, EVALUATION, Evaluation)


def classification_of(ref: ModelRef) -> ClassificationEvaluation:
    """Return the whole evaluation of a model that decides about rows."""
    return load_record(ref.run_id, EVALUATION, ClassificationEvaluation)


def forecast_of(ref: ModelRef) -> ForecastEvaluation:
    """Return the whole evaluation of a forecaster."""
    return load_record(ref.run_id, EVALUATION, ForecastEvaluation)


def recommendation_of(ref: ModelRef) -> RecommendationEvaluation:
    """Return the whole evaluation of a recommender."""
    return load_record(ref.run_id, EVALUATION, RecommendationEvaluation)


def evaluation_text(ref: ModelRef) -> str:
    """Return the evaluation as it is stored, so that anyone can compare its digest."""
    return load_text(ref.run_id, EVALUATION)


def newest(spec: UseCase, as_of: dt.date, *, key: str) -> ModelRef | None:
    """Return the newest version of a key's model that was trained as of a day or one before it, none where none is."""
    name = model_name(spec.name, key)
    with available(f"find the newest version of {name}"):
        versions = client().search_model_versions(f"name = '{name}'")
    trained = [int(each.version) for each in versions if dt.date.fromisoformat(each.tags[AS_OF]) <= as_of]
    return model_ref(name, max(trained)) if trained else None


def trainings(spec: UseCase) -> dict[str, list[Trained]]:
    """Return all versions of a use case by key, in the order of the days as of which they were trained."""
    keys = {model_name(spec.name, key): key for key in spec.keys}
    found: dict[str, list[Trained]] = {key: [] for key in spec.keys}
    page: str | None = None
    with available(f"list the versions of {spec.name}"):
        while True:
            part = client().search_model_versions(f"name LIKE '{model_name(spec.name, '%')}'", page_token=page)
            for each in (each for each in part if each.name in keys):
                day = dt.date.fromisoformat(each.tags[AS_OF])
                found[keys[each.name]].append(Trained(day, int(each.version), each.tags[PIPELINE_RUN]))
            if not (page := part.token):
                return {key: sorted(versions) for key, versions in found.items()}


def candidate(spec: UseCase, as_of: dt.date, *, key: str = DEFAULT_KEY) -> ModelRef:
    """Return the newest version of a key's model that was trained as of a day or one before it.

    Raises:
        PermanentError: no training up to that day registered one.
    """
    if (found := newest(spec, as_of, key=key)) is not None:
        return found
    raise PermanentError(
        expected=f"a candidate of {spec.name} as of {as_of}",
        seen="no version trained as of a day so early",
        where=f"MLflow model {model_name(spec.name, key)}",
        next_step=f"trigger {spec.name}_train for that day, and look why the last one registered nothing",
    )


def alias(name: str, alias: str) -> int | None:
    """Return the version an alias points to, none where it points nowhere."""
    with available(f"read alias {alias} of {name}"):
        try:
            return int(client().get_model_version_by_alias(name, alias).version)
        except MlflowException as error:
            if error.error_code not in _ABSENT:
                raise
            return None


def set_alias(name: str, alias: str, version: int | None) -> None:
    """Point an alias to a version, or to nothing."""
    with available(f"set alias {alias} of {name}"):
        if version is None:
            client().delete_registered_model_alias(name, alias)
        else:
            client().set_registered_model_alias(name, alias, str(version))


def head_tag(use_case: str) -> tuple[int, str] | None:
    """Return sequence and hash of the journal's head as the registry carries them, none where it carries none."""
    with available(f"read the journal's head tag of {use_case}"):
        try:
            tags = client().get_registered_model(model_name(use_case)).tags
        except MlflowException as error:
            if error.error_code not in _ABSENT:
                raise
            return None
    if HEAD_TAG not in tags:
        return None
    sequence, _, digest = tags[HEAD_TAG].partition(":")
    return int(sequence), digest


def set_head_tag(use_case: str, sequence: int, digest: str) -> None:
    """Let the registry carry the journal's head, so that nobody can cut the newest entries off unseen."""
    with available(f"set the journal's head tag of {use_case}"):
        _ensure(model_name(use_case))
        client().set_registered_model_tag(model_name(use_case), HEAD_TAG, f"{sequence}:{digest}")


def _versions_of_run(name: str, run_id: str) -> list[int]:
    """Return the one version of a run, or nothing.

    Where MLflow's answer was lost its client has asked again and made a second version, which nobody has seen yet: it
    is removed.
    """
    with available(f"find the version of run {run_id}"):
        found = client().search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
        versions = sorted(int(version.version) for version in found)
        for double in versions[1:]:
            client().delete_model_version(name, str(double))
    return versions[:1]


def _ensure(name: str) -> None:
    try:
        client().create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
