"""A whole deployment in containers that may be broken: brought up, watched, hurt, and taken down with its volumes.

It has a project, ports and secrets of its own, so it never meets a deployment that somebody uses. What hurts it is what
machines do: a first process that is gone, a cable that is out, a disk that is full, a clock that is wrong.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from include.errors import PermanentError, TransientError
from include.platform import cluster
from include.platform.airflow_api import Airflow
from include.platform.bootstrap import ROOT
from include.platform.container import REPLAY_START, fresh_environment
from include.platform.state import private_file
from include.settings import settings

IMAGE = "FLIGHTDECK_IMAGE"
_PROJECT, _FIRST_PORT = "flightdeck-lab", 29400
_PORTS = {"AIRFLOW": 0, "MLFLOW": 1, "S3": 2, "SERVING": 15}
_HEALTHY_SECONDS, _DISK_MIB = 900, 1024
_FAKETIME = "/usr/lib/*/faketime"
_OVERRIDE = """\
# S3 keeps its data on a small disk. `late` is a worker on a machine whose clock is wrong.
services:
  s3:
    volumes: !override ["{disk}:/data"]
  late:
    extends: {{file: "{root}/docker-compose.yaml", service: worker}}
    profiles: [late]
    deploy: {{replicas: 1}}
    environment:
      LD_PRELOAD: /opt/faketime/libfaketimeMT.so.1
      FAKETIME: ${{LATE:-+0}}
      FAKETIME_DONT_FAKE_MONOTONIC: "1"
    volumes: ["{faketime}:/opt/faketime:ro"]
