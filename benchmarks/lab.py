"""A whole deployment in containers that may be broken: brought up, watched, hurt, and taken down with its volumes.

It has a project, ports and secrets of its own, so it never meets a deployment that somebody uses. What hurts it is what
machines do: a first process that is gone, a cable that is out, a disk that is full, a clock that is wrong.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.compose import Container, Deployment, must, why_no_engine
from include.errors import PermanentError, TransientError
from include.platform import cluster
from include.platform.bootstrap import ROOT
from include.platform.container import REPLAY_START, fresh_environment
from include.settings import settings

IMAGE, RIGHT = "FLIGHTDECK_IMAGE", "+0"
_PROJECT, _FIRST_PORT = "flightdeck-lab", 29400
_PORTS = {"AIRFLOW": 0, "MLFLOW": 1, "S3": 2, "SERVING": 15}
_HEALTHY_SECONDS, _DISK_MIB = 900, 1024
_FAKETIME = "/usr/lib/*/faketime"
_OVERRIDE = """\
# S3 keeps its data on a small disk. `late` is a worker on a machine whose clock can be set wrong;
# its monotonic clock goes with it, for with that one left alone libfaketime lets no sleep end.
services:
  s3:
    volumes: !override ["{disk}:/data"]
  late:
    extends: {{file: "{root}/docker-compose.yaml", service: worker}}
    profiles: [late]
    deploy: {{replicas: 1}}
    environment:
      LD_PRELOAD: /opt/faketime/libfaketimeMT.so.1
      FAKETIME_TIMESTAMP_FILE: /opt/clock/by
      FAKETIME_CACHE_DURATION: "1"
    volumes: ["{faketime}:/opt/faketime:ro", "{clock}:/opt/clock:ro"]
