"""What the serving benchmark serves: real models of the recorded data, a view, workers; and what they stand beside."""

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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.load import get, post
from include.models.folders import digest_of_folder
from include.naming import DEFAULT_KEY
from include.platform.stores import free_ports
from include.records import ModelRef, ServingFacts
from include.serving.cache import model_folder
from include.serving.keys import hashed
from include.serving.scorers import FACTS, ONNX
from include.serving.view import AccessKey, View, ViewOfKey, ViewOfUseCase
from include.use_cases.credit_risk import SPEC as CREDIT
from include.use_cases.recommender import SPEC as SHOP

KEY = "fd_bench_a-key-of-the-benchmark"
_ROOT = Path(__file__).parents[1]
_FAMILY, _PARAMS = "boosting", {"max_leaf_nodes": 16, "l2_regularization": 1.0}
_EMPTY = "benchmarks.empty_route"


class Served:
    """A service's home with a credit model in two versions and a recommender, and the requests to ask them with."""

    def __init__(self, home: Path) -> None:
        self.home = home
        clients, self.model = _credit()
        self.credit = [self._put(version, "default", lambda folder: _pack(self.model, folder)) for version in (1, 2)]
        users, packed = _shop()
        self.shop = self._put(1, SHOP.markets[0], packed)
        self.cases = clients
        self.decide = [post(f"/v1/{CREDIT.name}/predict", json.dumps(case), KEY) for case in clients]
        self.list = [get(f"/v1/{SHOP.name}/recommendations/{user}?market={SHOP.markets[0]}", KEY) for user in users]
        self.say(1, 1)

    def say(self, version: int, sequence: int) -> None:
        """Write what is live: a version of the credit model by a sequence, and the recommender."""
        now = dt.datetime.now(dt.UTC)
        credit = ViewOfKey(sequence=sequence, decides=self.credit[version - 1])
        shop = ViewOfKey(sequence=1, decides=self.shop)
        use_cases = {
            CREDIT.name: ViewOfUseCase(sequence=sequence, keys={DEFAULT_KEY: credit}),
            SHOP.name: ViewOfUseCase(sequence=1, keys={SHOP.markets[0]: shop}),
        }
        key = AccessKey(id="bench", sha256=hashed(KEY), scopes=(CREDIT.name, SHOP.name), rate=1e9, burst=10**9)
        View(written_at=now, confirmed_at=now, use_cases=use_cases, access=(key,)).write(self.home)

    def _put(self, version: int, key: str, pack: Any) -> ModelRef:
        half = self.home / "half"
        pack(half)
        (half / "version").write_text(str(version))
        digest = digest_of_folder(half)
        model_folder(self.home, digest).parent.mkdir(parents=True, exist_ok=True)
        half.rename(model_folder(self.home, digest))
        return ModelRef(name=key, version=version, run_id="benchmark", digest=digest)


def _credit() -> tuple[list[dict[str, Any]], Any]:
    """Return some clients as requests, and a boosted model that has learned from the others as a training does it."""
    from include.data.replay import credit_clients
    from include.models.fitting import fit_calibrated

    clients = credit_clients()
    model, _ = fit_calibrated(CREDIT, _FAMILY, _PARAMS, clients.head(20_000), CREDIT.seed)
    columns = [CREDIT.contract.key, *CREDIT.model_columns]
    rows = clients.tail(500)[columns].to_dict("records")
    whole = {name for name in columns if CREDIT.contract.column(name).dtype == "integer"}
    cases = [{name: int(value) if name in whole else float(value) for name, value in row.items()} for row in rows]
    return cases, model


def _pack(model: Any, folder: Path) -> None:
    from include.models.onnx import convert

    facts = ServingFacts(
        use_case=CREDIT.name, columns=tuple(CREDIT.model_columns), threshold=0.3, review_band=(0.25, 0.35),
        typical=model.typical, bounds={},
    )  # fmt: skip
    folder.mkdir()
    (folder / ONNX).write_bytes(convert(model))
    (folder / FACTS).write_text(facts.model_dump_json())