"""


class Container(NamedTuple):
    """A container as it runs just now."""

    id: str
    name: str
    service: str
    pid: int
    started: str
    health: str

    @property
    def host(self) -> str:
        """Return the name by which its own processes know the machine."""
        return self.id[:12]

    @property
    def well(self) -> bool:
        """Return whether it runs and its own check says that it is healthy."""
        return self.pid > 0 and self.health == "healthy"


def missing() -> str:
    """Return in a sentence what this machine lacks for a deployment that may be broken; nothing where it lacks none."""
    if shutil.which("docker") is None or _run(["docker", "info"]).returncode:
        return "no Docker engine answers here; start one, and let DOCKER_HOST name it"
    if _run(["docker", "compose", "version"]).returncode:
        return "`docker compose` is not here; install Compose"
    if os.geteuid():
        return "a container's first process and a disk are the administrator's to kill and to mount; run as root"
    if _faketime() is None:
        return "a clock cannot be set wrong here; install the package libfaketime"
    return ""


@dataclass
class Lab:
    """A deployment of the lab's own.

    Args:
        folder: Where its secrets, its override file and S3's small disk are.
        replay_start: The day on which its recordings go live.
        say: Where progress goes.
        project: The name of its Compose project.
        first_port: The first of the loopback ports that it publishes.
        beside: What else differs from the shipped deployment, as a Compose file; nothing where it is empty.
    """

    folder: Path
    replay_start: dt.date
    say: Callable[[str], None]
    project: str = os.environ.get("FLIGHTDECK_PROJECT") or _PROJECT
    first_port: int = int(os.environ.get("FLIGHTDECK_AIRFLOW_PORT") or _FIRST_PORT)
    beside: str = ""

    def __post_init__(self) -> None:
        self.ports = {name: self.first_port + more for name, more in _PORTS.items()}
        self.image = os.environ.get(IMAGE) or f"{self.project}:dev"
        self.secrets = {**fresh_environment(), REPLAY_START: self.replay_start.isoformat()}
        self.disk = self.folder / "disk"
        self._env, self._override = self.folder / ".env", self.folder / "override.yaml"
        self._beside = self.folder / "beside.yaml"

    def up(self) -> None:
        """Bring all services up and wait for them; the image is built unless the environment names one."""
        self.disk.mkdir(parents=True)
        _must(["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m,mode=1777", self.project, str(self.disk)])
        self.write()
        if IMAGE not in os.environ:
            self.say("· building the image …")
            self.compose("build", "--quiet", "setup")
        self.say("· starting a deployment of its own …")
        self.compose("up", "--detach", "--no-build")
        self.until_well()

    def write(self) -> None:
        """Write what Compose reads: the secrets, and what differs from the shipped deployment."""
        self._override.write_text(_OVERRIDE.format(root=ROOT, disk=self.disk, faketime=_faketime()))
        self._beside.write_text(self.beside)
        named = {f"FLIGHTDECK_{name}_PORT": str(port) for name, port in self.ports.items()}
        values = {**self.secrets, **named, "FLIGHTDECK_PROJECT": self.project, IMAGE: self.image}
        private_file(self._env, "".join(f"{name}={value}\n" for name, value in values.items()))

    def down(self) -> None:
        """Take everything down, volumes, networks and the small disk included."""
        self.compose("--profile", "late", "down", "--volumes", "--timeout", "5", check=False)
        _run(["umount", "--lazy", str(self.disk)])

    def enter(self) -> None:
        """Let this very process use the deployment's S3 and MLflow."""
        os.environ.update(
            {
                "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.ports['S3']}",
                "AWS_ACCESS_KEY_ID": self.secrets["FLIGHTDECK_S3_ACCESS_KEY"],
                "AWS_SECRET_ACCESS_KEY": self.secrets["FLIGHTDECK_S3_SECRET_KEY"],
                "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{self.ports['MLFLOW']}",
                # Else MLflow sends its clients to S3 by the name that S3 has among the containers.
                "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
                "FLIGHTDECK_JOURNAL_KEY": self.secrets["FLIGHTDECK_JOURNAL_KEY"],
                REPLAY_START: self.replay_start.isoformat(),
            }
        )
        settings.cache_clear()

    def airflow(self, user: str = "operator", *, patience: float = 1800, pause: float = 0.3) -> Airflow:
        """Return Airflow's API as one of the accounts; how it waits as in ``Airflow``."""
        url, password = f"http://127.0.0.1:{self.ports['AIRFLOW']}", self.secrets[cluster.PASSWORDS[user]]
        return Airflow(url, user, password, patience=patience, pause=pause)

    def containers(self, *services: str) -> list[Container]:
        """Return the containers that are there, of all services or of some."""
        ids = self.compose("ps", "--all", "--quiet", *services).split()
        found = [_container(each) for each in (json.loads(_must(["docker", "inspect", *ids])) if ids else [])]
        return [each for each in found if each.service != "setup"]

    def until_well(self, fresh: Mapping[str, str] | None = None, *, seconds: float = _HEALTHY_SECONDS) -> None:
        """Wait until every container is healthy, by its own check.

        Args:
            fresh: When containers had been started, by their id: these must have been started again since.
            seconds: How long at most.

        Raises:
            TransientError: one is not healthy by then.
        """
        deadline = time.monotonic() + seconds
        while True:
            ill = [each for each in self.containers() if not each.well or (fresh or {}).get(each.id) == each.started]
            if not ill:
                return
            if time.monotonic() > deadline:
                raise TransientError(
                    expected=f"every container of {self.project} to be healthy within {seconds:.0f} s",
                    seen=", ".join(f"{each.name} {each.health or 'not running'}" for each in ill),
                    where=self.project,
                    next_step=f"read `docker logs {ill[0].name}`",
                )
            time.sleep(0.5)

    def kill(self, victims: Sequence[Container]) -> None:
        """Kill the first process of containers, as `kill -9` does; whatever else ran there dies with it."""
        for each in victims:
            os.kill(each.pid, signal.SIGKILL)

    def cut(self, victim: Container, seconds: float) -> None:
        """Take a container off the net, and put it back after a while under the names it had."""
        network = f"{self.project}_default"
        known = json.loads(_must(["docker", "inspect", victim.id]))[0]["NetworkSettings"]["Networks"][network]
        names = [part for name in known["Aliases"] if name != victim.host for part in ("--alias", name)]
        _must(["docker", "network", "disconnect", network, victim.id])
        time.sleep(seconds)
        _must(["docker", "network", "connect", *names, network, victim.id])

    def fill(self) -> None:
        """Fill the disk of S3 to the last byte."""
        with contextlib.suppress(OSError), (self.disk / "full").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(2**20))

    def free(self) -> None:
        """Make space on the disk of S3, and restart it, as the page for the on-call says."""
        (self.disk / "full").unlink()
        self.compose("restart", "s3")

    @contextlib.contextmanager
    def late(self, by: str) -> Iterator[Container]:
        """Give a worker whose clock is wrong, beside one whose clock is right."""
        self.workers(1)
        self.compose("--profile", "late", "up", "--detach", "--no-build", "--no-deps", "late", LATE=by)
        self.until_well()
        try:
            yield self.containers("late")[0]
        finally:
            self.compose("--profile", "late", "rm", "--stop", "--force", "late")
            self.workers(2)

    def workers(self, count: int) -> None:
        """Let so many workers run, and wait for them."""
        self.compose("up", "--detach", "--no-build", "--no-deps", "--scale", f"worker={count}", "worker")
        self.until_well()

    def upgrade(self) -> None:
        """Replace the image under every service, one after another, while the others go on."""
        self.image, before = f"{self.project}:next", self.image
        _must(["docker", "tag", before, self.image])
        private_file(self._env, self._env.read_text().replace(f"{IMAGE}={before}\n", f"{IMAGE}={self.image}\n"))
        for service in ("postgres", "valkey", "s3", "setup", "mlflow", "serving", *cluster.AIRFLOW):
            self.say(f"  upgrading {service} …")
            self.compose("up", "--detach", "--no-build", "--no-deps", service)
            if service == "setup":
                _must(["docker", "wait", *self.compose("ps", "--all", "--quiet", "setup").split()])
            self.until_well()

    def compose(self, *arguments: str, check: bool = True, **variables: str) -> str:
        """Run Compose on the deployment's files, and return what it printed."""
        shipped = (ROOT / "docker-compose.yaml", ROOT / "docker-compose.packages.yaml")
        files = (*shipped, self._override, *([self._beside] if self.beside else []))
        named = [part for path in files for part in ("--file", str(path))]
        start = ["docker", "compose", "--project-directory", str(ROOT), "--env-file", str(self._env), *named]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("FLIGHTDECK_", "COMPOSE_"))}
        return _must([*start, *arguments], {**kept, **variables}, check=check)


