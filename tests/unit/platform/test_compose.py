"""docker-compose.yaml, without an engine: whole, without a secret, closed to the net, and clear about what it lacks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from include.platform import container
from include.platform.bootstrap import ROOT
from include.platform.state import FIRST_PORT, State

ASKED = re.compile(r"\$\{(\w+):\?")


def compose_command():
    """Return the Compose of this machine, or of the tests' environment."""
    beside = str(Path(sys.executable).with_name("docker-compose"))
    for candidate in (["docker", "compose"], ["docker-compose"], [beside]):
        if shutil.which(candidate[0]) is None:
            continue
        if subprocess.run([*candidate, "version"], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


@pytest.fixture(scope="module")
def compose():
    """Give a function that runs Compose on our file with nothing but the given variables."""
    command = compose_command()
    if command is None:
        pytest.skip("neither `docker compose` nor `docker-compose` on this machine")

    def run(*arguments, **variables):
        return subprocess.run(
            [*command, "--env-file", os.devnull, "--file", str(ROOT / "docker-compose.yaml"), *arguments],
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def secrets():
    return container.fresh_environment()


@pytest.fixture(scope="module")
def resolved(compose, secrets):
    shown = compose("config", "--format", "json", **secrets)
    assert shown.returncode == 0, shown.stderr
    return json.loads(shown.stdout)


def test_the_file_is_whole(compose, secrets):
    checked = compose("config", "-q", **secrets)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_what_is_missing_is_named_with_the_way_to_make_it(compose, secrets):
    for name in secrets:
        refused = compose("config", "-q", **{each: value for each, value in secrets.items() if each != name})
        assert refused.returncode != 0, name
        assert f"{name}" in refused.stderr
        assert "make a .env as .env.example says" in refused.stderr


def test_only_loopback_is_published_and_every_service_is_checked(resolved):
    assert set(resolved["services"]) == {"s3", "mlflow", "airflow", "serving"}
    for name, service in resolved["services"].items():
        published = {int(each["published"]) for each in service["ports"]}
        assert {each["host_ip"] for each in service["ports"]} == {"127.0.0.1"}, name
        assert published == {State.model_construct(first_port=FIRST_PORT).ports[name]}, name
        assert service["healthcheck"]["test"][-2:] == ["check", name]


def test_a_store_knows_no_secret_but_its_own(resolved, secrets):
    for name in ("s3", "mlflow"):
        assert set(resolved["services"][name]["environment"]) == {
            "FLIGHTDECK_S3_ACCESS_KEY",
            "FLIGHTDECK_S3_SECRET_KEY",
        }
    assert set(secrets) <= set(resolved["services"]["airflow"]["environment"])


def test_the_service_that_the_world_asks_knows_no_account_and_keeps_its_log_on_a_volume_of_its_own(resolved):
    serving = resolved["services"]["serving"]
    assert set(serving["environment"]) == {
        "FLIGHTDECK_S3_ACCESS_KEY",
        "FLIGHTDECK_S3_SECRET_KEY",
        "FLIGHTDECK_JOURNAL_KEY",
    }
    (mounted,) = serving["volumes"]
    assert (mounted["type"], mounted["source"], mounted["target"]) == ("volume", "serving", "/data")
    used = [each["source"] for service in resolved["services"].values() for each in service["volumes"]]
    assert used.count("serving") == 1
    assert "serving" in resolved["volumes"]


def test_what_is_asked_for_is_what_is_made_and_what_the_example_names(secrets):
    asked = set(ASKED.findall((ROOT / "docker-compose.yaml").read_text()))
    example = dict(
        line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if line and line[0] != "#"
    )
    assert asked == set(secrets) == set(example)
    assert set(example.values()) == {""}


def test_the_image_is_made_of_python_and_the_hashed_lock():
    text = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^FROM (.*)$", text, re.M) == ["python:3.11-slim"]
    assert "--require-hashes -r requirements.txt" in text
    assert re.search(r"^USER (?!root)", text, re.M)


def test_git_ignores_the_secrets():
    if subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("not a clone")
    subprocess.run(["git", "check-ignore", "--quiet", ".env"], cwd=ROOT, check=True)