def _shop() -> tuple[list[int], Any]:
    """Return households of one market, and what packs a recommender that has learned from its purchases."""
    from include.data import journey
    from include.recommending import packing
    from include.recommending.ease import ease
    from include.recommending.events import clean
    from include.recommending.interactions import interactions
    from include.recommending.preparation import ColdStart, catalogue, markets, warm

    products = journey.products()
    events = clean(journey.events(), products).events
    market = markets(events, SHOP.store_bounds, SHOP.markets)
    mine = events.loc[events["household"].isin(market.index[market == SHOP.markets[0]])]
    x = interactions(mine, products, dt.date(2017, 11, 1), warm(mine, ColdStart()))
    model = ease(x, types=0, departments=0)
    scores = model.scores()
    made = packing.pack(
        x, market=SHOP.markets[0], names=catalogue(products, x.items)["type"], rebuy=scores, discover=scores,
        weights=model.weights,
    )  # fmt: skip
    return [int(user) for user in x.users[:500]], lambda folder: packing.save(made, folder)


@contextlib.contextmanager
def ours(home: Path, count: int) -> Iterator[int]:
    """Start workers, and yield their port."""
    argv = ["include.serving.worker", str(home), CREDIT.name, SHOP.name, "--workers", str(count)]
    with _listening(argv, count, "/health/ready") as port:
        yield port


@contextlib.contextmanager
def empty_route(count: int) -> Iterator[int]:
    """Start as many processes of the same server with one route that does nothing, and yield their port."""
    with _listening([_EMPTY], count, "/") as port:
        yield port


@contextlib.contextmanager
def of_mlflow(model: Any, folder: Path, count: int | None = None) -> Iterator[int]:
    """Start `mlflow models serve` with the same model, and yield its port.

    Args:
        model: The model.
        folder: Where it is saved for MLflow.
        count: Processes, of one thread each; none: as it comes.
    """
    import mlflow.sklearn

    from include.models.artifact import TRUSTED

    shutil.rmtree(folder, ignore_errors=True)
    mlflow.sklearn.save_model(model, str(folder), serialization_format="skops", skops_trusted_types=TRUSTED)
    (port,) = free_ports(1)
    argv = ["mlflow", "models", "serve", "-m", str(folder), "--env-manager", "local", "--port", str(port)]
    tuned = [] if count is None else ["--workers", str(count)]
    with _running([[*argv, *tuned]], port, "/ping", one_thread=count is not None):
        yield port


def invocation(case: dict[str, Any]) -> str:
    """Return a case as a request to MLflow's own server."""
    columns = CREDIT.model_columns
    split = {"columns": columns, "data": [[float(case[name]) for name in columns]]}
    return post("/invocations", json.dumps({"dataframe_split": split}))


@contextlib.contextmanager
def _listening(argv: list[str], count: int, health: str) -> Iterator[int]:
    (port,) = free_ports(1)
    with _running([["-m", *argv, "--port", str(port)]] * count, port, health):
        yield port


@contextlib.contextmanager
def _running(commands: list[list[str]], port: int, health: str, *, one_thread: bool = True) -> Iterator[None]:
    """Start programs of this environment, each in a session of its own, until one answers; end them afterwards."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"  # MLflow starts programs by their bare names
    env = {**os.environ, "PYTHONPATH": str(_ROOT), "PATH": path}
    env.pop("OMP_NUM_THREADS", None)
    env |= {"OMP_NUM_THREADS": "1"} if one_thread else {}
    started = [
        subprocess.Popen(
            [sys.executable, *(argv if argv[0] == "-m" else ["-m", *argv])], cwd=_ROOT, env=env,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )
        for argv in commands
    ]  # fmt: skip
    try:
        deadline = time.monotonic() + 90
        while not _answers(f"http://127.0.0.1:{port}{health}"):
            assert all(each.poll() is None for each in started), f"{commands[0]} has ended"
            assert time.monotonic() < deadline, f"{commands[0]} gives no answer"
            time.sleep(0.1)
        time.sleep(1.0)  # the others of them
        yield
    finally:
        for each in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(each.pid, signal.SIGTERM)
        for each in started:
            try:
                each.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(each.pid, signal.SIGKILL)
                each.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310
            return bool(response.status == 200)
    except OSError:
        return False