@contextlib.contextmanager
def deployment(*, before_days: int, say: Callable[[str], None], beside: str = "") -> Iterator[Lab]:
    """Give a healthy deployment whose S3 and MLflow this process uses, and take it down afterwards.

    Args:
        before_days: How many days ago its recordings went live.
        say: Where progress goes.
        beside: What else differs from the shipped deployment, as a Compose file.

    Raises:
        PermanentError: this machine lacks what it needs.
    """
    if lacks := missing():
        raise PermanentError(
            expected="a machine on which a deployment may be broken", seen=lacks, where="lab", next_step="see above"
        )
    with tempfile.TemporaryDirectory(prefix="flightdeck-lab-", ignore_cleanup_errors=True) as folder:
        lab = Lab(Path(folder), dt.datetime.now(dt.UTC).date() - dt.timedelta(days=before_days), say, beside=beside)
        try:
            lab.up()
            lab.enter()
            yield lab
        finally:
            lab.down()


def _container(facts: dict[str, Any]) -> Container:
    state = facts["State"]
    return Container(
        id=facts["Id"],
        name=facts["Name"].lstrip("/"),
        service=facts["Config"]["Labels"]["com.docker.compose.service"],
        pid=state["Pid"],
        started=state["StartedAt"],
        health=state.get("Health", {}).get("Status", ""),
    )


def _faketime() -> Path | None:
    return next(Path("/").glob(_FAKETIME.lstrip("/")), None)


def _run(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


def _must(argv: Sequence[str], environment: Mapping[str, str] | None = None, *, check: bool = True) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, check=False)
    if check and done.returncode:
        raise TransientError(
            expected=f"`{' '.join([*argv[:2], *argv[-4:]])}` to succeed",
            seen=done.stderr.strip()[-500:],
            where="lab",
            next_step="mend what it names",
        )
    return done.stdout
