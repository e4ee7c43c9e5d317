"""The whole service as the platform starts it: a promotion on one end, an answer and a logged row on the other."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import signal
import subprocess
import sys
import threading
import time

import httpx
import pytest

from include.data.tables import Table
from include.platform import processes
from include.serving import keys
from include.serving.shipping import REQUESTS
from include.settings import settings
from include.use_cases.credit_risk import SPEC
from tests.faults import FaultProxy
from tests.served import CASE, packed
from tests.services.deployment.helpers import AT, registered
from tests.services.serving.helpers import ROOT, Service
from tests.services.serving.test_supervisor import promote
from tests.unit.platform.conftest import fill


class Whole(Service):
    """A service with the real workers, started as the platform starts it."""

    def start(self, **env):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "include.serving.main", "--home", str(self.home), "--port", str(self.port),
                 "--workers", str(self.workers)],
                cwd=ROOT, env={**os.environ, "FLIGHTDECK_SERVES": " ".join(self.serves), **env}, stdout=log, stderr=log,
            )  # fmt: skip

    def ask(self, key, unit=7):
        return httpx.post(
            f"http://127.0.0.1:{self.port}/v1/credit_risk/predict",
            json=CASE | {"ID": unit}, headers={"Authorization": f"Bearer {key}"}, timeout=10,
        )  # fmt: skip

    def says(self, path):
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(f"http://127.0.0.1:{self.port}{path}", timeout=5)
        return None


@pytest.fixture
def whole(stack, tmp_path):
    made = Whole(tmp_path, workers=2)
    yield made
    made.close()


def model(seed):
    onnx, facts = packed(seed)
    return registered(files={"model.onnx": onnx, "serving.json": facts.encode(), "version": str(seed).encode()})


@pytest.mark.slow
def test_from_a_promotion_to_a_logged_answer_and_every_answer_survives_a_kill(whole):
    promote(first := model(1))
    key, made = keys.create([SPEC.name], rate=1e6, burst=10**6, who="operator", at=AT)
    whole.start()
    whole.until(lambda: (found := whole.says("/health/live")) and found.status_code == 200, seconds=30)
    whole.until(lambda: whole.ask(key).json().get("variant") == "champion", seconds=20)
    said = whole.ask(key).json()
    assert (said["model_version"], said["sequence"]) == (first.version, 1)

    answered, stop = [], threading.Event()

    def load():
        unit = 0
        while not stop.is_set():
            unit += 1
            with contextlib.suppress(httpx.TransportError):
                answer = whole.ask(key, unit)
                if answer.status_code == 200:
                    answered.append((answer.json()["request_id"], answer.json()["model_version"]))

    threads = [threading.Thread(target=load) for _ in range(4)]
    for each in threads:
        each.start()
    whole.until(lambda: len(answered) > 50)
    promote(second := model(2))
    whole.until(lambda: answered[-1][1] == second.version, seconds=5)
    old = [processes.known(pid) for pid in whole.pids()]
    whole.end(signal.SIGKILL)
    os.kill(old[0].pid, signal.SIGKILL)
    whole.start()
    whole.until(lambda: not any(map(processes.alive, old)), seconds=30)
    count = len(answered)
    whole.until(lambda: len(answered) > count + 50)
    stop.set()
    for each in threads:
        each.join()

    keys.revoke(made.id, who="operator", at=AT)
    whole.until(lambda: whole.ask(key).status_code == 401, seconds=5)
    assert whole.end() == 0
    whole.start()  # ships what the workers have closed at their end
    wanted = {each for each, _ in answered}
    table = Table(SPEC.name, REQUESTS)
    whole.until(lambda: table.exists() and wanted <= set(table.read()["request_id"]), seconds=20)
    rows = table.read()
    assert rows["request_id"].is_unique
    versions = dict(zip(rows["request_id"], rows["model_version"], strict=True))
    assert all(versions[each] == version for each, version in answered)
    # On a busy machine the deadline lets the fall-back answer now and then, which is version 0.
    assert {version for _, version in answered} - {0} == {first.version, second.version}


def test_nothing_of_a_secret_is_in_a_workers_environment(whole):
    whole.start()
    pids = whole.until(lambda: len(found := whole.pids()) == 2 and found, seconds=20)
    time.sleep(0.5)
    for pid in pids:
        with open(f"/proc/{pid}/environ", "rb") as file:
            names = {each.partition(b"=")[0] for each in file.read().split(b"\0")}
        assert not names & {b"AWS_SECRET_ACCESS_KEY", b"AWS_ACCESS_KEY_ID", b"FLIGHTDECK_JOURNAL_KEY"}
        assert b"FLIGHTDECK_TENANT" in names


def test_a_registry_that_keeps_silent_does_not_hold_up_the_end(whole):
    promote(registered())
    with FaultProxy(settings().mlflow_url) as proxy:
        proxy.at(b"/mlflow-artifacts/", "blackhole")
        whole.start(MLFLOW_TRACKING_URI=proxy.url)
        whole.until(lambda: proxy.reached.is_set() and len(whole.pids()) == 2, seconds=30)
        began = time.monotonic()
        assert whole.end() == 0
        assert time.monotonic() - began < 8


def test_a_full_disk_under_the_home_ends_nothing(stack, small_disk):
    service = Service(small_disk)
    try:
        service.start()
        (before,) = service.until(service.pids, seconds=20)
        service.until(lambda: service.view().confirmed_at, seconds=20)
        fill(small_disk)
        written = service.view().written_at
        os.kill(before, signal.SIGKILL)
        service.until(lambda: processes.listener(service.port), seconds=20)
        time.sleep(3)
        assert service.process.poll() is None
        assert service.view().written_at - written < dt.timedelta(seconds=3)
        (small_disk / "full").unlink()
        service.until(lambda: service.view().written_at > written + dt.timedelta(seconds=3))
        service.until(lambda: service.pids() and before not in service.pids())
    finally:
        service.close()
