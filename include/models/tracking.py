"""MLflow runs: one parent a training, children for what follows from it, and the records that travel with them.

Every run is found again by the pipeline run that opened it, so that a retry goes on where the killed try ended.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

# A call into a store that is away must end within a task's patience; the retry policy of the task does the rest.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Task logs are read at night: no bars, no advertised links.
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from pydantic import BaseModel

from include.errors import MissingMetricError, TransientError
from include.naming import experiment_name
from include.records import KeyedTraining, ModelRef, Training
from include.settings import settings

TRAINING = "training.json"
Status = Literal["FINISHED", "FAILED", "KILLED"]
PIPELINE_RUN, ROLE = "flightdeck.pipeline_run", "flightdeck.role"
DRIFT_CONFIRMED = "drift_confirmed"
_FOR_MODELS = "?workflowType=machine_learning"  # without it MLflow's pages are those for language models
_PAGE = 1000
_ANSWER = TypeVar("_ANSWER")
_RECORD = TypeVar("_RECORD", bound=BaseModel)


def client() -> MlflowClient:
    """Return a client of the deployment's tracking server."""
    url = settings().mlflow_url
    if mlflow.get_tracking_uri() != url:  # what MLflow offers as a plain function asks no client of ours
        mlflow.set_tracking_uri(url)
    return _client(url)


@contextmanager
def available(what: str) -> Iterator[None]:
    """Turn a tracking server that is away into a TransientError that says what was being done."""
    try:
        yield
    except MlflowException as error:
        if error.error_code not in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"):
            raise
        raise _away(what, str(error)) from error
    except (ConnectionError, TimeoutError, OSError) as error:
        raise _away(what, str(error)) from error


def open_run(use_case: str, name: str, *, pipeline_run: str, tags: Mapping[str, str] | None = None) -> str:
    """Return the id of the parent run of a pipeline run: a new one, or the one that an earlier try has opened."""
    return _open(use_case, name, role="parent", pipeline_run=pipeline_run, tags=dict(tags or {}))


def open_training(
    record: KeyedTraining | Training, params: Mapping[str, Any], *, airflow: Mapping[str, str], try_number: int
) -> str:
    """Return the id of a training's parent run, which holds what the training depends on; the same one in each try."""
    tags = {
        "mlflow.source.git.commit": record.git_commit, "lock_digest": record.lock_digest,
        "dag_id": airflow.get("dag_id", ""), "run_id": airflow.get("run_id", ""), "try": str(try_number),
        "originator": record.originator, "originator_source": record.originator_source, "reason": record.reason,
        DRIFT_CONFIRMED: record.drift_confirmed,
    }  # fmt: skip
    run_id = open_run(record.use_case, f"train {record.as_of}", pipeline_run=record.pipeline_run, tags=tags)
    log_params(run_id, {"as_of": record.as_of, "seed": record.seed, **params})
    log_record(run_id, TRAINING, record)
    return run_id


def child_run(parent_run_id: str, name: str, *, pipeline_run: str, tags: Mapping[str, str] | None = None) -> str:
    """Return the id of a run nested under another; the same name in the same pipeline run is the same child."""
    with available(f"open child '{name}' of run {parent_run_id}"):
        use_case = client().get_run(parent_run_id).data.tags["flightdeck.use_case"]
    nested = {**(tags or {}), "mlflow.parentRunId": parent_run_id}
    return _open(use_case, name, role=f"child {name}", pipeline_run=pipeline_run, tags=nested)


def parent_of(run_id: str) -> str:
    """Return the parent of a nested run, or the run itself where it is nested under none."""
    with available(f"read run {run_id}"):
        return str(client().get_run(run_id).data.tags.get("mlflow.parentRunId", run_id))


