"""MLflow goes away in mid-train, or the process dies: the same call goes on in the same run, to one version."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from include.errors import TransientError
from include.models import registry, tracking, training
from include.models.reproduce import reproduce
from include.naming import experiment_name, model_name
from tests.faults import proxied
from tests.services.models.conftest import LAST_DAY, train

ROOT = Path(__file__).parents[3]
CREATE_RUN, CREATE_VERSION = b"POST /api/2.0/mlflow/runs/create", b"POST /api/2.0/mlflow/model-versions/create"
# Requests of a training: half of its families are kept; its model is logged; it is registered, but not yet evaluated.
PLACES = [
    pytest.param(b"/families/scorecard.skops", id="fit"),
    pytest.param(CREATE_VERSION, id="register"),
    pytest.param(b"/evaluation.json", id="evaluate"),
]


@pytest.fixture
def proxy(landed, mlflow_url, monkeypatch):
    """Give a proxy in front of MLflow, and let everything go through it."""
    with proxied(monkeypatch, "MLFLOW_TRACKING_URI", mlflow_url) as faults:
        yield faults


def parents(spec):
    """Return the parent runs of a use case."""
    experiment = tracking.client().get_experiment_by_name(experiment_name(spec.name))
    return tracking.client().search_runs([experiment.experiment_id], f"tags.`{tracking.ROLE}` = 'parent'")


def whole(spec, evaluation):
    """Check that there is one run with one version, and that it predicts what an undisturbed training does."""
    (run,) = parents(spec)
    (version,) = tracking.client().search_model_versions(f"name = '{model_name(spec.name)}'")
    assert (run.info.run_id, run.info.status) == (evaluation.model.run_id, "FINISHED")
    assert registry.candidate(spec, LAST_DAY) == evaluation.model
    assert evaluation.model.version == int(version.version)
    assert registry.classification_of(evaluation.model) == evaluation
    assert reproduce(spec, evaluation.model.version).identical


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_mlflow_away_in_mid_train_is_transient_and_the_repeat_ends_in_one_version(landed, proxy, place):
    proxy.at(place, "down")
    with pytest.raises(TransientError, match=f"expected an answer from MLflow at {proxy.url}.*see that MLflow and S3"):
        train(landed)
    proxy.mode = "ok"
    (begun,) = parents(landed)
    again = train(landed)
    assert again.model.run_id == begun.info.run_id
    whole(landed, again)


@pytest.mark.slow
@pytest.mark.parametrize("place", PLACES)
def test_a_training_killed_in_its_middle_goes_on_in_its_run_and_ends_in_one_version(landed, proxy, place):
    proxy.at(place, "blackhole")
    code = "from tests.services.models.conftest import SPEC, train; train(SPEC)"
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT) as process:
        assert proxy.reached.wait(120)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    proxy.reset()
    proxy.mode = "ok"
    (begun,) = parents(landed)
    again = train(landed)
    assert again.model.run_id == begun.info.run_id
    whole(landed, again)


@pytest.mark.slow
def test_lost_replies_make_no_second_run_and_no_second_version(landed, proxy):
    proxy.at(CREATE_RUN, "swallow")
    run_id = training.prepare(
        landed, as_of=LAST_DAY, pipeline_run="train/test", originator="operator", originator_source="manual",
        reason="test", try_number=1, airflow={},
    )  # fmt: skip
    assert proxy.reached.is_set()
    proxy.at(CREATE_VERSION, "swallow")
    evaluation = train(landed)
    assert proxy.reached.is_set()
    assert proxy.swallowed == 2
    assert evaluation.model.run_id == run_id
    whole(landed, evaluation)
    assert train(landed).model == evaluation.model
