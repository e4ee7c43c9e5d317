"""Every shipped DAG: it imports without a warning, says who and what it is, and costs nothing to parse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DAG_FILES = sorted(path for path in (ROOT / "dags").glob("*.py") if path.name != "__init__.py")
HEAVY = ("pandas", "sklearn", "mlflow", "great_expectations", "deltalake", "boto3", "matplotlib", "optbinning", "scipy")


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        from airflow.dag_processing.dagbag import DagBag

        yield DagBag(str(ROOT / "dags"))


def test_dags_import_without_error_or_warning(bag):
    assert bag.import_errors == {}
    assert bag.captured_warnings == {}
    assert {"credit_risk_ingest", "credit_risk_train", "credit_risk_deploy", "flightdeck_reconcile"} <= set(bag.dags)


def test_every_dag_says_who_what_and_when(bag):
    for dag in bag.dags.values():
        assert dag.description, dag.dag_id
        assert dag.doc_md, dag.dag_id
        assert dag.tags, dag.dag_id
        assert dag.max_active_runs == 1, dag.dag_id
        for task in dag.tasks:
            assert task.owner not in ("", "airflow"), task
            assert task.retries >= 1, f"{task}: a dead worker's task moves only if it has retries"


def test_every_dag_survives_serialisation(bag):
    from airflow.serialization.serialized_objects import DagSerialization

    for dag in bag.dags.values():
        restored = DagSerialization.deserialize_dag(DagSerialization.serialize_dag(dag))
        assert set(restored.task_dict) == set(dag.task_dict)


@pytest.mark.parametrize("use_case", ["credit_risk", "load_forecast", "recommender"])
def test_every_use_case_can_study_by_hand_how_often_to_retrain(bag, use_case):
    study = bag.dags[f"{use_case}_study"]
    assert not study.timetable.can_be_scheduled
    assert study.get_task("fit_windows").downstream_task_ids == {"conclude"}
    assert study.params["every"] == [1, 2, 4, 8, 16]


def assets_in(condition):
    """Return the assets of an expression like ``a | b``."""
    return [asset for part in getattr(condition, "objects", ()) for asset in assets_in(part)] or [condition]


def test_the_ring_is_joined_by_its_assets(bag):
    for producer, task, consumer in [
        ("ingest", "ingest", "score"),
        ("retraining", "request", "train"),
        ("train", "evaluate", "deploy"),
        ("deploy", "promote", "score"),
        ("score", "score", "monitor"),
        ("monitor", "request_retraining", "train"),
    ]:
        outlets = {asset.name for asset in bag.dags[f"credit_risk_{producer}"].get_task(task).outlets}
        condition = bag.dags[f"credit_risk_{consumer}"].timetable.asset_condition
        wanted = {asset.name for asset in assets_in(condition)}
        assert outlets & wanted, f"{producer}.{task} does not wake {consumer}"


def test_a_high_risk_class_cannot_be_deployed_without_approval(bag):
    deploy = bag.dags["credit_risk_deploy"]
    assert deploy.get_task("promote").upstream_task_ids >= {"approve"}


@pytest.mark.parametrize("dag_file", DAG_FILES, ids=lambda path: path.name)
def test_nothing_heavy_is_imported_at_parse_time(dag_file, tmp_path):
    code = (
        "import json, runpy, sys\n"
        "from airflow.sdk import Asset\n"
        "Asset('any', uri='any://thing')\n"  # with the provider for S3, Airflow itself loads boto3 for its first asset
        "before = set(sys.modules)\n"
        f"runpy.run_path({str(dag_file)!r})\n"
        f"print('LOADED', json.dumps([name for name in {HEAVY!r} if name in sys.modules and name not in before]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "AIRFLOW_HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = json.loads(done.stdout.rpartition("LOADED ")[2])
    assert loaded == [], f"{dag_file.name} makes every task and every parse pay for {loaded}"
