"""A recommender's nights on real services: trained, judged, promoted, published, watched, taken back."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.clock import business_time
from include.data.readings import ingest_readings
from include.data.tables import Table
from include.deployment.controls import Asked, add_rules, switch
from include.deployment.journal import Journal
from include.deployment.lists import ItemRule
from include.deployment.newest import promote_newest
from include.deployment.promotion import promote_many
from include.errors import ArtifactError, PermanentError
from include.models import keyed, registry
from include.models.evaluations import evaluations
from include.monitor_ops.dated import monitor_inputs
from include.naming import model_name
from include.recommend_ops import artifact, training
from include.recommend_ops.clean_check import check
from include.recommend_ops.experiment import Design, run_experiment
from include.recommend_ops.publishing import publish
from include.recommend_ops.reproduce import reproduce
from include.recommend_ops.shown import CAMPAIGN_LISTS, LISTS, SHOWN, VERDICTS
from include.recommend_ops.watch import watch
from tests.small_shop import SPEC, START

pytestmark = pytest.mark.usefixtures("stack")
LAST = START + dt.timedelta(days=49)
ONE = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _landed(stack, monkeypatch):
    monkeypatch.setenv("FLIGHTDECK_USE_CASES", "tests")
    ingest_readings(SPEC, first_day=START, last_day=LAST, run="test/ingest")


def trained(day: dt.date, *, family: str = "", name: str = "night"):
    run = f"small_shop_train/{name} {day}"
    run_id = training.prepare(
        SPEC, as_of=day, keys=SPEC.keys, pipeline_run=run, originator="mara", originator_source="schedule",
        reason="by night", try_number=1, airflow={}, family=family,
    )  # fmt: skip
    assert training.train(SPEC, run_id, SPEC.keys) == {}
    made, broken = keyed.outcome(SPEC, run_id, what=training.WHAT)
    assert broken == {}
    return made


def promoted(day: dt.date, made, name: str = "night"):
    return promote_many(SPEC, made, run=f"small_shop_deploy/{name} {day}", at=business_time(day))


def released(day: dt.date, at: dt.datetime):
    return promote_newest(SPEC, as_of=day, at=at, run=f"small_shop_deploy/{at}", check=lambda refs: check(SPEC, refs))


def published(day: dt.date, **given):
    return publish(SPEC, as_of=day, at=business_time(day), pipeline_run=f"small_shop_deploy/{day}", **given)


def night(day: dt.date):
    ingest_readings(SPEC, first_day=day, last_day=day, run=f"test/{day}")
    seen = watch(SPEC, as_of=day, at=business_time(day), pipeline_run=f"small_shop_monitor/{day}")
    outcome = promoted(day, trained(day))
    published(day)
    return seen, outcome


def asked(day: dt.date, request_id: str) -> Asked:
    return Asked(who="olga", why="a wrong price", request_id=request_id, at=business_time(day))


def test_nights_promote_refresh_publish_and_watch():
    first = trained(LAST)
    evaluation = registry.recommendation_of(first["north"])
    assert evaluation.route == "first"
    assert evaluation.passed, evaluation.failed_gates
    stored = evaluations(SPEC, key="north").iloc[-1]
    assert (stored["first_day"], stored["last_day"]) == (LAST - 6 * ONE, LAST)
    assert stored["value"] == evaluation.metrics["rebuy_ndcg"].value
    assert evaluation.chosen["rebuy"] == "frequency"
    assert {each.against for each in evaluation.comparisons} == {"baseline frequency", "baseline popularity"}
    check(SPEC, first)
    outcome = promoted(LAST, first)
    assert (outcome.promoted, outcome.left) == (True, {})
    assert registry.alias(model_name(SPEC.name, "south"), "champion") == first["south"].version
    written = published(LAST)
    assert written.rows > 0
    assert written.campaign_rows > 0

    seen, second = night(LAST + ONE)

    assert "households that bought something" in seen.said
    assert seen.taken_back == {}
    kept = evaluations(SPEC, key="north").set_index("source").loc["online"]
    assert (kept["version"], kept["first_day"], kept["last_day"]) == (1, LAST + ONE, LAST + ONE)
    assert kept["low"] < kept["value"] < kept["high"]
    assert second.promoted, "a day later the champion is due, and no worse"
    lists = Table(SPEC.name, LISTS).read()
    assert set(lists["variant"]) == {"shown", "champion", "previous"}
    newest = lists.loc[lists["day"] == LAST + ONE]
    assert set(newest.loc[newest["variant"] == "previous", "model_version"]) == {1}
    shown = newest.loc[newest["variant"] == SHOWN].groupby(["household", "task"])
    assert (shown["rank"].max() <= SPEC.list_length).all()
    assert not newest.loc[newest["variant"] == SHOWN].duplicated(["household", "task", "product"]).any()
    campaign = Table(SPEC.name, CAMPAIGN_LISTS).read()
    assert campaign["product"].between(1000, 1019).all()
    assert set(campaign["household"]) <= set(range(1, 60))
    verdicts = Table(SPEC.name, VERDICTS).read()
    assert (verdicts["hit_rate"] > 0.2).all()

    night(LAST + 2 * ONE)

    kept = evaluations(SPEC, key="north").set_index(["source", "version"])
    assert kept.loc[("online", 2), "last_day"] == LAST + 2 * ONE
    assert kept.loc[("replay", 1), "last_day"] == LAST + 2 * ONE


def test_night_that_is_repeated_changes_nothing():
    made = trained(LAST)
    promoted(LAST, made)
    published(LAST)
    rows = len(Table(SPEC.name, LISTS).read())

    assert trained(LAST) == made
    assert promoted(LAST, made).entry.sequence == 1
    published(LAST)
    assert len(Table(SPEC.name, LISTS).read()) == rows
    assert Journal(SPEC.name).sequence() == 1


def test_by_day_a_candidate_waits_and_in_the_window_the_newest_is_promoted():
    first = trained(LAST)
    noon = dt.datetime.combine(LAST + ONE, dt.time(12), dt.UTC)
    waits = released(LAST, noon)

    assert (waits.promoted, waits.entry) == (False, None)
    assert waits.reason.startswith("2017-04-20 12:00 UTC is outside of the window")
    assert waits.reason.endswith("wait until 2017-04-20 22:00 UTC"), "18:00 in New York"
    assert Journal(SPEC.name).sequence() == 0
    done = released(LAST, noon + dt.timedelta(hours=10))
    assert {key: done.entry.state.of(key).champion for key in SPEC.keys} == first
    assert released(LAST, noon + dt.timedelta(hours=11)).reason == f"nothing new up to {LAST}"


def test_challenger_that_is_worse_is_refused():
    promoted(LAST, trained(LAST))
    worse = trained(LAST, family="popularity", name="challenge")

    evaluation = registry.recommendation_of(worse["north"])
    assert evaluation.route is None
    assert "worse" in {each.verdict for each in evaluation.comparisons}
    assert not promoted(LAST + ONE, worse, "challenge").promoted
    assert Journal(SPEC.name).sequence() == 1


def test_unknown_family_is_named():
    run_id = training.prepare(
        SPEC, as_of=LAST, keys=SPEC.keys, pipeline_run="x/1", originator="mara", originator_source="schedule",
        reason="by night", try_number=1, airflow={}, family="als",
    )  # fmt: skip
    broken = training.train(SPEC, run_id, ["north"])
    assert "expected a family among" in broken["north"]


def test_what_people_hold_by_hand_is_in_the_lists_and_on_their_page():
    promoted(LAST, trained(LAST))
    published(LAST)
    lists = Table(SPEC.name, LISTS).read()
    shown = lists.loc[(lists["variant"] == SHOWN) & (lists["market"] == "north")]
    most = int(shown["product"].mode().iloc[0])
    rules = [
        ItemRule(item=str(most), kind="block", who="olga", why="recalled", since=LAST, until=LAST + 2 * ONE),
        ItemRule(item="1077", kind="pin", who="olga", why="a promise", since=LAST),
    ]
    add_rules(SPEC, ["north"], rules, asked=asked(LAST, "c1"))
    switch(SPEC, ["south"], on=False, asked=asked(LAST, "c2"))

    said = published(LAST).said

    lists = Table(SPEC.name, LISTS).read()
    shown = lists.loc[lists["variant"] == SHOWN]
    north, south = shown.loc[shown["market"] == "north"], shown.loc[shown["market"] == "south"]
    assert most not in set(north["product"])
    assert (north.loc[north["rank"] == 1, "product"] == 1077).all()
    assert set(south["reason"]) == {"switched off: a wrong price"}
    assert set(south["model_version"]) == {0}
    assert south.groupby("rank")["product"].nunique().max() == 1, "the same popular list for everybody"
    assert f"north: block {most} until {LAST + 2 * ONE} by olga: recalled" in said
    assert "south: switched off: a wrong price" in said
    later = LAST + 3 * ONE
    ingest_readings(SPEC, first_day=LAST + ONE, last_day=later, run="test/later")
    published(later)
    after = Table(SPEC.name, LISTS).read(first_day=later)
    assert most in set(after.loc[(after["variant"] == SHOWN) & (after["market"] == "north"), "product"])


def test_lists_that_bring_far_less_while_purchases_are_as_before_are_a_change_of_the_relation():
    promoted(LAST, trained(LAST))
    days = [LAST - back * ONE for back in range(10)][::-1]
    rates = [0.55] * 7 + [0.25, 0.19, 0.21]

    def judged(through: dt.date):
        rows = pd.DataFrame({"day": days, "market": "north", "model_version": 1, "households": 90, "hit_rate": rates})
        rows = rows.loc[rows["day"] <= through].astype({"market": "str"})
        Table(SPEC.name, VERDICTS).update(days[0], LAST, lambda present: rows, run="test/verdicts")
        ingest_readings(SPEC, first_day=LAST + ONE, last_day=LAST + ONE, run="test/ingest")
        return monitor_inputs(SPEC, as_of=through + ONE, pipeline_run=f"small_shop_monitor/{through}")

    before, after = judged(days[6]), judged(LAST)
    assert (before.verdict.call, before.cause) == (False, "none")
    assert (after.verdict.word, after.verdict.call, after.cause) == ("watch", True, "concept")
    assert "hit_rate 0.2167" in after.verdict.reason
    assert "0.5500 was promised" in after.verdict.reason


def test_champion_that_ranks_worse_than_its_predecessor_is_taken_back():
    good = trained(LAST)
    promoted(LAST, good)
    bad = trained(LAST, family="popularity", name="challenge")

    def slipped_in(state):
        for key in SPEC.keys:
            state = state.with_key(key, state.of(key).promoted(bad[key], business_time(LAST)))
        return state

    Journal(SPEC.name).append(
        slipped_in, request_id="by force", action="promote", who="nobody", why="a test", evidence={},
        at=business_time(LAST),
    )  # fmt: skip
    published(LAST)
    ingest_readings(SPEC, first_day=LAST + ONE, last_day=LAST + ONE, run="test/next")

    seen = watch(SPEC, as_of=LAST + ONE, at=business_time(LAST + ONE), pipeline_run="small_shop_monitor/1")

    assert set(seen.taken_back) == {"north", "south"}
    head = Journal(SPEC.name).head()
    assert (head.action, head.who) == ("rollback", "watch")
    assert "NDCG@10 of v2 less that of v1" in head.why
    assert head.state.of("north").champion == good["north"]
    again = watch(SPEC, as_of=LAST + ONE, at=business_time(LAST + ONE), pipeline_run="small_shop_monitor/1")
    assert Journal(SPEC.name).head() == head
    assert again.taken_back == {}


def test_files_that_were_exchanged_are_not_loaded(stack):
    made = trained(LAST)["north"]
    with pytest.raises(ArtifactError, match="as it was registered"):
        artifact.load(made.model_copy(update={"digest": "0" * 64}))
    other = made.model_copy(update={"digest": "1" * 64})
    with pytest.raises(ArtifactError):
        artifact.load(other)


def test_on_a_closed_day_nothing_lands_and_the_night_goes_on():
    shut = SPEC.model_copy(update={"closed": (LAST + ONE,)})
    landed = Table(SPEC.name, "purchases").version()

    found = ingest_readings(shut, first_day=LAST + ONE, last_day=LAST + ONE, run="test/closed")

    assert (found.rows, found.rows_version) == (0, landed)
    both = ingest_readings(shut, first_day=LAST + ONE, last_day=LAST + 2 * ONE, run="test/open")
    assert both.rows > 0
    assert max(Table(SPEC.name, "purchases").days()) == LAST + 2 * ONE
    assert LAST + ONE not in Table(SPEC.name, "purchases").days()
    promoted(LAST, trained(LAST))
    published(LAST)
    seen = watch(shut, as_of=LAST + ONE, at=business_time(LAST + ONE), pipeline_run="small_shop_monitor/closed")
    assert seen.taken_back == {}


def test_too_short_a_history_is_told():
    with pytest.raises(PermanentError, match="at least 34 landed days"):
        training.prepare(
            SPEC, as_of=START + 10 * ONE, keys=SPEC.keys, pipeline_run="x/2", originator="mara",
            originator_source="schedule", reason="by night", try_number=1, airflow={},
        )  # fmt: skip


def test_answers_of_a_known_user_are_those_of_the_lists():
    made = trained(LAST)
    promoted(LAST, made)
    published(LAST)
    recommender = artifact.load(made["north"])
    lists = Table(SPEC.name, LISTS).read()
    user = int(recommender.users[0])
    mine = lists.loc[(lists["household"] == user) & (lists["variant"] == SHOWN) & (lists["task"] == "rebuy")]
    said = [item for item, _, _ in recommender.answer(user, "rebuy", 10)]
    assert mine.sort_values("rank")["product"].tolist() == said
    assert np.isfinite(mine["score"]).all()


def test_version_is_rebuilt_to_the_last_digit_also_when_later_days_have_landed():
    made = trained(LAST)
    ingest_readings(SPEC, first_day=LAST + ONE, last_day=LAST + ONE, run="test/later")

    found = reproduce(SPEC, "north", made["north"].version)

    assert found.identical, found.sentence


def test_experiment_finds_that_popularity_is_worse_and_says_what_it_could_have_found():
    last = LAST + 25 * ONE
    ingest_readings(SPEC, first_day=LAST + ONE, last_day=last, run="test/experiment")
    design = Design(
        name="popularity", market="north", champion="frequency", challenger="popularity", task="rebuy",
        first_day=LAST + 2 * ONE, days=10, effect=0.05,
    )  # fmt: skip

    found = run_experiment(SPEC, design, pipeline_run="small_shop_experiment/1")

    assert found.replay.decided.decision == "worse"
    assert 0 < found.detectable < 0.5
    assert "popularity against frequency on rebuy in north: worse on" in found.said
    again = run_experiment(SPEC, design, pipeline_run="small_shop_experiment/2")
    assert again.replay.read_outs == found.replay.read_outs, "a replay gives the same clicks"


def test_experiment_without_the_days_behind_it_is_refused():
    design = Design("x", "north", "frequency", "popularity", "rebuy", LAST + ONE, 10, 0.05)
    with pytest.raises(PermanentError, match="purchases up to"):
        run_experiment(SPEC, design, pipeline_run="small_shop_experiment/1")
    ingest_readings(SPEC, first_day=LAST + ONE, last_day=LAST + 12 * ONE, run="test/without the week behind")
    with pytest.raises(PermanentError, match=f"purchases up to {LAST + 16 * ONE}"):
        run_experiment(SPEC, design, pipeline_run="small_shop_experiment/1")