def runs_of(
    use_case: str, condition: str, *, order_by: Sequence[str] = (), limit: int | None = None
) -> list[mlflow.entities.Run]:
    """Return the runs of a use case that meet a condition, as MLflow writes it; none where there is no run at all."""
    with available(f"look for runs of {use_case}"):
        experiment = client().get_experiment_by_name(experiment_name(use_case))
        found: list[mlflow.entities.Run] = []
        page: str | None = None
        while experiment is not None and (limit is None or len(found) < limit):
            size = _PAGE if limit is None else min(_PAGE, limit - len(found))
            part = client().search_runs(
                [experiment.experiment_id], condition, order_by=list(order_by), max_results=size, page_token=page
            )
            found += part
            if not (page := part.token):
                break
    return found


def run_under(champion: ModelRef | None, use_case: str, name: str, *, pipeline_run: str) -> str:
    """Open a run below the training of a champion, or by itself where there is none, and return its id."""
    if champion is None:
        return open_run(use_case, name, pipeline_run=pipeline_run)
    return child_run(parent_of(champion.run_id), name, pipeline_run=pipeline_run)


def close_run(run_id: str, status: Status = "FINISHED") -> None:
    """End a run."""
    with available(f"close run {run_id}"):
        client().set_terminated(run_id, status)


def close_runs_of(pipeline_run: str, status: Status) -> list[str]:
    """End all runs that a pipeline run has left open, and return their ids."""
    with available(f"close the runs of {pipeline_run}"):
        experiments = [each.experiment_id for each in client().search_experiments()]
        found = client().search_runs(
            experiments, f"tags.`{PIPELINE_RUN}` = '{_quoted(pipeline_run)}' and attributes.status = 'RUNNING'"
        )
        for run in found:
            client().set_terminated(run.info.run_id, status)
    return [run.info.run_id for run in found]


def log_params(run_id: str, params: Mapping[str, Any]) -> None:
    """Store parameters; a repeated call with the same values changes nothing."""
    with available(f"store parameters with run {run_id}"):
        client().log_batch(run_id, params=[Param(name, str(value)) for name, value in params.items()])


def param(run_id: str, name: str) -> str:
    """Return a parameter of a run.

    Raises:
        MissingMetricError: the run has no such parameter.
    """
    with available(f"read parameter {name} of run {run_id}"):
        params = client().get_run(run_id).data.params
    if name not in params:
        raise _missing(run_id, name, "parameters")
    return str(params[name])


def log_metrics(
    run_id: str, metrics: Mapping[str, float], step: int = 0, *, tags: Mapping[str, str] | None = None
) -> None:
    """Store metrics, and tags in the same call; what was stored for the step before is no longer the last."""
    now = int(time.time() * 1000)
    with available(f"store metrics with run {run_id}"):
        client().log_batch(
            run_id,
            metrics=[Metric(name, value, now, step) for name, value in metrics.items()],
            tags=[RunTag(name, value) for name, value in (tags or {}).items()],
        )


def log_file(run_id: str, path: Path, folder: str) -> None:
    """Store a file as an artifact of a run."""
    with available(f"store {path.name} with run {run_id}"):
        client().log_artifact(run_id, str(path), folder)


def log_record(run_id: str, name: str, record: BaseModel) -> None:
    """Store a record as a JSON artifact of a run."""
    log_text(run_id, name, record.model_dump_json(indent=1))


def load_record(run_id: str, name: str, kind: type[_RECORD]) -> _RECORD:
    """Return a record that was stored with a run.

    Raises:
        MissingMetricError: the run has no such record.
    """
    return kind.model_validate_json(load_text(run_id, name))


def log_json(run_id: str, name: str, document: Any) -> None:
    """Store a JSON document as an artifact of a run."""
    log_text(run_id, name, json.dumps(document, indent=1, sort_keys=True, default=str))


def load_json(run_id: str, name: str) -> Any:
    """Return a JSON document that was stored with a run."""
    return json.loads(load_text(run_id, name))


def log_report(run_id: str, name: str, html: str) -> None:
    """Store an HTML page as an artifact of a run."""
    log_text(run_id, name, html)


def log_text(run_id: str, name: str, text: str) -> None:
    """Store a text as an artifact of a run; its name may hold a folder."""
    with available(f"store {name} with run {run_id}"):
        client().log_text(run_id, text, name)


