"""Answers of a forecast come out of the newest issue, and say which models it was made by."""

from __future__ import annotations

import datetime as dt

import pytest

from include.records import ModelRef
from include.serving import forecasts
from include.serving.view import ViewOfKey, ViewOfUseCase, read_view
from include.use_cases.load_forecast import SPEC
from tests.asking import until
from tests.served import KEY, access, issued

PATH = "/v1/load_forecast/predict"
DAY = dt.date(2008, 1, 4)


@pytest.fixture
def asked(home, application):
    """Give a client of a service with one issue."""
    home.access = (access("abc123", KEY, (SPEC.name,)),)
    home.view(1)
    issued(home.path, SPEC, DAY)
    return application(spec=SPEC)


def test_the_hours_of_a_day_come_with_bands_versions_and_when_they_were_issued(asked, home):
    said = asked.post(PATH, json={"series": "total", "day": "2008-01-05"}).json()
    assert len(said["hours"]) == 24
    assert said["hours"][3] == {
        "time": "2008-01-05T03:00:00Z", "load_kw": 1003.0, "bands": {"q10": 900.0, "q90": None},
    }  # fmt: skip
    assert (said["model_version"], said["sequence"], said["variant"]) == (5, 31, "champion")
    assert said["issued_at"] == "2008-01-04T12:00:00Z"
    assert said["flags"] == ["2 hours of the last week were filled"]
    (record,) = home.logged()
    assert (record["request_id"], record["key"], record["score"]) == (said["request_id"], "total", None)


@pytest.mark.parametrize("day", ["2008-01-04", "2008-01-12", "1999-01-01"])
def test_a_day_that_is_not_in_the_issue_is_not_found(asked, home, day):
    answer = asked.post(PATH, json={"series": "7", "day": day})
    assert answer.status_code == 404
    assert "2008-01-05 to 2008-01-11" in answer.json()["detail"]
    assert home.logged() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"series": "99", "day": "2008-01-05"}, "series"), ({"series": "7", "day": "soon"}, "day"),
        ({"series": "7"}, "day"), ({"series": "7", "day": 5}, "day"),
    ],
)  # fmt: skip
def test_a_question_that_is_none_is_refused_by_field(asked, body, field):
    answer = asked.post(PATH, json=body)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)


def test_who_has_foretold_instead_of_the_champion_is_said(asked, home):
    issued(home.path, SPEC, DAY + dt.timedelta(days=1), fallback="no champion at this gate closure")
    question = {"series": "7", "day": "2008-01-12"}
    until(lambda: asked.post(PATH, json=question).status_code == 200)
    said = asked.post(PATH, json=question).json()
    assert said["variant"] == "fallback"
    assert said["reasons"] == ["fall-back: no champion at this gate closure"]


def test_switched_off_nothing_of_the_issue_is_given(asked, home):
    view = read_view(home.path)
    off = ViewOfKey(decides=None, switch_on=False, switch_reason="meters are broken")
    use_case = ViewOfUseCase(sequence=2, keys={"total": off})
    view.model_copy(update={"use_cases": {SPEC.name: use_case}}).write(home.path)
    question = {"series": "total", "day": "2008-01-05"}
    until(lambda: asked.post(PATH, json=question).status_code == 503)
    answer = asked.post(PATH, json=question)
    assert answer.json()["detail"] == "switched off: meters are broken"
    assert answer.headers["Retry-After"] == "60"
    assert asked.post(PATH, json={"series": "7", "day": "2008-01-05"}).status_code == 200


def test_an_issue_that_cannot_be_read_leaves_the_one_before(asked, home):
    forecasts.path_of(home.path, SPEC.name).write_text("{")
    until(lambda: asked.get("/health/ready").json()["problems"])
    assert asked.post(PATH, json={"series": "7", "day": "2008-01-05"}).status_code == 200


def test_before_the_first_issue_nothing_is_known(home, application):
    home.access = (access("abc123", KEY, (SPEC.name,)),)
    home.view(1)
    answer = application(spec=SPEC).post(PATH, json={"series": "7", "day": "2008-01-05"})
    assert (answer.status_code, answer.json()["error"]) == (503, "not_ready")


def test_the_models_of_a_forecast_are_not_missed(asked, home):
    view = read_view(home.path)
    ref = ModelRef(name="t.load_forecast.total", version=5, run_id="r", digest="5" * 64)
    use_case = ViewOfUseCase(sequence=2, keys={"total": ViewOfKey(sequence=2, decides=ref)})
    view.model_copy(update={"use_cases": {SPEC.name: use_case}}).write(home.path)
    until(lambda: asked.get("/health/ready").json()["use_cases"])
    ready = asked.get("/health/ready").json()
    assert ready["problems"] == []
    assert ready["use_cases"][SPEC.name]["total"]["champion"] == "v5"
