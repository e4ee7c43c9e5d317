"""A real embedded platform of the tests' own, and one life of credit risk on it, shared by all that look at them.

Other ports, another home; the shipped DAGs and those of the tests. And a disk that is small enough to fill.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from pathlib import Path

import pytest

from include.platform.airflow_api import DONE
from include.platform.embedded import Platform
from include.platform.state import FIRST_PORT
from include.settings import settings

ROOT = Path(__file__).parents[1]
PACKAGES = "tests.second_use_case tests.e2e.use_cases tests"
SERVED = "credit_risk load_forecast recommender careful"
FOLDERS = (ROOT / "dags", ROOT / "tests/second_use_case/dags", ROOT / "tests/e2e/dags")


@contextlib.contextmanager
def entered(platform):
    """Let this process use a platform's services; stop it afterwards, and leave no trace of its settings."""
    before = dict(os.environ)
    platform.enter()
    try:
        yield
    finally:
        platform.down()
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    """Give a healthy platform to all end-to-end and browser tests, and stop it afterwards."""
    made = Platform(tmp_path_factory.mktemp("home"), dag_folders=FOLDERS, use_cases=PACKAGES)
    cache = os.environ.get("FLIGHTDECK_CACHE_DIR", str(ROOT / ".flightdeck/cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLIGHTDECK_CACHE_DIR", cache)
        with pytest.MonkeyPatch.context() as only_here:  # a platform that another test starts serves what is shipped
            only_here.setenv("FLIGHTDECK_SERVES", SERVED)
            made.up(first_port=FIRST_PORT + 200)
        with entered(made):
            yield made


@pytest.fixture(scope="session")
def life(platform):
    """Give the life of credit risk from raw rows to a champion, approved unattended as the reviewer."""
    from include.platform.life import live
    from include.use_cases.credit_risk import SPEC

    return live(platform, SPEC, approve_as="reviewer", ask=False)


@pytest.fixture(scope="session")
def champion(life):
    """Give what the life has made the champion of credit risk."""
    from include.deployment.journal import Journal
    from include.naming import DEFAULT_KEY
    from include.use_cases.credit_risk import SPEC

    return Journal(SPEC.name).state().of(DEFAULT_KEY).champion


@pytest.fixture
def small_disk(tmp_path):
    """Give a folder on a disk of its own of 8 MiB, where one may be mounted."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "flightdeck-test", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"no disk may be mounted here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def until(condition, *, seconds=180, every=0.3):
    """Wait until a condition gives something, and return that."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(every)
    return found


def finished(airflow, dag_id, run_id, *, seconds=240):
    """Wait for a run's end, and return its state."""
    return until(lambda: (state := airflow.run(dag_id, run_id)["state"]) in DONE and state, seconds=seconds)


def newest(airflow, dag_id, *, key, besides=()):
    """Wait for a run of a partition that is not among those known before, and return its id."""
    return until(
        lambda: next(
            (
                run["dag_run_id"]
                for run in airflow.runs(dag_id)
                if run["partition_key"] == key and run["dag_run_id"] not in besides
            ),
            None,
        )
    )
