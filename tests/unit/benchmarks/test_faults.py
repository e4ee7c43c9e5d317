"""The table of faults and the deployment that they hurt, as far as both can be tried without an engine."""

from __future__ import annotations

import datetime as dt
import json
import shutil

import pytest

from benchmarks import lab
from benchmarks.compose import compose_command
from benchmarks.faults import TRIALS, Seen, wanted
from include.errors import PermanentError
from include.platform import cluster, container


@pytest.fixture
def written(tmp_path):
    """Give a lab whose files are written, and whose deployment is not brought up."""
    if compose_command() is None:
        pytest.skip("neither `docker compose` nor `docker-compose` on this machine")
    return lab.Lab(tmp_path, dt.date(2026, 5, 1), print, project="fd-test", first_port=29480)


def test_each_fault_has_a_name_of_its_own_and_every_kind_of_service_is_killed():
    names = [trial.name for trial in TRIALS]
    assert len(set(names)) == len(names)
    for service in ("s3", "mlflow", "api-server", "scheduler", cluster.WORKER, cluster.POSTGRES, cluster.VALKEY):
        assert any(name.startswith(f"kill -9 {service}, ") for name in names)


def test_a_word_that_is_in_no_faults_name_is_refused_with_the_names():
    assert wanted("") == list(TRIALS)
    assert {trial.name.partition(",")[0] for trial in wanted("postgres")} == {f"kill -9 {cluster.POSTGRES}"}
    with pytest.raises(PermanentError, match=r"saw 'no such fault'.*another image under each service"):
        wanted("no such fault")


def test_the_deployment_that_is_hurt_is_the_shipped_one_on_a_small_disk(written):
    services = json.loads(written.compose("--profile", "late", "config", "--format", "json").stdout)["services"]
    (volume,) = services["s3"]["volumes"]
    assert (volume["type"], volume["source"], volume["target"]) == ("bind", str(written.disk), "/data")
    assert not [name for name in services["worker"]["environment"] if name.startswith("FAKETIME")]
    late, worker = (dict(services[name]["environment"]) for name in ("late", "worker"))
    assert {name: late[name] for name in worker} == worker
    assert {each["image"] for each in services.values()} == {written.variables[lab.IMAGE]}


def test_what_a_machine_lacks_is_said(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert lab.missing() == "neither `docker compose` nor `docker-compose` on this machine"


def test_a_trial_says_what_was_read_what_was_tried_again_and_what_was_lost():
    assert Seen().how == "nobody was called; each task was tried once"
    said = Seen(lost=["a row"], told=["clear it"], tries=["fit 2 times"]).how
    assert said == "the on-call read: clear it; tried more than once: fit 2 times; LOST: a row"


def test_the_secrets_of_a_lab_are_in_no_file(written, tmp_path):
    kept = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "late" in kept
    assert [name for name in container.fresh_environment() if written.variables[name] in kept] == []
