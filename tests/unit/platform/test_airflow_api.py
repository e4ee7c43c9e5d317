"""A call that fails is made again, and starts one run for all that; waiting is as long as it must be, and no longer."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from include.errors import PermanentError, TransientError
from include.platform import airflow_api
from include.platform.airflow_api import Airflow
from include.platform.stores import free_ports

HUNG_UP = 0


@pytest.fixture
def answering(monkeypatch):
    """Give a client whose server answers with the given codes, one after the other, and what it was sent."""
    codes, received, states, errors = [], [], ["awaiting_input"], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            code = 201 if self.path == "/auth/token" else (codes.pop(0) if len(codes) > 1 else codes[0])
            if self.path != "/auth/token":
                received.append(body)
            if code == HUNG_UP:
                self.close_connection = True
                return
            self._say({"access_token": "t", **body}, code)

        def do_GET(self):
            state = states.pop(0) if len(states) > 1 else states[0]
            tasks = [{"task_id": "approve", "state": state, "try_number": 1}]
            self._say({"task_instances": tasks, "import_errors": errors, "dags": [], "total_entries": 1})

        def do_PATCH(self):
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self._say({})

        def _say(self, said, code=200):
            answer = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(airflow_api, "_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(airflow_api, "_SETTLE_SECONDS", 0.0)

    def client(*wanted, then=(), patience=60.0, broken=()):
        codes[:], states[:], errors[:] = wanted, ["awaiting_input", *then], broken
        return Airflow(f"http://127.0.0.1:{server.server_port}", "operator", "x", patience=patience, pause=0), received

    yield client
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("codes", [(500, 200), (500, 503, 200), (500, 409), (401, 500, 200), (0, 200), (0, 409)])
def test_a_trigger_is_repeated_as_the_same_run(answering, codes):
    airflow, received = answering(*codes)
    run_id = airflow.trigger("a_dag")
    assert len(received) == len(codes)
    assert {each["dag_run_id"] for each in received} == {run_id}


def test_an_error_that_stays_is_said_with_what_airflow_answered(answering):
    airflow, received = answering(500)
    with pytest.raises(TransientError, match="500, 4 times"):
        airflow.trigger("a_dag")
    assert len(received) == 4


def test_a_server_that_has_answered_is_waited_for(answering):
    airflow, received = answering(200, *[HUNG_UP] * 9, 200)
    for _ in range(2):
        airflow.trigger("a_dag")
    assert len(received) == 11


def test_a_server_that_never_answered_is_said_to_be_away(monkeypatch):
    monkeypatch.setattr(airflow_api, "_PAUSE_SECONDS", 0.0)
    airflow = Airflow(f"http://127.0.0.1:{free_ports(1)[0]}", "operator", "x")
    with pytest.raises(TransientError, match="an answer from Airflow"):
        airflow.runs("a_dag")


def test_a_server_that_stays_away_is_said_to_be(answering, monkeypatch):
    monkeypatch.setattr(airflow_api, "_SILENCE_SECONDS", 0.0)
    airflow, received = answering(HUNG_UP)
    with pytest.raises(TransientError, match="an answer from Airflow"):
        airflow.trigger("a_dag")
    assert len(received) == 4


@pytest.mark.parametrize("code", [403, 409, 401])
def test_a_refusal_is_final(answering, code):
    airflow, received = answering(code)
    with pytest.raises(PermanentError, match=str(code)):
        airflow.trigger("a_dag")
    assert len(received) <= 4


def test_an_answer_is_given_once_and_its_taking_waited_for(answering):
    airflow, received = answering(200, then=["queued", "queued", "running", "success"])
    airflow.answer("a_dag", "a_run", "approve", "Approve", comment="seen")
    assert received == [{"chosen_options": ["Approve"], "params_input": {"comment": "seen"}}]


def test_an_answer_that_stays_in_the_queue_is_waited_for_until_patience_ends(answering):
    airflow, received = answering(200, then=["queued"], patience=0.3)
    with pytest.raises(TransientError, match=r"to take the answer.*state queued"):
        airflow.answer("a_dag", "a_run", "approve", "Approve")
    assert len(received) == 1


def _broken(filename, last_line):
    return {"filename": filename, "stack_trace": f"Traceback (most recent call last):\n  …\n{last_line}\n"}


def test_a_file_that_does_not_import_ends_the_wait_and_one_that_was_removed_does_not(answering):
    gone = _broken("old.py", "FileNotFoundError: [Errno 2] No such file or directory: '/opt/dags/old.py'")
    airflow, _received = answering(200, broken=[gone])
    with pytest.raises(TransientError, match="no one, other"):
        airflow.wait_for_dags({"one", "other"}, seconds=0)
    reads = _broken("new.py", "FileNotFoundError: [Errno 2] No such file or directory: '/opt/dags/limits.yaml'")
    airflow, _received = answering(200, broken=[gone, reads])
    with pytest.raises(PermanentError, match=r"new\.py.*limits\.yaml"):
        airflow.wait_for_dags({"one", "other"}, seconds=0)
