"""Lists for a user: known or not, with a basket or none, under the rules of the day, and from the fall-back."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from include.deployment.assignment import variant_of
from include.deployment.lists import ItemRule
from include.serving.cache import model_folder
from include.serving.view import ViewOfKey
from include.use_cases.recommender import SPEC
from tests.asking import until
from tests.served import KEY, access, recommender

PATH = "/v1/recommender/recommendations"
DAY = dt.date(2017, 11, 20)
POPULAR = list(range(100, 110))


def _rule(item, kind, **others):
    return ItemRule(
        **{"item": str(item), "kind": kind, "who": "mara", "why": "a test", "since": dt.date(2017, 11, 1), **others}
    )


@pytest.fixture
def markets(home, application):
    """Give a function that puts what is said of the first market into force, and a client."""
    home.access = (access("abc123", KEY, (SPEC.name,)),)
    model = home.recommender(7, "group_1")
    second = home.recommender(8, "group_2", users=range(100, 110))

    def say(sequence=3, today=DAY, **said):
        first = ViewOfKey(**{"sequence": sequence, "decides": model, **said})
        home.recommends(sequence, today, group_1=first, group_2=ViewOfKey(sequence=sequence, decides=second))

    say()
    return say, application(spec=SPEC, outputs=None)


def _ids(answer):
    assert answer.status_code == 200, answer.text
    return [each["item"] for each in answer.json()["items"]]


@pytest.mark.parametrize("task", ["rebuy", "discover"])
def test_a_known_user_gets_what_the_model_ranks(markets, home, task):
    _, client = markets
    answer = client.get(f"{PATH}/5", params={"market": "group_1", "task": task, "n": 4})
    said = answer.json()
    expected = recommender(7, "group_1", range(1, 21)).answer(5, task, 4)
    assert [(each["item"], each["reason"]) for each in said["items"]] == [(item, why) for item, _, why in expected]
    assert (said["key"], said["unit"], said["model_version"], said["sequence"]) == ("group_1", "5", 7, 3)
    assert said["flags"] == []
    (record,) = home.logged()
    assert record["request_id"] == said["request_id"]
    assert [item for item, _ in json.loads(record["output"])["items"]] == _ids(answer)


def test_without_a_market_the_one_that_knows_the_user_answers(markets):
    _, client = markets
    assert client.get(f"{PATH}/105").json()["key"] == "group_2"
    assert client.get(f"{PATH}/5").json()["key"] == "group_1"


def test_an_unknown_user_gets_what_is_popular_and_is_told_so(markets):
    _, client = markets
    answer = client.get(f"{PATH}/999")
    assert _ids(answer) == POPULAR
    assert answer.json()["flags"] == ["unknown user"]
    assert answer.json()["variant"] == "champion"


def test_a_basket_changes_the_list_and_is_not_in_it(markets):
    _, client = markets
    plain = _ids(client.get(f"{PATH}/5", params={"task": "discover"}))
    basket = _ids(client.get(f"{PATH}/5", params={"task": "discover", "basket": [plain[0], 139]}))
    assert plain[0] not in basket
    assert 139 not in basket


def test_an_empty_basket_is_none(markets):
    _, client = markets
    assert _ids(client.get(f"{PATH}/5?basket=")) == _ids(client.get(f"{PATH}/5"))


def test_an_item_that_nobody_knows_is_passed_over_and_flagged(markets):
    _, client = markets
    with_unknown = client.get(f"{PATH}/5", params={"basket": [7, 8]})
    assert _ids(with_unknown) == _ids(client.get(f"{PATH}/5"))
    assert with_unknown.json()["flags"] == ["unknown items in the basket: 7, 8"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/5?n=0", "n"), ("/5?n=51", "n"), ("/5?n=many", "n"), ("/5?task=guess", "task"), ("/5?market=mars", "market"),
        ("/5?basket=milk", "basket.0"), ("/me", "user"), ("/-1", "user"), (f"/{'9' * 5000}", "user"),
        ("/5?what=1", "what"), ("/5?n=1&n=2", "n"), (f"/5?{'basket=100&' * 101}", "basket"), ("/٣", "user"),
    ],
)  # fmt: skip
def test_a_question_that_is_none_is_refused_by_field(markets, home, path, field):
    _, client = markets
    answer = client.get(PATH + path)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, field)
    assert home.logged() == []


def test_rules_hold_on_their_days(markets):
    say, client = markets
    first = _ids(client.get(f"{PATH}/5"))
    rules = (
        _rule(first[0], "block", until=dt.date(2017, 11, 25)), _rule(139, "pin"), _rule(first[9], "boost", factor=50),
        _rule("no number", "block"),
    )  # fmt: skip
    say(4, rules=rules)
    until(lambda: client.get(f"{PATH}/5").json()["sequence"] == 4)
    held = _ids(client.get(f"{PATH}/5"))
    assert held[:2] == [139, first[9]]
    assert first[0] not in held
    say(5, today=dt.date(2017, 11, 26), rules=rules)
    until(lambda: client.get(f"{PATH}/5").json()["sequence"] == 5)
    assert _ids(client.get(f"{PATH}/5"))[2] == first[0]


def test_switched_off_what_is_popular_is_shown_under_the_rules(markets):
    say, client = markets
    say(4, switch_on=False, switch_reason="a recall", rules=(_rule(100, "block"), _rule(120, "pin")))
    until(lambda: client.get(f"{PATH}/5").json()["variant"] == "fallback")
    answer = client.get(f"{PATH}/5")
    assert _ids(answer) == [120, *range(101, 110)]
    assert (answer.json()["reasons"], answer.json()["model_version"]) == (["fall-back: switched off: a recall"], 0)


def test_a_late_model_is_answered_for_by_what_is_popular(markets):
    _, client = markets
    live = client.app.state.service.snapshot.live["recommender", "group_1"]
    loaded = live.model(live.said.decides)
    loaded.answer.function = lambda *_: 1 / 0
    answer = client.get(f"{PATH}/5")
    assert _ids(answer) == POPULAR
    assert answer.json()["reasons"] == ["fall-back: v7 failed with ZeroDivisionError"]


def test_without_any_list_at_all_nobody_is_answered(home, markets):
    say, client = markets
    ref = home.recommender(9, "group_1")
    (model_folder(home.path, ref.digest) / "rebuy.npy").unlink()
    say(4, decides=ref)
    until(lambda: client.get(f"{PATH}/5?market=group_1").status_code == 503)
    assert client.get(f"{PATH}/5?market=group_1").headers["Retry-After"] == "2"
    assert client.get(f"{PATH}/105?market=group_2").status_code == 200
    say(5, decides=ref, fallback=home.recommender(6, "group_1"))
    until(lambda: client.get(f"{PATH}/5?market=group_1").status_code == 200)
    assert _ids(client.get(f"{PATH}/5?market=group_1")) == POPULAR


def test_a_shadow_and_the_hash_hold_for_households_too(home, markets):
    say, client = markets
    say(
        4,
        challenger=home.recommender(9, "group_1"),
        canary_weight=0.5,
        salt="test 1",
        shadow=home.recommender(6, "group_1"),
    )
    until(lambda: client.get(f"{PATH}/1").json()["sequence"] == 4)
    before = len(home.logged())
    for user in range(1, 21):
        said = client.get(f"{PATH}/{user}?market=group_1").json()
        assert said["variant"] == variant_of(
            str(user), salt="test 1", use_case="recommender", key="group_1", weight=0.5
        )
        assert said["model_version"] == {"champion": 7, "challenger": 9}[said["variant"]]
    records = until(lambda: found if len(found := home.logged()[before:]) >= 40 else None)
    assert {each["model_version"] for each in records if each["variant"] == "shadow"} == {6}
