"""A scoring service's home for tests: real models of made-up clients, a view as the supervisor writes it, and workers."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from include.models.folders import digest_of_folder
from include.platform.stores import free_ports
from include.records import ModelRef, ServingFacts
from include.serving.cache import model_folder
from include.serving.keys import hashed
from include.serving.segments import read_segment, writers
from include.serving.view import AccessKey, View, ViewOfKey, ViewOfUseCase
from include.use_cases.credit_risk import SPEC

ROOT = Path(__file__).parents[1]
KEY = "fd_abc123_a-secret_of-the_holder"
OTHERS_KEY = "fd_def456_another-secret"
NOW = dt.datetime(2026, 5, 3, 12, tzinfo=dt.UTC)
BAND = (0.2, 0.4)
CASE = {
    "ID": 7, "EDUCATION": 2, "LIMIT_BAL": 50_000.0,
    **dict.fromkeys(("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"), 0),
    **{f"BILL_AMT{month}": 1000.0 * month for month in range(1, 7)},
    **{f"PAY_AMT{month}": 500.0 for month in range(1, 7)},
}  # fmt: skip


@cache
def packed(seed: int) -> tuple[bytes, str]:
    """Return a boosted model of made-up clients as ONNX, and the facts beside it."""
    from include.models.fitting import fit_calibrated
    from include.models.onnx import convert

    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(
        {
            column.name: rng.integers(*_range(column), size=600).astype(float)
            for column in SPEC.contract.columns
            if column.name in SPEC.model_columns
        }
    )
    rows["default"] = (rng.random(600) < np.where(rows["PAY_0"] > 0, 0.7, 0.15)).astype(int)
    model, _ = fit_calibrated(SPEC, "boosting", {"max_iter": 20, "max_leaf_nodes": 8}, rows, seed)
    facts = ServingFacts(
        use_case=SPEC.name, columns=tuple(SPEC.model_columns), threshold=0.3, review_band=BAND,
        typical=model.typical, bounds={},
    )  # fmt: skip
    return convert(model), facts.model_dump_json()


def _range(column):
    if column.allowed:
        return min(column.allowed), max(column.allowed) + 1
    return max(column.minimum, 0 if column.maximum > 100 else -2), min(column.maximum, 100_000) + 1


class Home:
    """One service's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.access = (access("abc123", KEY, (SPEC.name,)), access("def456", OTHERS_KEY, ("load_forecast",)))

    def model(self, version: int, *, seed: int | None = None, bytes_of=lambda body: body) -> ModelRef:
        """Put a model into the cache, and return the reference that the journal would have."""
        body, facts = packed(version if seed is None else seed)
        half = self.path / f".half{version}"
        half.mkdir()
        (half / "model.onnx").write_bytes(bytes_of(body))
        (half / "serving.json").write_text(facts)
        (half / "version").write_text(str(version))  # two versions of one seed have two digests
        digest = digest_of_folder(half)
        shutil.rmtree(model_folder(self.path, digest), ignore_errors=True)
        model_folder(self.path, digest).parent.mkdir(exist_ok=True)
        half.rename(model_folder(self.path, digest))
        return ModelRef(name="t.credit_risk.default", version=version, run_id="r", digest=digest)

    def view(self, sequence: int = 1, *, confirmed_at: dt.datetime | None = NOW, problem: str = "", **said) -> View:
        """Write what is live for credit risk, as the supervisor does."""
        key = ViewOfKey(**{"sequence": sequence, "decides": None, **said})
        use_case = ViewOfUseCase(sequence=sequence, keys={"default": key}, problem=problem)
        view = View(written_at=NOW, confirmed_at=confirmed_at, use_cases={SPEC.name: use_case}, access=self.access)
        view.write(self.path)
        return view

    def logged(self) -> list[dict]:
        """Return all records of all writers, in the order of each."""
        found = []
        for folder in writers(self.path):
            for path in sorted(each for each in folder.iterdir() if each.suffix in (".log", ".closed")):
                found += [json.loads(record) for _, record in read_segment(path)]
        return found


def access(name: str, key: str, scopes: tuple[str, ...], **others) -> AccessKey:
    """Return a key as the view has it."""
    return AccessKey(**{"id": name, "sha256": hashed(key), "scopes": scopes, "rate": 1e6, "burst": 10**6, **others})


@contextlib.contextmanager
def workers(home: Home, count: int = 1, *options: str, use_cases: tuple[str, ...] = (SPEC.name,)):
    """Start worker processes on one port, and yield the port and them; they are ended afterwards."""
    (port,) = free_ports(1)
    log = home.path / "workers.log"
    argv = [
        sys.executable, "-m", "include.serving.worker", str(home.path), *use_cases, "--port", str(port),
        "--workers", str(count), *options,
    ]  # fmt: skip
    with log.open("ab") as output:
        started = [subprocess.Popen(argv, cwd=ROOT, stdout=output, stderr=output) for _ in range(count)]
    try:
        until(lambda: alive(port) == {each.pid for each in started}, log)
        yield port, started
    finally:
        for each in started:
            with contextlib.suppress(ProcessLookupError):
                each.send_signal(signal.SIGKILL)
            each.wait()


def alive(port: int) -> set[int]:
    """Return the ids of the workers that answered one of some new connections."""
    found = set()
    for _ in range(8):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live") as answer:
            found.add(json.load(answer)["process"])
    return found


def until(condition, log: Path | None = None, *, seconds: float = 20):
    """Wait until a condition gives something, and return that."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s; {log.read_text()[-3000:] if log else ''}"
        time.sleep(0.02)
    return found


def environment() -> dict[str, str]:
    """Return the environment of a process that knows no service."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLFLOW_"))}
