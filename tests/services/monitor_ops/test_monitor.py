"""The monitor of a bank's weeks: what it says of each, why, and what it does by itself."""

from __future__ import annotations

import numpy as np
import pytest

from include.clock import business_time
from include.deployment.controls import Asked, switch
from include.deployment.journal import Journal
from include.models import tracking
from include.monitor_ops.findings import Findings
from include.monitor_ops.monitor import VERDICT, monitor
from include.monitor_ops.response import stopped
from include.naming import DEFAULT_KEY
from tests.services.monitor_ops.conftest import SPEC

BILLS = [f"BILL_AMT{month}" for month in range(1, 7)]
PAID = [f"PAY_AMT{month}" for month in range(1, 7)]


def prices(rows, truth):
    """Let everything cost more, for everybody."""
    return rows.assign(**{name: (rows[name] * 1.5).round() for name in [*BILLS, *PAID]}), truth


def thousands(rows, truth):
    """Deliver limits in thousands."""
    return rows.assign(LIMIT_BAL=rows["LIMIT_BAL"] / 1000), truth


def turned(rows, truth):
    """Let those default who did not, for a part of the clients."""
    lots = np.random.default_rng(len(rows)).random(len(truth)) < 0.3
    return rows, truth.assign(default=np.where(lots, 1 - truth["default"], truth["default"]))


def findings(result):
    return tracking.load_record(result.run_id, VERDICT, Findings)


@pytest.mark.slow
def test_calm_weeks_are_healthy_and_their_truth_is_as_it_was_foretold(bank):
    words = [bank.week().verdict.word for _ in range(3)]
    assert words == ["healthy"] * 3
    found = findings(bank.seen[-1])
    assert len(found.qualities) == 3
    assert not any(promise.broken for each in found.qualities for promise in each.promises)
    assert found.waiting > 1000
    assert {each.column for each in found.qualities[-1].slices} == {"EDUCATION", "LIMIT_BAL", "PAY_0"}
    assert "For the owners" in tracking.load_text(bank.seen[-1].run_id, "monitor.html")


@pytest.mark.slow
def test_a_change_of_the_world_is_confirmed_and_asks_for_a_training(bank):
    assert bank.week().verdict.word == "healthy"
    seen = [bank.week(prices) for _ in range(2)]
    assert [(each.verdict.word, each.cause) for each in seen] == [("watch", "environment"), ("retrain", "environment")]
    assert stopped(SPEC) == {}


def test_wrong_data_stops_calls_and_trains_nothing_until_a_person_lifts_it(bank):
    bank.week()
    seen = bank.week(thousands)
    assert (seen.verdict.word, seen.cause, seen.verdict.call) == ("stop", "values", True)
    assert "LIMIT_BAL" in seen.verdict.reason
    assert "LIMIT_BAL" in stopped(SPEC)[DEFAULT_KEY]
    assert not bank.state.switch_on
    entry = Journal(SPEC.name).entries()[-1]
    assert (entry.who, entry.action) == ("monitor", "switch off")

    asked = Asked(who="ann", why="mended at its source", request_id="lift", at=business_time(bank.last_day))
    switch(SPEC, [DEFAULT_KEY], on=True, asked=asked)
    assert stopped(SPEC) == {}
    assert bank.week().verdict.word == "healthy"


@pytest.mark.slow
def test_a_relation_that_turned_is_seen_by_the_truth_alone(bank):
    assert bank.week(turned).verdict.word == "healthy"
    seen = bank.week(turned)
    assert (seen.verdict.word, seen.cause) == ("retrain", "concept")
    assert "auc" in seen.verdict.reason


@pytest.mark.slow
def test_a_champion_that_lost_to_the_one_before_is_rolled_back(bank):
    first = bank.state.champion
    bank.overridden()
    assert bank.state.previous == first
    seen = bank.week()
    assert (seen.verdict.word, seen.verdict.call) == ("roll back", True)
    assert f"against v{first.version}" in seen.verdict.reason
    assert bank.state.champion == first
    assert Journal(SPEC.name).entries()[-1].action == "rollback"


@pytest.mark.slow
def test_a_repeated_run_says_the_same_and_does_nothing_twice(bank):
    bank.week()
    first = bank.week(thousands)
    again = monitor(SPEC, as_of=bank.last_day, pipeline_run="week 2")
    assert (again.verdict, again.run_id) == (first.verdict, first.run_id)
    assert [entry.action for entry in Journal(SPEC.name).entries()] == ["promote", "switch off"]


@pytest.mark.slow
def test_a_dry_run_judges_and_changes_nothing(bank):
    bank.week(thousands, dry_run=True)
    assert bank.seen[-1].verdict.word == "stop"
    assert bank.seen[-1].done == "dry run: would switch off default"
    assert bank.state.switch_on
