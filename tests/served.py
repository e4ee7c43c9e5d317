"""A scoring service's home for tests: real models of made-up clients, a view as its supervisor writes it, workers."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from include.models.folders import digest_of_folder
from include.platform.stores import free_ports
from include.recommending import packing
from include.recommending.recommender import HIDDEN, Recommender
from include.records import ModelRef, ServingFacts
from include.serving import forecasts
from include.serving.cache import model_folder
from include.serving.forecasts import Hour, Issue, Series
from include.serving.keys import hashed
from include.serving.segments import read_segment, writers
from include.serving.view import AccessKey, View, ViewOfKey, ViewOfUseCase
from include.use_cases.credit_risk import SPEC
from tests.asking import until

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


def recommender(seed: int, market: str, users) -> Recommender:
    """Return a recommender of made-up scores over the products 100 to 139; each user has bought the first three."""
    rng, users, items = np.random.default_rng(seed), np.array(users), np.arange(100, 140)
    shape = (len(users), len(items))
    discover = rng.random(shape).astype(np.float32)
    discover[:, :3] = HIDDEN
    return Recommender(
        market, dt.date(2017, 11, 1), {}, tuple(f"product {item}" for item in items), users, items,
        rebuy=rng.random(shape).astype(np.float32), discover=discover, spread=np.ones(len(users), np.float32),
        weights=rng.random((len(items), len(items))).astype(np.float32),
        popularity=np.linspace(0.9, 0.1, len(items)).astype(np.float32),
        starts=np.arange(len(users) + 1) * 3, bought=np.tile(np.arange(3), len(users)).astype(np.int32),
        visits=np.full(3 * len(users), 2, np.float32), last=np.full(3 * len(users), 5, np.float32),
    )  # fmt: skip


class Home:
    """One service's folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.access = (access("abc123", KEY, (SPEC.name,)), access("def456", OTHERS_KEY, ("load_forecast",)))

    def model(self, version: int, *, seed: int | None = None, bytes_of=lambda body: body) -> ModelRef:
        """Put a model into the cache, and return the reference that the journal would have."""
        body, facts = packed(version if seed is None else seed)
        half = self._half(version)
        (half / "model.onnx").write_bytes(bytes_of(body))
        (half / "serving.json").write_text(facts)
        return self._put(half, version, "t.credit_risk.default")

    def recommender(self, version: int, market: str, *, users=range(1, 21)) -> ModelRef:
        """Put a recommender of made-up scores into the cache, and return its reference."""
        half = self._half(version)
        packing.save(recommender(version, market, users), half)
        return self._put(half, version, f"t.recommender.{market}")

    def _half(self, version: int) -> Path:
        half = self.path / f".half{version}"
        half.mkdir()
        (half / "version").write_text(str(version))  # two versions of one seed have two digests
        return half

    def _put(self, half: Path, version: int, name: str) -> ModelRef:
        digest = digest_of_folder(half)
        shutil.rmtree(model_folder(self.path, digest), ignore_errors=True)
        model_folder(self.path, digest).parent.mkdir(exist_ok=True)
        half.rename(model_folder(self.path, digest))
        return ModelRef(name=name, version=version, run_id="r", digest=digest)

    def view(self, sequence: int = 1, *, confirmed_at: dt.datetime | None = NOW, problem: str = "", **said) -> View:
        """Write what is live for credit risk, as the supervisor does."""
        key = ViewOfKey(**{"sequence": sequence, "decides": None, **said})
        use_case = ViewOfUseCase(sequence=sequence, keys={"default": key}, problem=problem)
        view = View(written_at=NOW, confirmed_at=confirmed_at, use_cases={SPEC.name: use_case}, access=self.access)
        view.write(self.path)
        return view

    def recommends(self, sequence: int = 1, today: dt.date | None = None, **keys: ViewOfKey) -> View:
        """Write what is live for the recommender, by market."""
        use_case = ViewOfUseCase(sequence=sequence, keys=keys, today=today)
        view = View(written_at=NOW, confirmed_at=NOW, use_cases={"recommender": use_case}, access=self.access)
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


def issued(home: Path, spec, as_of: dt.date, *, fallback: str = "") -> Issue:
    """Write an issue of made-up hours into a home, and return it."""
    days = {}
    for ahead in range(1, spec.horizon_days + 1):
        day = as_of + dt.timedelta(days=ahead)
        start = dt.datetime.combine(day, dt.time(), dt.UTC)
        days[day] = tuple(
            Hour(time=start + dt.timedelta(hours=hour), load_kw=1000.0 + hour, bands={"q10": 900.0, "q90": None})
            for hour in range(24)
        )
    series = Series(family="ridge", model_version=5, fallback=fallback, filled_hours=2, days=days)
    issue = Issue(
        use_case=spec.name, as_of=as_of, issued_at=spec.origin(as_of), sequence=31, table_version=4,
        series=dict.fromkeys(spec.keys, series),
    )  # fmt: skip
    forecasts.write(home, issue)
    return issue


def alive(port: int) -> set[int]:
    """Return the ids of the workers that answered one of some new connections."""
    found = set()
    for _ in range(8):
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live") as answer:
            found.add(json.load(answer)["process"])
    return found


def environment() -> dict[str, str]:
    """Return the environment of a process that knows no service."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MLFLOW_"))}