"""


def missing() -> str:
    """Return in a sentence what this machine lacks for a deployment that may be broken; nothing where it lacks none."""
    if why := why_no_engine():
        return why
    if os.geteuid():
        return "a container's first process and a disk are the administrator's to kill and to mount; run as root"
    if _faketime() is None:
        return "a clock cannot be set wrong here; install the package libfaketime"
    return ""


class Lab(Deployment):
    """A deployment of the lab's own.

    Args:
        folder: Where its override files and S3's small disk are.
        replay_start: The day on which its recordings go live.
        say: Where progress goes.
        project: The name of its Compose project.
        first_port: The first of the loopback ports that it publishes.
        beside: What else differs from the shipped deployment, as a Compose file; nothing where it is empty.
        disk_mib: Size of the disk of S3, which is memory as far as it is full.
    """

    def __init__(
        self,
        folder: Path,
        replay_start: dt.date,
        say: Callable[[str], None],
        *,
        project: str = os.environ.get("FLIGHTDECK_PROJECT") or _PROJECT,
        first_port: int = int(os.environ.get("FLIGHTDECK_AIRFLOW_PORT") or _FIRST_PORT),
        beside: str = "",
        disk_mib: int = _DISK_MIB,
    ) -> None:
        self.replay_start, self.say, self.disk, self._clock = replay_start, say, folder / "disk", folder / "clock"
        self._clock.mkdir()
        self._disk_mib = disk_mib
        override = _OVERRIDE.format(root=ROOT, disk=self.disk, faketime=_faketime(), clock=self._clock)
        more = {folder / "override.yaml": override, **({folder / "beside.yaml": beside} if beside else {})}
        for path, text in more.items():
            path.write_text(text)
        ports = {f"FLIGHTDECK_{name}_PORT": str(first_port + place) for name, place in _PORTS.items()}
        days = {REPLAY_START: replay_start.isoformat(), IMAGE: os.environ.get(IMAGE) or f"{project}:dev"}
        super().__init__(project, {**fresh_environment(), **ports, **days}, list(more))

    def up(self) -> None:
        """Bring all services up and wait for them; the image is built unless the environment names one."""
        self.disk.mkdir(parents=True)
        must(["mount", "-t", "tmpfs", "-o", f"size={self._disk_mib}m,mode=1777", self.project, str(self.disk)])
        if IMAGE not in os.environ:
            self.say("· building the image …")
            self.compose("build", "--quiet", "setup")
        self.say("· starting a deployment of its own …")
        self.compose("up", "--detach", "--no-build")
        self.until_well()

    def down(self) -> None:
        """Take everything down, volumes, networks and the small disk included."""
        self.compose("--profile", "late", "down", "--volumes", "--timeout", "5", check=False)
        must(["umount", "--lazy", str(self.disk)], check=False)

    def enter(self) -> None:
        """Let this very process use the deployment's S3 and MLflow."""
        os.environ.update(
            {
                "AWS_ENDPOINT_URL_S3": self.page("S3"),
                "AWS_ACCESS_KEY_ID": self.variables["FLIGHTDECK_S3_ACCESS_KEY"],
                "AWS_SECRET_ACCESS_KEY": self.variables["FLIGHTDECK_S3_SECRET_KEY"],
                "MLFLOW_TRACKING_URI": self.page("MLFLOW"),
                # Else MLflow sends its clients to S3 by the name that S3 has among the containers.
                "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "false",
                "FLIGHTDECK_JOURNAL_KEY": self.variables["FLIGHTDECK_JOURNAL_KEY"],
                REPLAY_START: self.replay_start.isoformat(),
            }
        )
        settings.cache_clear()

    def until_well(
        self, fresh: Mapping[str, str] | None = None, *, of: Sequence[str] = (), seconds: float = _HEALTHY_SECONDS
    ) -> None:
        """Wait until containers are healthy, each by its own check.

        Args:
            fresh: When containers had been started, by their id: these must have been started again since.
            of: The services in question; all of them where none is named.
            seconds: How long at most.

        Raises:
            TransientError: one is not healthy by then.
        """
        deadline = time.monotonic() + seconds
        while True:
            running = [each for each in self.containers(*of) if each.service != "setup"]
            ill = [each for each in running if not each.well or (fresh or {}).get(each.id) == each.started]
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
        known = json.loads(must(["docker", "inspect", victim.id]).stdout)[0]["NetworkSettings"]["Networks"][network]
        names = [part for name in known["Aliases"] if name != victim.host for part in ("--alias", name)]
        must(["docker", "network", "disconnect", network, victim.id])
        time.sleep(seconds)
        must(["docker", "network", "connect", *names, network, victim.id])

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
    def one_worker(self) -> Iterator[Container]:
        """Give the only worker, on a machine whose clock can be set."""
        self.set_clock(RIGHT)
        self.compose("--profile", "late", "up", "--detach", "--no-build", "--no-deps", "late")
        self.until_well(of=["late"])
        self.workers(0)
        try:
            yield self.containers("late")[0]
        finally:
            self.compose("--profile", "late", "rm", "--stop", "--force", "late")
            self.workers(2)

    def set_clock(self, by: str) -> None:
        """Set the clock of the machine on which that worker is, against the right one."""
        fresh = self._clock / "new"
        fresh.write_text(f"{by}\n")
        fresh.rename(self._clock / "by")

    def said(self, container: Container) -> str:
        """Return what a container has written into its log."""
        logs = must(["docker", "logs", container.id])
        return logs.stdout + logs.stderr

    def workers(self, count: int) -> None:
        """Let so many workers run, and wait for them."""
        self.compose("up", "--detach", "--no-build", "--no-deps", "--scale", f"worker={count}", "worker")
        self.until_well(of=[cluster.WORKER])

    def upgrade(self) -> None:
        """Replace the image under every service, one after another, while the others go on."""
        before, self.variables[IMAGE] = self.variables[IMAGE], f"{self.project}:next"
        must(["docker", "tag", before, self.variables[IMAGE]])
        for service in ("postgres", "valkey", "s3", "setup", "mlflow", "serving", *cluster.AIRFLOW):
            self.say(f"  upgrading {service} …")
            self.compose("up", "--detach", "--no-build", "--no-deps", service)
            if service == "setup":
                must(["docker", "wait", *(each.id for each in self.containers("setup"))])
            self.until_well()


@contextlib.contextmanager
def deployment(
    *, before_days: int, say: Callable[[str], None], beside: str = "", disk_mib: int = _DISK_MIB
) -> Iterator[Lab]:
    """Give a healthy deployment whose S3 and MLflow this process uses, and take it down afterwards.

    Args:
        before_days: How many days ago its recordings went live.
        say: Where progress goes.
        beside: What else differs from the shipped deployment, as a Compose file.
        disk_mib: Size of the disk of S3.

    Raises:
        PermanentError: this machine lacks what it needs.
    """
    if lacks := missing():
        raise PermanentError(
            expected="a machine on which a deployment may be broken", seen=lacks, where="lab", next_step="see above"
        )
    with tempfile.TemporaryDirectory(prefix="flightdeck-lab-", ignore_cleanup_errors=True) as folder:
        live_since = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=before_days)
        lab = Lab(Path(folder), live_since, say, beside=beside, disk_mib=disk_mib)
        try:
            lab.up()
            lab.enter()
            yield lab
        finally:
            lab.down()


def _faketime() -> Path | None:
    return next(Path("/").glob(_FAKETIME.lstrip("/")), None)
