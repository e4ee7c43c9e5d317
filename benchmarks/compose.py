"""Compose on the shipped files under a name of its own, from packages alone: what benchmarks and tests do to it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from include.errors import TransientError
from include.platform import cluster
from include.platform.airflow_api import Airflow
from include.platform.bootstrap import ROOT

SHIPPED = (ROOT / "docker-compose.yaml", ROOT / "docker-compose.packages.yaml")
_OURS = ("FLIGHTDECK_", "COMPOSE_")
_SECONDS = 1800


class Container(NamedTuple):
    """A container as it is just now."""

    id: str
    name: str
    service: str
    pid: int
    started: str
    health: str
    exit_code: int

    @property
    def host(self) -> str:
        """Return the name by which its own processes know the machine."""
        return self.id[:12]

    @property
    def well(self) -> bool:
        """Return whether it runs and its own check says that it is healthy."""
        return self.pid > 0 and self.health == "healthy"


def compose_command() -> list[str] | None:
    """Return the Compose of this machine, or of this environment; none where there is none."""
    beside = str(Path(sys.executable).with_name("docker-compose"))
    for candidate in (["docker", "compose"], ["docker-compose"], [beside]):
        if shutil.which(candidate[0]) is not None and _run([*candidate, "version"]).returncode == 0:
            return candidate
    return None


def why_no_engine() -> str:
    """Return why no container can be started here; empty where one can."""
    if compose_command() is None:
        return "neither `docker compose` nor `docker-compose` on this machine"
    if shutil.which("docker") is None:
        return "no `docker` on this machine"
    asked = _run(["docker", "info"])
    return "" if asked.returncode == 0 else f"no container engine answers: {asked.stderr.strip().splitlines()[-1]}"


def bare_environment() -> dict[str, str]:
    """Return this process's environment without what would change a file of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def must(
    argv: Sequence[str], environment: Mapping[str, str] | None = None, *, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command, and return how it ended.

    Raises:
        TransientError: it ended badly, and that was to be checked.
    """
    done = _run(argv, environment)
    if check and done.returncode:
        raise TransientError(
            expected=f"`{' '.join([*argv[:2], *argv[-4:]])}` to succeed",
            seen=(done.stdout[-1000:] + done.stderr[-1000:]).strip(),
            where="containers",
            next_step="mend what it names",
        )
    return done


class Deployment:
    """A deployment whose secrets are in this process alone.

    Args:
        project: Its name; containers, volumes and network are called after it.
        variables: What its ``.env`` would have.
        more: Compose files that say what differs from the shipped deployment.
    """

    def __init__(self, project: str, variables: Mapping[str, str], more: Sequence[Path] = ()) -> None:
        self.project, self.files = project, [*SHIPPED, *more]
        self.variables = {**variables, "FLIGHTDECK_PROJECT": project}
        self._command = compose_command() or ["docker-compose"]

    def compose(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Compose on it, and return how that ended.

        Args:
            arguments: What Compose is asked for.
            check: Whether a bad end is an error.

        Raises:
            TransientError: it ended badly.
        """
        files = [part for path in self.files for part in ("--file", str(path))]
        start = [*self._command, "--project-directory", str(ROOT), "--env-file", os.devnull]
        return must([*start, *files, *arguments], {**bare_environment(), **self.variables}, check=check)

    def containers(self, *services: str) -> list[Container]:
        """Return the containers that are there, of all services or of some, also those that have ended."""
        ids = self.compose("ps", "--all", "--quiet", *services).stdout.split()
        return [_container(each) for each in (json.loads(must(["docker", "inspect", *ids]).stdout) if ids else [])]

    def airflow(self, user: str = "operator", *, patience: float = 1800, pause: float = 0.3) -> Airflow:
        """Return Airflow's API as one of the accounts; how it waits as in ``Airflow``."""
        return Airflow(
            self.page("AIRFLOW"), user, self.variables[cluster.PASSWORDS[user]], patience=patience, pause=pause
        )

    def page(self, service: str) -> str:
        """Return the address under which this machine reaches AIRFLOW, MLFLOW, S3 or SERVING."""
        return f"http://127.0.0.1:{self.variables[f'FLIGHTDECK_{service}_PORT']}"


def _container(facts: Mapping[str, Any]) -> Container:
    state = facts["State"]
    return Container(
        id=facts["Id"],
        name=facts["Name"].lstrip("/"),
        service=facts["Config"]["Labels"]["com.docker.compose.service"],
        pid=state["Pid"],
        started=state["StartedAt"],
        health=state.get("Health", {}).get("Status", ""),
        exit_code=state["ExitCode"],
    )


def _run(argv: Sequence[str], environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, env=environment, check=False, timeout=_SECONDS)
