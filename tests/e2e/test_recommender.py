"""Nights of a small shop in a real Airflow: promoted by its gates, refused, blocked and switched by people."""

from __future__ import annotations

import pytest

from include.data.tables import Table
from include.deployment.journal import Journal
from include.platform.nights import challenge, control, replay_nights
from include.recommend_ops.timeline import publish_timeline
from tests.small_shop import SPEC

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NIGHTS = 2


@pytest.fixture(scope="module")
def nights(platform):
    """Give the first and the last day of a replay."""
    return replay_nights(platform, SPEC, nights=NIGHTS)


def test_every_night_promotes_what_passed_its_gates(nights):
    entries = Journal(SPEC.name).entries()
    assert [entry.action for entry in entries] == ["promote"] * (NIGHTS + 1)
    assert set(entries[-1].state.keys) == set(SPEC.markets)
    assert all(state.previous is not None for state in entries[-1].state.keys.values())


def test_every_night_publishes_lists_and_judges_those_of_the_night_before(nights):
    first, last = nights
    assert len(Table(SPEC.name, "lists").days()) == NIGHTS + 1
    verdicts = Table(SPEC.name, "list_verdicts").read(first_day=first, last_day=last)
    assert len(verdicts) == NIGHTS * len(SPEC.markets)
    assert verdicts["hit_rate"].between(0, 1).all()


def test_a_challenger_that_is_worse_is_refused(nights, platform):
    before = Journal(SPEC.name).sequence()
    challenge(platform, platform.airflow(), SPEC, nights[1], "popularity")

    assert Journal(SPEC.name).sequence() == before
    (run, *_) = platform.airflow().runs(f"{SPEC.name}_deploy")
    assert platform.airflow().task(f"{SPEC.name}_deploy", run["dag_run_id"], "promote")["state"] == "skipped"


def test_a_version_that_was_champion_is_pinned_and_let_go(nights, platform):
    airflow = platform.airflow()
    said = control(airflow, SPEC, "pin", {"key": "north", "version": 1, "why": "the season's lists"})
    assert said.startswith("pin north by entry")
    assert Journal(SPEC.name).state().of("north").decides.version == 1
    assert control(airflow, SPEC, "pin", {"key": "north", "why": "the season is over"}).startswith("unpin north")


def test_an_experiment_is_replayed_and_read_out(nights, platform):
    from include.platform.life import finished

    airflow, dag_id = platform.airflow(), f"{SPEC.name}_experiment"
    conf = {"name": "popular", "champion": "frequency", "challenger": "popularity", "days": 3, "effect": 0.2}
    run_id = airflow.trigger(dag_id, partition_key="2017-04-10", conf=conf)
    finished(airflow, dag_id, run_id)
    assert "popularity against frequency on rebuy in north" in airflow.xcom(dag_id, run_id, "experiment")


def test_the_timeline_shows_promotions_and_what_was_done_by_hand(nights):
    first, last = nights
    found = publish_timeline(SPEC, first_day=first, last_day=last)
    assert found.days["day"].nunique() == NIGHTS
    assert {entry.action for entry in found.entries} >= {"promote", "pin", "unpin"}
