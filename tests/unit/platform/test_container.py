"""The first process of a container: it starts what it is told, ends as a whole, and says what its environment lacks."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from include.platform.bootstrap import ROOT
from include.platform.state import FIRST_PORT, State
from include.platform.stores import LOOPBACK

SUPERVISE = """
import sys
from include.platform.container import supervise
from include.platform.stores import Program
sys.exit(supervise([Program(str(number), ["/bin/sh", "-c", script], {}) for number, script in enumerate(sys.argv[1:])]))
"""


@pytest.fixture
def supervised():
    """Give a function that runs scripts below a supervisor."""
    with contextlib.ExitStack() as stack:

        def start(*scripts):
            return stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", SUPERVISE, *scripts],
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                )
            )

        yield start


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_told_to_end_it_ends_all_and_well(supervised):
    process = supervised("echo $$; exec sleep 300.5", "echo $$; exec sleep 300.5")
    children = [int(process.stdout.readline()) for _ in range(2)]
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert all(map(gone, children))


def test_one_that_ends_takes_the_others_with_it_and_is_named(supervised):
    process = supervised("echo $$; exec sleep 300.5", "sleep 0.3; exit 7")
    child = int(process.stdout.readline())
    assert process.wait(10) == 1
    assert gone(child)
    assert process.stderr.read() == "1 ended with 7; all end with it\n"


def test_children_can_be_told_to_end_though_their_parent_waits_for_signals(supervised):
    process = supervised("trap 'echo asked; exit 0' TERM; echo $$; while :; do sleep 0.05; done")
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert process.stdout.read() == "asked\n"


@pytest.mark.parametrize(
    ("service", "missing"),
    [
        ("s3", "FLIGHTDECK_S3_ACCESS_KEY, FLIGHTDECK_S3_SECRET_KEY"),
        ("mlflow", "FLIGHTDECK_S3_ACCESS_KEY, FLIGHTDECK_S3_SECRET_KEY"),
        ("airflow", "FLIGHTDECK_REPLAY_START"),
        ("serving", "FLIGHTDECK_S3_ACCESS_KEY, FLIGHTDECK_S3_SECRET_KEY, FLIGHTDECK_JOURNAL_KEY"),
        ("key list", "FLIGHTDECK_S3_ACCESS_KEY, FLIGHTDECK_S3_SECRET_KEY, FLIGHTDECK_JOURNAL_KEY"),
    ],
)
def test_what_the_environment_lacks_is_named(service, missing):
    ended = subprocess.run(
        [sys.executable, "-m", "include.platform.container", *service.split()],
        cwd=ROOT, env={"PATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert f"no value for {missing}" in ended.stderr
    assert ".env.example" in ended.stderr


def test_the_stores_of_a_container_are_those_of_the_embedded_platform(tmp_path):
    from include.platform import components
    from include.platform.container import HOSTS

    state = State(
        first_port=FIRST_PORT, replay_start="2026-11-24", secrets={"s3_access": "a", "s3_secret": "b"}, passwords={}
    )
    for ours, theirs in zip(
        components.stores(state, tmp_path), components.stores(state, tmp_path, hosts=HOSTS), strict=True
    ):
        different = [(one, other) for one, other in zip(ours.argv, theirs.argv, strict=True) if one != other]
        assert different
        assert all(LOOPBACK in one for one, _ in different)


def test_the_scoring_service_of_a_container_differs_in_hosts_alone(tmp_path):
    from include.platform import components
    from include.platform.container import HOSTS

    secrets = {"s3_access": "a", "s3_secret": "b", "journal": "c"}
    state = State(first_port=FIRST_PORT, replay_start="2026-11-24", secrets=secrets, passwords={})
    ours, theirs = components.serving(state, tmp_path), components.serving(state, tmp_path, hosts=HOSTS)
    different = [(one, other) for one, other in zip(ours.argv, theirs.argv, strict=True) if one != other]
    assert different == [(LOOPBACK, HOSTS.bind)]
    assert str(tmp_path / "serving") in ours.argv
    assert theirs.env["AWS_ENDPOINT_URL_S3"] == f"http://{HOSTS.s3}:{state.ports['s3']}"
    assert theirs.env["MLFLOW_TRACKING_URI"] == f"http://{HOSTS.mlflow}:{state.ports['mlflow']}"
