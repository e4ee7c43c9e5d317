"""What goes wrong with readings never stops the total: a clear refusal, or a forecast that says what it lacks."""

from __future__ import annotations

import datetime as dt

import pytest

from include.data.tables import Table
from include.errors import SourceError
from include.forecast_ops.issue import issue
from include.forecast_ops.watch import watch
from tests import small_grid
from tests.services.forecast_ops.test_life import GRID, TRAINED, day, land, promote, trained  # noqa: F401
from tests.small_grid import START

pytestmark = pytest.mark.slow


@pytest.fixture
def live(trained):  # noqa: F811
    """Give a grid with champions, and a source that a test may spoil."""
    made, _ = trained
    promote(made, TRAINED)
    yield made
    small_grid.SPOILT.clear()


def issued(number):
    result = issue(GRID, as_of=day(number), pipeline_run=f"forecast/{number}")
    rows = Table(GRID.name, "forecasts").read(first_day=day(number), last_day=day(number))
    total = rows.loc[rows["series"] == GRID.total]
    assert len(total) == 48
    assert total["load_kw"].between(2000, 20000).all()
    return result, rows


def test_a_station_that_is_silent_for_a_week_is_done_without(live):
    for number in range(1, 8):
        small_grid.SPOILT["temperature", day(number)] = lambda rows: rows.loc[rows["station"] != 2]
        land(day(number), day(number))
    result, _ = issued(7)
    assert result.fallen_back == {}


def test_a_zone_that_goes_to_zero_is_watched_and_not_trained_on_nothing(live):
    def out(rows):
        return rows.assign(load_kw=rows["load_kw"].where(rows["zone"] != 2, 0.0))

    for number in range(1, 7):
        if number >= 4:
            small_grid.SPOILT["load", day(number)] = out
        land(day(number), day(number))
        issued(number)
    found = watch(GRID, as_of=day(6), pipeline_run="watch/6")
    verdicts = Table(GRID.name, "verdicts").read().set_index("series")
    assert verdicts.loc["2", "verdict"] == "watch"
    assert "an outage, or a delivery that was lost" in verdicts.loc["2", "reason"]
    assert "2" not in found.keys


def test_a_meter_that_is_stuck_is_watched_and_not_trained_on(live):
    for number in range(1, 9):
        if number in (3, 4, 5, 6):
            small_grid.SPOILT["load", day(number)] = lambda rows: rows.assign(
                load_kw=rows["load_kw"].where(rows["zone"] != 2, 9000.0)
            )
        land(day(number), day(number))
        issued(number)
        assert watch(GRID, as_of=day(number), pipeline_run=f"watch/{number}").keys == ()
    said = Table(GRID.name, "verdicts").read(first_day=day(8), last_day=day(8)).set_index("series")
    days = ", ".join(f"{day(number)}" for number in (3, 4, 5, 6))
    assert said.loc["2", "reason"] == f"a meter was stuck: one reading came for all hours of {days}; no model mends it"
    assert list(said["verdict"]) == ["healthy", "watch", "healthy", "watch"], "zones 1 to 3, and their total"


def test_a_day_that_is_late_is_filled_and_flagged_until_it_comes(live):
    land(day(1), day(1))
    land(day(3), day(3))
    result, rows = issued(3)
    assert result.gaps == dict.fromkeys(GRID.keys, 24)
    assert set(rows["filled_hours"]) == {24}
    land(day(2), day(2))
    mended, _ = issued(3)
    assert mended.gaps == {}


def test_a_day_with_nothing_before_it_is_refused(live):
    before = START - dt.timedelta(days=1)
    with pytest.raises(SourceError, match=r"expected landed loads and temperatures, but saw 0 and 0"):
        issue(GRID, as_of=before, pipeline_run="forecast/before")
    assert before not in Table(GRID.name, "forecasts").days()
