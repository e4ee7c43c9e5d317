"""The life of a forecast in a real Airflow: landed, trained, promoted by its gates alone, issued, watched, late."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from include.data.objects import ObjectStore
from include.data.tables import Table
from include.deployment.journal import Journal
from include.forecast_ops.timeline import publish_timeline
from include.models import registry
from include.naming import tenant
from include.platform.replay import replay
from tests.platform_fixtures import until
from tests.small_grid import SPEC

pytestmark = pytest.mark.slow
DAYS = 3


@pytest.fixture(scope="module")
def replayed(platform):
    """Give the first and the last day of a replay."""
    return replay(platform, SPEC, days=DAYS)


def test_every_series_was_promoted_by_its_gates_without_a_person(replayed):
    (entry,) = Journal(SPEC.name).entries()
    assert set(entry.state.keys) == set(SPEC.keys)
    evaluations = [registry.forecast_of(state.champion) for state in entry.state.keys.values()]
    assert all(evaluation.route == "first" and evaluation.originator == "operator" for evaluation in evaluations)


def test_every_day_was_forecast_and_what_came_was_judged(replayed):
    first, last = replayed
    forecasts = Table(SPEC.name, "forecasts")
    assert forecasts.days() == {first - dt.timedelta(days=1) + dt.timedelta(days=n) for n in range(DAYS + 1)}
    newest = forecasts.read(first_day=last, last_day=last)
    assert len(newest) == len(SPEC.keys) * 24 * SPEC.horizon_days
    assert (newest["fallback"] == "").all()
    verdicts = Table(SPEC.name, "verdicts").read(first_day=last, last_day=last)
    assert set(verdicts["series"]) == set(SPEC.keys)


def test_a_repeated_command_goes_on_where_it_ended(replayed, platform):
    _, last = replayed
    first, again = replay(platform, SPEC, days=1)
    assert (first, again) == (last + dt.timedelta(days=1), last + dt.timedelta(days=1))
    assert Journal(SPEC.name).sequence() == 1


def test_the_timeline_shows_each_day(replayed):
    first, last = replayed
    found = publish_timeline(SPEC, first_day=first, last_day=last)
    assert found.days["day"].nunique() == DAYS
    assert found.days["mape"].between(0, 100).all()
    assert found.recoveries == ()


def test_a_forecast_that_is_late_calls_the_on_call(replayed, platform):
    (run, *_) = platform.airflow().runs(f"{SPEC.name}_forecast")
    folder = f"incidents/{tenant()}/{run['dag_id']}/"
    paths = until(lambda: ObjectStore().list_from(folder), seconds=60)
    told = json.loads(ObjectStore().get(paths[0]))
    assert (told["error"], told["team"]) == ("late", SPEC.team)
    assert "still under way at its deadline" in told["message"]
