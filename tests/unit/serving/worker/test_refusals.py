"""What is not answered: each with its status, a body that says why, and nothing of it in the log."""

from __future__ import annotations

import datetime as dt
import json
import socket

import pytest

from tests.served import CASE, KEY, NOW, OTHERS_KEY, access

PATH = "/v1/credit_risk/predict"
BAD_BODIES = {
    "malformed JSON": (b'{"ID": 7,', ""),
    "nothing": (b"", ""),
    "a list": (b"[]", ""),
    "bytes that are no text": (b"\xff\xfe", ""),
    "a text for a number": (json.dumps(CASE | {"LIMIT_BAL": "much"}), "LIMIT_BAL"),
    "digits as a text": (json.dumps(CASE | {"PAY_0": "2"}), "PAY_0"),
    "a boolean for a number": (json.dumps(CASE | {"PAY_0": True}), "PAY_0"),
    "a fraction for a whole number": (json.dumps(CASE | {"PAY_0": 1.5}), "PAY_0"),
    "NaN": (json.dumps(CASE | {"LIMIT_BAL": float("nan")}), "LIMIT_BAL"),
    "infinity": (json.dumps(CASE | {"LIMIT_BAL": float("inf")}), "LIMIT_BAL"),
    "a number that no double holds": (json.dumps(CASE).replace("50000.0", "1" + "0" * 400), "LIMIT_BAL"),
    "null": (json.dumps(CASE | {"LIMIT_BAL": None}), "LIMIT_BAL"),
    "a column that is missing": (json.dumps({name: value for name, value in CASE.items() if name != "PAY_3"}), "PAY_3"),
    "no client": (json.dumps({name: value for name, value in CASE.items() if name != "ID"}), "ID"),
    "a protected column": (json.dumps(CASE | {"SEX": 1}), "SEX"),
    "no rows": (b'{"rows": []}', "rows"),
    "too many rows": (json.dumps({"rows": [CASE] * 101}), "rows"),
    "a wrong row among right ones": (json.dumps({"rows": [CASE, CASE | {"PAY_0": "x"}]}), "rows.1.PAY_0"),
}


@pytest.mark.parametrize(("body", "field"), BAD_BODIES.values(), ids=BAD_BODIES)
def test_a_body_that_is_not_as_the_schema_says_is_refused_by_field(client, home, body, field):
    answer = client.post(PATH, content=body)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["fields"]] == [field]
    assert home.logged() == []


def test_what_is_outside_of_the_contract_is_refused_where_the_spec_says_so(home, application):
    home.view(17, decides=home.model(3))
    client = application(out_of_range="refuse")
    assert client.post(PATH, json=CASE).status_code == 200
    for column, value in (("PAY_0", 99), ("EDUCATION", 9), ("LIMIT_BAL", -1)):
        answer = client.post(PATH, json=CASE | {column: value})
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, column)


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401), ("", 401), (KEY, 401), (f"Basic {KEY}", 401), ("Bearer x y", 401), ("Bearer fd_abc123_wrong", 401),
        ("Bearer fd_nobody_x", 401), (f"Bearer {KEY}x", 401), ("Bearer fd_\xff_\xff", 401), (f"bearer {KEY}", 200),
        (f"Bearer {OTHERS_KEY}", 403),
    ],
)  # fmt: skip
def test_only_a_valid_key_opens_and_only_its_use_cases(client, home, header, status):
    headers = {} if header is None else {"Authorization": header.encode("latin-1")}
    del client.headers["Authorization"]
    answer = client.post(PATH, json=CASE, headers=headers)
    assert answer.status_code == status
    assert len(home.logged()) == (status == 200)
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_key_ends_at_its_date(home, application):
    home.access = (access("abc123", KEY, ("credit_risk",), expires_at=NOW + dt.timedelta(seconds=10)),)
    home.view(17, decides=home.model(3))
    moments = [NOW]
    client = application(now=lambda: moments[-1])
    assert client.post(PATH, json=CASE).status_code == 200
    moments.append(NOW + dt.timedelta(seconds=10))
    answer = client.post(PATH, json=CASE)
    assert (answer.status_code, answer.json()["error"]) == (401, "key_expired")


def test_ten_times_the_rate_is_let_through_once(home, application):
    home.access = (access("abc123", KEY, ("credit_risk",), rate=1, burst=10),)
    home.view(17, decides=home.model(3))
    client = application()
    answers = [client.post(PATH, json=CASE) for _ in range(100)]
    statuses = [each.status_code for each in answers]
    assert statuses[:10] == [200] * 10
    assert 10 <= statuses.count(200) <= 13  # a second more of the clock gives one more
    assert statuses.count(429) == 100 - statuses.count(200)
    assert all(int(each.headers["Retry-After"]) >= 1 for each in answers if each.status_code == 429)
    assert len(home.logged()) == statuses.count(200)


@pytest.mark.parametrize("declared", [True, False], ids=["with its length", "in pieces"])
def test_ten_megabytes_are_refused(client, home, declared):
    body = b" " * 10_000_000
    pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    answer = client.post(PATH, content=body if declared else pieces)
    assert (answer.status_code, answer.json()["error"]) == (413, "too_large")
    assert home.logged() == []


def test_a_body_is_refused_by_the_length_that_it_says(client):
    with socket.create_connection((client.base_url.host, client.base_url.port), timeout=5) as opened:
        head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\nContent-Length: 10000000\r\n\r\n"
        opened.sendall(head.encode())
        assert opened.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/v1/nothing/predict", 404), ("GET", PATH, 405), ("GET", "/nowhere", 404), ("POST", "/metrics", 405)],
)
def test_what_is_not_there_is_said_in_the_same_form(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "detail", "request_id", "fields"}


def test_before_anything_is_known_nobody_is_answered(home, application):
    client = application()
    answer = client.post(PATH, json=CASE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert client.get("/health/live").status_code == 200
    assert client.get("/health/ready").status_code == 503


def test_an_error_of_our_own_is_told_without_its_trace(client):
    # A clock that gives no time stands for whatever nobody has thought of.
    client.app.state.service.now = lambda: None
    answer = client.post(PATH, json=CASE)
    assert answer.status_code == 500
    assert answer.json()["error"] == "internal_error"
    assert "Traceback" not in answer.text
    assert ".py" not in answer.text


def test_a_whole_number_with_a_point_is_one(client):
    assert client.post(PATH, json=CASE | {"PAY_0": 2.0, "ID": 7.0}).json()["unit"] == "7"