def log_bytes(run_id: str, name: str, body: bytes) -> None:
    """Store bytes as an artifact of a run."""
    with tempfile.TemporaryDirectory() as folder, available(f"store {name} with run {run_id}"):
        path = Path(folder) / name
        path.write_bytes(body)
        client().log_artifact(run_id, str(path))


def load_text(run_id: str, name: str) -> str:
    """Return a text artifact of a run."""
    return fetch(run_id, name, lambda path: path.read_text())


def fetch(run_id: str, name: str, read: Callable[[Path], _ANSWER]) -> _ANSWER:
    """Download an artifact into a folder that is gone afterwards, and return what ``read`` makes of it.

    Raises:
        MissingMetricError: the run has no such artifact.
    """
    with tempfile.TemporaryDirectory() as folder, available(f"read {name} of run {run_id}"):
        path, _, base = name.rpartition("/")
        if base not in {each.path.rpartition("/")[2] for each in client().list_artifacts(run_id, path or None)}:
            raise _missing(run_id, name, "artifacts")
        return read(Path(client().download_artifacts(run_id, name, folder)))


def downloaded(uri: str, folder: Path) -> Path:
    """Bring a whole model into a folder below ``folder``, and return it; to be called inside ``available``."""
    client()
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder / "artifact")))


def run_url(run_id: str) -> str:
    """Return the address of a run's page."""
    return f"{_page(run_id)}{_FOR_MODELS}"


def artifact_url(run_id: str, name: str) -> str:
    """Return the address that shows an artifact as a page; the file's own address would only download it."""
    return f"{_page(run_id)}/artifacts/{name}{_FOR_MODELS}"


def _page(run_id: str) -> str:
    with available(f"find run {run_id}"):
        experiment = client().get_run(run_id).info.experiment_id
    return f"{settings().mlflow_page_url or settings().mlflow_url}/#/experiments/{experiment}/runs/{run_id}"


def _open(use_case: str, name: str, *, role: str, pipeline_run: str, tags: dict[str, str]) -> str:
    with available(f"open run '{name}'"):
        experiment = _experiment(use_case)
        if found := _opened(experiment, pipeline_run, role):
            for key, value in tags.items():
                client().set_tag(found[0], key, value)
            client().update_run(found[0], status="RUNNING")
        else:
            opened = {PIPELINE_RUN: pipeline_run, ROLE: role, "flightdeck.use_case": use_case, **tags}
            client().create_run(experiment, run_name=name, tags=opened)
            found = _opened(experiment, pipeline_run, role)
        for double in found[1:]:  # made by MLflow's client, which asks again where an answer was lost
            client().delete_run(double)
    return found[0]


def _opened(experiment: str, pipeline_run: str, role: str) -> list[str]:
    """Return the runs that a pipeline run has opened for a role, the first one first."""
    mine = f"tags.`{PIPELINE_RUN}` = '{_quoted(pipeline_run)}' and tags.`{ROLE}` = '{_quoted(role)}'"
    found = client().search_runs([experiment], mine, order_by=["attributes.start_time ASC"])
    return [str(run.info.run_id) for run in found]


def _experiment(use_case: str) -> str:
    name = experiment_name(use_case)
    if (found := client().get_experiment_by_name(name)) is not None:
        return str(found.experiment_id)
    try:
        return str(client().create_experiment(name))
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        return str(client().get_experiment_by_name(name).experiment_id)


@cache
def _client(url: str) -> MlflowClient:
    return MlflowClient(tracking_uri=url, registry_uri=url)


def _quoted(value: str) -> str:
    return value.replace("'", "")


def _missing(run_id: str, name: str, kind: str) -> MissingMetricError:
    return MissingMetricError(
        expected=f"{name} among the run's {kind}",
        seen="no such thing",
        where=f"MLflow run {run_id}",
        next_step="run the step again that writes it",
    )


def _away(what: str, seen: str) -> TransientError:
    return TransientError(
        expected=f"an answer from MLflow at {settings().mlflow_url}",
        seen=seen,
        where=what,
        next_step="see that MLflow and S3 run (`./flightdeck status`), then clear the task",
    )
