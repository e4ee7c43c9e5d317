"""How long the off switch takes: from the journal's entry to the last worker that answers by the fall-back."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from pathlib import Path

from benchmarks.harness import Goal, Measure, Say
from include.deployment import controls
from include.deployment.controls import Asked
from include.naming import DEFAULT_KEY
from include.platform.stores import Program, free_ports, mlflow_program, s3_program
from include.settings import settings
from include.use_cases.credit_risk import SPEC

_ROOT = Path(__file__).parents[1]
_TIMES, _LIMIT = 20, 5.0
_CORES = len(os.sched_getaffinity(0))


def switch_off(say: Say) -> Measure:
    """Return the longest of twenty times; real stores, a supervisor and its workers."""
    with tempfile.TemporaryDirectory(prefix="flightdeck-bench-") as folder, _stores(Path(folder)):
        from include.serving import keys

        say("· switching off and on, twenty times …")
        plain, _ = keys.create([SPEC.name], rate=10_000, burst=10_000, who="benchmark", at=_now())
        controls.switch(SPEC, [DEFAULT_KEY], on=False, asked=_asked())
        with _service(Path(folder) / "serving") as port:
            taken = []
            for _ in range(_TIMES):
                controls.switch(SPEC, [DEFAULT_KEY], on=True, asked=_asked())
                _until_all(port, plain, "no champion yet")
                began = time.monotonic()
                controls.switch(SPEC, [DEFAULT_KEY], on=False, asked=_asked())
                _until_all(port, plain, "switched off")
                taken.append(time.monotonic() - began)
    return Measure(
        name=f"off switch, the longest of {_TIMES}", value=max(taken), unit="s",
        goal=Goal(kind="at most", limit=_LIMIT),
        how=f"from the call that appends to the journal until every worker answers by the fall-back with the reason; "
        f"S3, MLflow, a supervisor and {_CORES} workers; on average {sum(taken) / len(taken):.1f} s",
    )  # fmt: skip


def _until_all(port: int, key: str, reason: str) -> None:
    """Wait until many answers over new connections, one after another, all give a reason: then every worker does."""
    deadline, same = time.monotonic() + 60, 0
    while same < 8 * _CORES:
        same = same + 1 if reason in _reason(port, key) else 0
        assert time.monotonic() < deadline, f"'{reason}' is not answered"


def _reason(port: int, key: str) -> str:
    case = {
        column.name: max(0, int(column.minimum or 0))
        for column in SPEC.contract.columns
        if column.name in (SPEC.contract.key, *SPEC.model_columns)
    }
    asked = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/{SPEC.name}/predict", json.dumps(case).encode(), {"Authorization": f"Bearer {key}"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:  # noqa: S310
            return " ".join(json.load(answer)["reasons"])
    except OSError:
        time.sleep(0.05)
        return ""


def _asked() -> Asked:
    return Asked(who="benchmark", why="a benchmark", request_id=uuid.uuid4().hex, at=_now())


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@contextlib.contextmanager
def _service(home: Path) -> Iterator[int]:
    (port,) = free_ports(1)
    argv = [sys.executable, "-m", "include.serving.main", "--home", str(home), "--port", str(port)]
    with _running(Program("service", argv, {"FLIGHTDECK_SERVES": SPEC.name, "PYTHONPATH": str(_ROOT)})):
        _until_answered(f"http://127.0.0.1:{port}/health/ready")
        yield port


@contextlib.contextmanager
def _stores(folder: Path) -> Iterator[None]:
    """Start S3 and MLflow, and enter their addresses; the harness takes them back."""
    secret = uuid.uuid4().hex
    s3_folder, mlflow_folder = folder / "s3", folder / "mlflow"
    s3_folder.mkdir()
    mlflow_folder.mkdir()
    ports = free_ports(11)
    url, mlflow_url = f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[10]}"
    access = {"access_key": "bench", "secret_key": secret}
    os.environ.update(
        {
            "AWS_ENDPOINT_URL_S3": url, "AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": secret,
            "MLFLOW_TRACKING_URI": mlflow_url, "FLIGHTDECK_JOURNAL_KEY": uuid.uuid4().hex,
        }
    )  # fmt: skip
    settings.cache_clear()
    s3 = s3_program(s3_folder, ports=ports[:10], buckets=["flightdeck", "mlflow"], **access)
    mlflow = mlflow_program(
        port=ports[10], database=f"sqlite:///{mlflow_folder / 'mlflow.db'}", s3_url=url, bucket="mlflow", **access
    )
    with _running(s3), _running(mlflow):
        _until_answered(f"{url}/healthz")
        _until_answered(f"{mlflow_url}/health")
        time.sleep(3)  # S3 is healthy a moment before it has made its buckets
        yield


@contextlib.contextmanager
def _running(program: Program) -> Iterator[None]:
    process = subprocess.Popen(
        program.argv, env={**os.environ, **program.env}, cwd=_ROOT, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _until_answered(url: str) -> None:
    deadline = time.monotonic() + 90
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
            if answer.status == 200:
                return
        assert time.monotonic() < deadline, f"no answer of {url}"
        time.sleep(0.1)
