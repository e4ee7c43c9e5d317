"""A training against real S3 and MLflow: what it records, and that it can be done again."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import mlflow
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from include.classification import Candidate
from include.data import snapshots
from include.data.objects import ObjectStore
from include.errors import ArtifactError, PermanentError
from include.models import artifact, registry, tracking, training
from include.models.evaluation import trained_until
from include.models.evaluations import evaluations
from include.models.features import features_of
from include.models.reproduce import reproduce
from include.naming import model_name
from include.serving.scorers import ONNX, ClassificationScorer
from tests.services.models.conftest import LAST_DAY, train


def test_a_first_candidate_is_judged_registered_and_explained(landed):
    evaluation = train(landed)
    assert evaluation.route == "first"
    assert evaluation.passed, evaluation.failed_gates
    assert registry.candidate(landed, LAST_DAY) == evaluation.model
    assert registry.classification_of(evaluation.model) == evaluation
    run = tracking.client().get_run(evaluation.model.run_id)
    assert run.info.status == "FINISHED"
    assert {"table_version", "snapshot_digest", "seed", "family", "env.scikit-learn"} <= set(run.data.params)
    assert {"mlflow.source.git.commit", "lock_digest", "dag_id", "run_id", "try", "originator"} <= set(run.data.tags)
    assert run.data.metrics["auc_low"] < run.data.metrics["auc"] < run.data.metrics["auc_high"]
    (stored,) = evaluations(landed).to_dict("records")
    assert (stored["version"], stored["source"], stored["verdict"]) == (evaluation.model.version, "offline", "first")
    boundary = trained_until(landed, evaluation.snapshot)
    assert (stored["first_day"], stored["last_day"]) == (boundary + dt.timedelta(days=1), evaluation.snapshot.last_day)
    report = tracking.load_text(evaluation.model.run_id, "report.html")
    assert report.count("<img") >= 2
    children = tracking.client().search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'"
    )
    assert {child.data.tags["family"] for child in children} == {"logistic", "scorecard"}


@pytest.mark.slow
def test_a_retried_training_resumes_its_run_and_makes_no_second_version(landed):
    first, again = train(landed), train(landed)
    assert again.model == first.model
    assert again.metrics == first.metrics
    assert len(tracking.client().search_model_versions(f"name = '{model_name(landed.name)}'")) == 1


def test_the_packed_model_answers_in_a_clean_process(landed):
    checked = artifact.check(train(landed).model, spec=landed)
    assert all(gate.passed for gate in checked.gates), checked
    assert 0 < checked.latency_ms < 50


def test_what_serves_is_judged_on_the_fresh_rows_and_packed(landed, tmp_path):
    evaluation = train(landed)
    (gate,) = [gate for gate in evaluation.gates if gate.name == "ONNX answers as the original"]
    assert gate.passed
    assert gate.observed.endswith(f"off on {evaluation.fresh_rows} rows")
    ref = evaluation.model
    scorer = ClassificationScorer.open(fetched(ref, tmp_path))
    rows = snapshots.read(landed, evaluation.snapshot)
    assert scorer.score(rows[list(scorer.columns)].to_numpy()) == pytest.approx(
        artifact.load(ref).score(rows), abs=1e-9
    )
    assert (scorer.facts.threshold, scorer.facts.review_band) == (evaluation.threshold, evaluation.review_band)
    learned = rows.loc[rows["day"] <= trained_until(landed, evaluation.snapshot), list(scorer.columns)]
    assert scorer.facts.bounds == {name: (learned[name].min(), learned[name].max()) for name in scorer.columns}
    store = ObjectStore("mlflow")
    (path,) = [key for key in store.list_from("") if key.endswith(ONNX) and _of_run(key, ref)]
    store.put(path, store.get(path) + b"\0")
    assert artifact.digest_of(ref) != ref.digest


def odd(spec, params, seed):
    """Return a family with a step that ONNX has no counterpart for."""
    return make_pipeline(features_of(spec), StandardScaler(), LogisticRegression(**params))


def test_a_family_that_cannot_be_converted_fails_its_gate_and_no_training(landed, tmp_path):
    family = Candidate(name="odd", build="tests.services.models.test_training:odd", search={"C": (1.0,)})
    evaluation = train(landed.model_copy(update={"candidates": (family,)}))
    (failed,) = evaluation.failed_gates
    assert (failed.name, failed.observed) == ("ONNX answers as the original", "cannot be converted")
    assert "'StandardScaler'" in failed.detail
    with pytest.raises(ArtifactError, match=r"saw no model\.onnx"):
        ClassificationScorer.open(fetched(evaluation.model, tmp_path))


def fetched(ref, folder):
    """Return a local folder with the artifact's files."""
    uri = f"models:/{ref.name}/{ref.version}"
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))


def test_a_swapped_artifact_is_found(landed):
    ref = train(landed).model
    store = ObjectStore("mlflow")
    (path,) = [key for key in store.list_from("") if key.endswith("model.skops") and _of_run(key, ref)]
    store.put(path, store.get(path) + b"\0")
    with pytest.raises(ArtifactError, match="expected an artifact with digest"):
        artifact.load(ref)
    assert artifact.digest_of(ref) != ref.digest


def test_a_version_is_rebuilt_to_identical_predictions(landed):
    ref = train(landed).model
    found = reproduce(landed, ref.version)
    assert found.identical, found.sentence
    assert found.same_lock


def test_after_an_erasure_the_rebuild_says_how_many_rows_went_and_when(landed):
    ref = train(landed).model
    rows = snapshots.read(landed, registry.classification_of(ref).snapshot)
    assert snapshots.erase(landed, rows["biopsy"].head(3).tolist(), run="erasure/test") == 3
    found = reproduce(landed, ref.version)
    assert not found.identical
    assert [count for _, count in found.erased] == [3]
    assert "3 rows on" in found.sentence


def test_too_few_days_are_refused_by_name(landed):
    early = LAST_DAY - dt.timedelta(days=40)
    with pytest.raises(PermanentError, match="more than 20 days with known truth"):
        train(landed, as_of=early)


def test_the_budget_is_shared_and_kept(landed):
    batches = training.search_batches(landed)
    assert sum(len(batch["configs"]) for batch in batches) <= landed.search_budget
    assert all(batch["configs"] for batch in batches)


def test_runs_left_open_by_a_killed_task_are_closed(landed):
    run_id = tracking.open_run(landed.name, "killed", pipeline_run="train/killed")
    assert tracking.close_runs_of("train/killed", "FAILED") == [run_id]
    assert tracking.client().get_run(run_id).info.status == "FAILED"


def _of_run(key, ref):
    source = tracking.client().get_model_version(ref.name, str(ref.version)).source
    return source.rpartition("/")[2] in key
