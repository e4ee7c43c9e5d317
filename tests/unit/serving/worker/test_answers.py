"""What an answer says: by whom, by which entry, why; and that the log has it before anybody hears it."""

from __future__ import annotations

import asyncio
import json
import time

import httpx
import pytest

from include.deployment.assignment import variant_of
from include.serving.cache import model_folder
from include.serving.scorers import ClassificationScorer
from include.serving.service import Limits
from tests.asking import until
from tests.served import CASE, KEY, NOW, access

PATH = "/v1/credit_risk/predict"


def test_one_case_is_answered_as_the_model_answers_it(client, home):
    answer = client.post(PATH, json=CASE).json()
    scorer = ClassificationScorer.open(next((home.path / "models").iterdir()))
    expected = scorer.explained([CASE[name] for name in scorer.columns])
    assert (answer["score"], answer["decision"], answer["reasons"]) == (
        expected.score, expected.decision, expected.reasons,
    )  # fmt: skip
    assert (answer["variant"], answer["model_version"], answer["sequence"], answer["unit"]) == ("champion", 3, 17, "7")


def test_the_log_has_the_answer(client, home):
    answer = client.post(PATH, json=CASE | {"PAY_0": 99}).json()
    (record,) = home.logged()
    assert record["flags"] == json.dumps(answer["flags"]) == '["PAY_0: 99 is outside of -2 to 8"]'
    same = ("request_id", "use_case", "key", "unit", "variant", "model_version", "sequence", "decision", "score")
    assert {name: record[name] for name in same} == {name: answer[name] for name in same}
    assert json.loads(record["inputs"]) == {
        name: value for name, value in (CASE | {"PAY_0": 99}).items() if name != "ID"
    }
    assert record["at"] == NOW.isoformat(timespec="microseconds")
    assert record["shadow"] == ""


def test_several_cases_are_answered_in_their_order(client, home):
    cases = [CASE | {"ID": number, "PAY_0": number % 9} for number in range(100)]
    answers = client.post(PATH, json={"rows": cases}).json()["answers"]
    assert [each["unit"] for each in answers] == [str(number) for number in range(100)]
    assert [each["score"] for each in answers] == [client.post(PATH, json=each).json()["score"] for each in cases]
    assert len({each["request_id"] for each in home.logged()}) == 200


def test_the_hash_alone_says_who_answers(home, application):
    home.view(5, decides=home.model(1), challenger=home.model(2), canary_weight=0.3, salt="rollout 1")
    client = application()
    for unit in range(300):
        answer = client.post(PATH, json=CASE | {"ID": unit}).json()
        wanted = variant_of(str(unit), salt="rollout 1", use_case="credit_risk", key="default", weight=0.3)
        assert (answer["variant"], answer["model_version"]) == (wanted, {"champion": 1, "challenger": 2}[wanted])
    assert {each["variant"] for each in home.logged()} == {"champion", "challenger"}


def test_a_shadow_scores_beside_and_decides_nothing(home, application):
    champion, shadow = home.model(1), home.model(2)
    home.view(5, decides=champion, shadow=shadow)
    client = application()
    answers = [client.post(PATH, json=CASE | {"ID": unit}).json() for unit in range(20)]
    assert {each["model_version"] for each in answers} == {1}
    records = until(lambda: found if len(found := home.logged()) == 40 else None)
    shadows = {each["request_id"]: each for each in records if each["variant"] == "shadow"}
    scorer = ClassificationScorer.open(model_folder(home.path, shadow.digest))
    for answer in answers:
        record = shadows[f"{answer['request_id']}/shadow"]
        beside = json.loads(record["shadow"])
        assert record["model_version"] == 2
        assert record["score"] == scorer.explained([CASE[name] for name in scorer.columns]).score
        assert (beside["request_id"], beside["score"]) == (answer["request_id"], answer["score"])


def test_a_new_view_is_followed_within_a_second(client, home):
    assert client.post(PATH, json=CASE).json()["model_version"] == 3
    home.view(18, decides=home.model(4))
    began = time.monotonic()
    until(lambda: client.post(PATH, json=CASE).json()["model_version"] == 4)
    assert time.monotonic() - began < 1
    assert client.post(PATH, json=CASE).json()["sequence"] == 18


@pytest.mark.parametrize("step", [-3600, 3600])
def test_a_clock_that_is_set_changes_no_time_that_is_measured(home, application, step):
    import datetime as dt

    moments = [NOW]
    home.view(17, decides=home.model(3))
    client = application(now=lambda: moments[-1])
    client.post(PATH, json=CASE)
    moments.append(NOW + dt.timedelta(seconds=step))
    answer = client.post(PATH, json=CASE)
    assert answer.status_code == 200
    first, second = home.logged()
    assert first["at"] != second["at"]
    assert 0 <= second["latency_ms"] < 1000
    assert client.get("/health/ready").json()["view_age_seconds"] == max(0, step)


@pytest.mark.parametrize("durable", [True, False])
def test_only_a_durable_answer_waits_for_the_disk(home, application, durable):
    home.view(17, decides=home.model(3))
    client = application(durable_log=durable)
    service = client.app.state.service
    right, waiting = service.log, []

    class Slow:
        """A log whose disk takes its time: a record is given to the real one when it is told to."""

        groups, problem, unshipped_bytes = 0, "", 0

        def append(self, record):
            waiting.append((record, asyncio.get_running_loop().create_future()))
            return waiting[-1][1]

        async def close(self):
            await right.close()

    service.log = Slow()
    if durable:
        with pytest.raises(httpx.ReadTimeout):
            client.post(PATH, json=CASE, timeout=0.5)
    else:
        assert client.post(PATH, json=CASE, timeout=0.5).status_code == 200
    ((record, future),) = waiting
    assert json.loads(record)["unit"] == "7"
    future.get_loop().call_soon_threadsafe(future.set_result, None)
    service.log = right


def test_a_key_s_rate_is_shared_by_the_workers(home, application):
    home.access = (access("abc123", KEY, ("credit_risk",), rate=1, burst=20),)
    home.view(17, decides=home.model(3))
    client = application(limits=Limits(workers=4))
    statuses = [client.post(PATH, json=CASE).status_code for _ in range(12)]
    assert statuses[:5] == [200] * 5
    assert statuses.count(200) <= 7
