"""Whole replays in a real Airflow: in each scenario the loop does what it ought to, and a timeline shows it."""

from __future__ import annotations

import os

import pytest

from include.platform import processes
from include.platform.scenarios import planned, replay_scenario
from include.platform.state import Home
from include.scenario import SCENARIOS
from include.settings import settings
from include.use_cases.credit_risk import SPEC as CREDIT
from tests.platform_fixtures import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]


@pytest.fixture
def cached():
    """Keep the recordings beside other tests', and leave no trace of the replay's settings."""
    before = dict(os.environ)
    os.environ.setdefault("FLIGHTDECK_CACHE_DIR", str(ROOT / ".flightdeck/cache"))
    yield
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_loop_of_credit_risk_does_right(cached, tmp_path, scenario, capsys):
    found = replay_scenario(CREDIT, planned(CREDIT, scenario), tmp_path / "home", say=print)
    assert [each for each in found.checks if not each.holds] == [], capsys.readouterr().out
    assert found.page.with_suffix(".png").stat().st_size > 10_000
    assert processes.marked(tmp_path / "home") == set()
    assert Home(tmp_path / "home").load().scenario == scenario
