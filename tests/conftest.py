"""Real services for the tests: an S3 server and an MLflow server a session, on free ports, gone afterwards."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

from include.data.objects import ObjectStore
from include.errors import PermanentError
from include.platform.stores import Program, free_ports, mlflow_program, s3_program
from include.settings import Settings, settings

pytest_plugins = ["tests.platform_fixtures"]

REPLAY_START = dt.date(2026, 5, 1)
SHARED = ("e2e", "browser", "cluster")  # folders whose tests share one platform, in the order in which they run
_OF_MODELS = {"models", "recommend_ops", "forecast_ops", "monitor_ops"}
_LONGEST_FIRST = {"platform": 0, "services": 1, "services of models": 2}
# Set where the environment names services that another test session has started, for this one to share.
SHARED_SERVICES = "FLIGHTDECK_TEST_SHARED_SERVICES"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave for the end what shares a platform; a browser's driver holds the thread's event loop once it runs.

    Where the work is shared out, the order is that in which processes take it, so what lasts longest comes first.
    """
    items.sort(key=lambda item: max((SHARED.index(part) + 1 for part in item.path.parts if part in SHARED), default=0))
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _LONGEST_FIRST.get(group(item.nodeid), len(_LONGEST_FIRST)))


def group(nodeid: str) -> str:
    """Return what a test shares: the platform and its ports, a set of services, or nothing but its file."""
    file = nodeid.split("::", 1)[0]
    parts = file.split("/")
    if set(parts) & set(SHARED):
        return "platform"
    if "services" not in parts:
        return file
    return "services of models" if parts[parts.index("services") + 1] in _OF_MODELS else "services"


class ByWhatTheyShare(LoadScopeScheduling):
    """What shares a platform or services runs in one process; that of the platform then ends, the others go on."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)

    def _reschedule(self, node: WorkerController) -> None:
        if "platform" in self.assigned_work.get(node, {}) and not node.shutting_down:
            node.shutdown()
        else:
            super()._reschedule(node)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByWhatTheyShare:
    """Share the work out as above wherever it is shared."""
    return ByWhatTheyShare(config, log)


@contextlib.contextmanager
def running(program: Program, health: str, log: Path, *, seconds: float = 90) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program, wait until its health URL answers, and end its whole process group afterwards."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            program.argv, env={**os.environ, **program.env}, stdout=output, stderr=output, start_new_session=True
        )
    try:
        deadline = time.monotonic() + seconds
        while not answers(health):
            assert process.poll() is None, f"{program.name} ended: {log.read_text()[-2000:]}"
            assert time.monotonic() < deadline, f"{program.name} not healthy: {log.read_text()[-2000:]}"
            time.sleep(0.1)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(url: str) -> bool:
    """Return whether a URL answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            return response.status == 200
    except OSError:
        return False


@contextlib.contextmanager
def s3_server(folder: Path, log: Path, ports: list[int]) -> Iterator[str]:
    """Start an S3 server over a folder, and yield its URL when it has made its buckets."""
    program = s3_program(
        folder, ports=ports, access_key="test", secret_key="test-secret", buckets=["flightdeck", "mlflow"]
    )
    url = f"http://127.0.0.1:{ports[0]}"
    with pytest.MonkeyPatch.context() as patch, running(program, f"{url}/healthz", log):
        patch.setenv("AWS_ENDPOINT_URL_S3", url)
        settings.cache_clear()
        wait_for_bucket()
        yield url
    settings.cache_clear()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a real S3 server, and set the environment that points to it."""
    if os.environ.get(SHARED_SERVICES):
        yield os.environ["AWS_ENDPOINT_URL_S3"]
        return
    folder = tmp_path_factory.mktemp("s3")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
        patch.setenv("AWS_REGION", "us-east-1")
        patch.setenv("FLIGHTDECK_JOURNAL_KEY", "a-key-that-is-not-the-store's")
        patch.setenv("FLIGHTDECK_REPLAY_START", REPLAY_START.isoformat())
        patch.setenv(
            "FLIGHTDECK_CACHE_DIR", os.environ.get("FLIGHTDECK_CACHE_DIR", str(Path.cwd() / ".flightdeck/cache"))
        )
        patch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
        with s3_server(folder, folder / "log", free_ports(10)) as url:
            yield url


def wait_for_bucket(*, seconds: float = 30) -> None:
    """Wait until the buckets exist: the server is healthy a moment before it has made them."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            ObjectStore().list_from("none/")
            return
        except PermanentError:
            assert time.monotonic() < deadline, "S3 is healthy, but has not made its buckets"
            time.sleep(0.05)


@pytest.fixture(scope="session")
def mlflow_url(s3: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the URL of a real MLflow server whose artifacts are on the S3 server."""
    if os.environ.get(SHARED_SERVICES):
        yield os.environ["MLFLOW_TRACKING_URI"]
        return
    folder, (port,) = tmp_path_factory.mktemp("mlflow"), free_ports(1)
    program = mlflow_program(
        port=port,
        database=f"sqlite:///{folder / 'mlflow.db'}",
        s3_url=s3,
        access_key="test",
        secret_key="test-secret",
        bucket="mlflow",
    )
    url = f"http://127.0.0.1:{port}"
    with pytest.MonkeyPatch.context() as patch, running(program, f"{url}/health", folder / "log"):
        patch.setenv("MLFLOW_TRACKING_URI", url)
        settings.cache_clear()
        yield url
    settings.cache_clear()


@pytest.fixture
def tenant(s3: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Give the test a tenant of its own, so that tables and journals of two tests never meet."""
    name = f"t{abs(hash(request.node.nodeid)) % 10**10}"
    monkeypatch.setenv("FLIGHTDECK_TENANT", name)
    settings.cache_clear()
    return name


@pytest.fixture
def stack(tenant: str, mlflow_url: str) -> Settings:
    """Give the test both services and a tenant of its own."""
    settings.cache_clear()
    return settings()
