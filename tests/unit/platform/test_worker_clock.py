"""The clock of a worker's machine, held to a service's that runs here and says what time it has."""

from __future__ import annotations

import subprocess
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.errors import PermanentError
from include.platform import cluster, worker_clock
from include.platform.state import FIRST_PORT, State
from include.platform.stores import free_ports


@contextmanager
def service(offset, *, status=200):
    """Give the address of a service whose clock is so many seconds ahead."""

    class Says(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def date_time_string(self, timestamp=None):
            return super().date_time_string(time.time() + offset[0])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Says) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.mark.parametrize(("offset", "status"), [(0, 200), (-50, 200), (50, 404)])
def test_a_clock_near_airflow_s_is_good(offset, status):
    with service([offset], status=status) as url:
        assert worker_clock.ahead(url) == pytest.approx(-offset, abs=5)
        worker_clock.check(url)


@pytest.mark.parametrize(
    ("offset", "said"), [(-3600, r"36\d\d s ahead"), (3600, r"3[56]\d\d s behind")], ids=["ahead", "behind"]
)
def test_a_clock_that_is_an_hour_off_is_refused_in_words(offset, said):
    with service([offset]) as url, pytest.raises(PermanentError, match=said) as refused:
        worker_clock.check(url)
    assert "expected a clock within 60 s of Airflow's" in str(refused.value)


def test_where_nobody_answers_nothing_is_said_of_a_clock():
    (port,) = free_ports(1)
    assert worker_clock.ahead(f"http://127.0.0.1:{port}/") is None
    worker_clock.check(f"http://127.0.0.1:{port}/")


def test_it_watches_until_the_clock_is_wrong(monkeypatch):
    monkeypatch.setattr(worker_clock, "_EVERY_SECONDS", 0.05)
    offset, ended = [0], []
    with service(offset) as url:
        watch = threading.Thread(target=lambda: ended.append(worker_clock.main(url)))
        watch.start()
        watch.join(0.5)
        assert watch.is_alive()
        offset[0] = 3600
        watch.join(10)
    assert ended == [1]


def test_the_program_beside_a_worker_asks_the_api_server():
    state = State.model_construct(first_port=FIRST_PORT)
    program = cluster.worker_clock(state)
    assert program.argv[-1] == f"http://api-server:{state.ports['airflow']}/api/v2/version"
    with service([3600]) as url:
        done = subprocess.run([*program.argv[:-1], url], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert "behind" in done.stderr
