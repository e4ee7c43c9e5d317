"""When no model may answer: the fall-back does, and says why; and no answer is ever an older version's by accident."""

from __future__ import annotations

import time

import pytest

from include.serving.cache import model_folder
from include.serving.deadline import Timed
from tests.asking import until
from tests.served import CASE

PATH = "/v1/credit_risk/predict"


def _fallen_back(answer, why):
    assert answer.status_code == 200
    said = answer.json()
    assert (said["variant"], said["decision"], said["score"], said["model_version"]) == ("fallback", "review", None, 0)
    assert len(said["reasons"]) == 1
    assert why in said["reasons"][0]
    return said


def test_switched_off_a_person_decides_and_the_reason_is_said(client, home):
    model = home.model(3)
    home.view(18, decides=model, switch_on=False, switch_reason="complaints of May")
    until(lambda: client.post(PATH, json=CASE).json()["variant"] == "fallback")
    said = _fallen_back(client.post(PATH, json=CASE), "switched off: complaints of May")
    assert said["sequence"] == 18
    assert home.logged()[-1]["variant"] == "fallback"
    home.view(19, decides=model)
    until(lambda: client.post(PATH, json=CASE).json()["variant"] == "champion")


def test_without_a_champion_a_person_decides(home, application):
    home.view(0)
    _fallen_back(application().post(PATH, json=CASE), "no champion yet")


def _missing(folder):
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def _truncated(folder):
    path = folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:-100])


def _swapped(folder):
    (folder / "model.onnx").write_bytes((folder.parent / "other").read_bytes())


@pytest.mark.parametrize("harm", [_missing, _truncated, _swapped])
def test_files_that_are_not_the_journals_answer_nothing(home, application, harm):
    from tests.served import packed

    ref = home.model(3)
    (home.path / "models" / "other").write_bytes(packed(9)[0])
    harm(model_folder(home.path, ref.digest))
    home.view(17, decides=ref)
    client = application()
    _fallen_back(client.post(PATH, json=CASE), "v3 cannot be loaded")
    assert "v3" in client.get("/health/ready").json()["problems"][0]
    home.model(3)  # brought again, without a new view
    until(lambda: client.post(PATH, json=CASE).json()["variant"] == "champion")


def test_a_damaged_model_with_its_own_digest_answers_nothing(home, application):
    home.view(17, decides=home.model(3, bytes_of=lambda body: body[: len(body) // 2]))
    _fallen_back(application().post(PATH, json=CASE), "v3 cannot be loaded")


def test_a_version_that_cannot_be_loaded_is_not_replaced_by_the_one_before(client, home):
    ref = home.model(4)
    _missing(model_folder(home.path, ref.digest))
    home.view(18, decides=ref)
    until(lambda: client.post(PATH, json=CASE).json()["sequence"] == 18)
    _fallen_back(client.post(PATH, json=CASE), "v4 cannot be loaded")


def test_a_view_that_cannot_be_read_leaves_the_one_before(client, home):
    (home.path / "view.json").write_text('{"written_at": ')
    until(lambda: client.get("/health/ready").json()["problems"])
    answer = client.post(PATH, json=CASE).json()
    assert (answer["model_version"], answer["sequence"]) == (3, 17)


def test_a_journal_that_is_away_is_said_and_changes_no_answer(client, home):
    home.view(17, decides=home.model(3), problem="the journal gives no answer")
    until(lambda: client.get("/health/ready").json()["problems"])
    ready = client.get("/health/ready").json()
    assert ready["problems"] == ["credit_risk: the journal gives no answer"]
    assert client.post(PATH, json=CASE).json()["model_version"] == 3


@pytest.fixture
def slowed(home, application):
    """Give a client whose champion's function is exchanged for a slower or stranger one."""
    home.view(17, decides=home.model(3))
    client = application(deadline_ms=100)
    live = client.app.state.service.snapshot.live["credit_risk", "default"]
    (loaded,) = live.loaded.values()
    return client, loaded.answer


def test_what_comes_late_is_not_waited_for(slowed):
    client, answer = slowed
    right = answer.function

    def slow(row):
        time.sleep(0.5)
        return right(row)

    answer.function, answer.taken = slow, 0.5
    began = time.monotonic()
    _fallen_back(client.post(PATH, json=CASE), "no answer within 100 ms")
    assert time.monotonic() - began < 0.4
    answer.function = right
    until(lambda: client.post(PATH, json=CASE).json()["variant"] == "champion")


def test_a_model_that_becomes_slow_is_late_once_and_then_out_of_the_way(slowed):
    client, answer = slowed
    answer.function = lambda row: time.sleep(0.3)
    _fallen_back(client.post(PATH, json=CASE), "no answer within 100 ms")
    began = time.monotonic()
    _fallen_back(client.post(PATH, json=CASE), "no answer within 100 ms")
    assert time.monotonic() - began < 0.25


@pytest.mark.parametrize("score", [1.5, -0.1, float("nan"), float("inf")])
def test_an_insane_answer_is_not_given(slowed, score):
    from include.serving.scorers import Explained

    client, answer = slowed
    answer.function = lambda row: Explained(score, "accept", [])
    _fallen_back(client.post(PATH, json=CASE), "outside of 0 to 1")


def test_a_model_that_fails_is_answered_for(slowed):
    client, answer = slowed
    answer.function = lambda row: 1 / 0
    said = _fallen_back(client.post(PATH, json=CASE), "failed with ZeroDivisionError")
    assert "Traceback" not in str(said)


def test_a_quick_function_is_asked_without_a_thread(slowed):
    import threading

    client, answer = slowed
    names = []
    right = answer.function
    answer.function = lambda row: names.append(threading.current_thread().name) or right(row)
    client.post(PATH, json=CASE)
    answer.taken = 1.0
    client.post(PATH, json=CASE)
    assert isinstance(answer, Timed)
    assert not names[0].startswith("model")
    assert names[1].startswith("model")
