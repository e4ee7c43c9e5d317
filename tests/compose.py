"""A deployment by Compose for tests: brought up under a name of its own, asked and hurt from outside, taken away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from include.platform import cluster
from include.platform.airflow_api import Airflow
from include.platform.bootstrap import ROOT

FILES = ("docker-compose.yaml", "docker-compose.packages.yaml")
_OURS = ("FLIGHTDECK_", "COMPOSE_")


def compose_command():
    """Return the Compose of this machine, or of the tests' environment; none where there is none."""
    beside = str(Path(sys.executable).with_name("docker-compose"))
    for candidate in (["docker", "compose"], ["docker-compose"], [beside]):
        if shutil.which(candidate[0]) is None:
            continue
        if subprocess.run([*candidate, "version"], capture_output=True, check=False).returncode == 0:
            return candidate
    return None


def bare_environment():
    """Return this process's environment without what would change a file of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def why_no_engine():
    """Return why no container can be started here; empty where one can."""
    if compose_command() is None:
        return "neither `docker compose` nor `docker-compose` on this machine"
    if shutil.which("docker") is None:
        return "no `docker` on this machine"
    asked = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    return "" if asked.returncode == 0 else f"no container engine answers: {asked.stderr.strip().splitlines()[-1]}"


@dataclass(frozen=True)
class Deployment:
    """A deployment from packages alone.

    Args:
        project: Its name; containers, volumes and network are called after it.
        variables: What its ``.env`` would have.
    """

    project: str
    variables: dict[str, str]

    def compose(self, *arguments, check=True, seconds=1500):
        """Run Compose on it, and return how that ended."""
        files = [part for name in FILES for part in ("--file", str(ROOT / name))]
        done = subprocess.run(
            [*compose_command(), "--env-file", os.devnull, *files, *arguments],
            env={**bare_environment(), **self.variables, "FLIGHTDECK_PROJECT": self.project},
            capture_output=True, text=True, check=False, timeout=seconds,
        )  # fmt: skip
        assert not check or done.returncode == 0, f"{' '.join(arguments)}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done

    def containers(self):
        """Return what Compose knows of each container, also of those that have ended."""
        shown = self.compose("ps", "--all", "--format", "json").stdout
        return [json.loads(line) for line in shown.splitlines()]

    def workers(self):
        """Return the workers that run, by the host name under which their tasks are known."""
        found = [each for each in self.containers() if each["Service"] == "worker" and each["State"] == "running"]
        return {each["ID"][:12]: each["Name"] for each in found}

    def airflow(self, user="operator"):
        """Return Airflow's API as one of the accounts."""
        url = f"http://127.0.0.1:{self.variables['FLIGHTDECK_AIRFLOW_PORT']}"
        return Airflow(url, user, self.variables[cluster.PASSWORDS[user]])

    def life(self, use_case):
        """Run a use case once from raw rows to a champion, and return what was said."""
        said = self.compose("run", "--rm", "--no-deps", "-T", "setup", "life", use_case, "--approve-as", "reviewer")
        return said.stdout


def kill(container):
    """Let a container die as if its machine had: nobody in it hears of it."""
    subprocess.run(["docker", "kill", "--signal", "KILL", container], check=True, capture_output=True)


def eventually(ask, *, seconds, pause=0.5):
    """Return the first true answer, and the seconds it took.

    Raises:
        AssertionError: there is none in time.
    """
    began = time.monotonic()
    while not (found := ask()):
        assert time.monotonic() - began < seconds, f"not in {seconds} s"
        time.sleep(pause)
    return found, time.monotonic() - began
