"""The page of landed readings names what is missing, doubled, corrected or out of its usual level."""

from __future__ import annotations

import datetime as dt
import re

import pandas as pd
import pytest

from include.data.readings import ingest_readings
from include.data.readings_profile import publish_readings_profile
from include.models import tracking
from tests import small_grid
from tests.small_grid import SPEC as GRID
from tests.small_grid import START

GIVEN: dict[dt.date, dict[str, pd.DataFrame]] = {}
SPEC = GRID.model_copy(
    update={"source": GRID.source.model_copy(update={"fetch": "tests.services.data.test_readings_profile:fetch"})}
)
LAST = START + dt.timedelta(days=8)


def fetch(spec, day):
    return GIVEN[day]


def land(first_day, last_day):
    ingest_readings(SPEC, first_day=first_day, last_day=last_day, run=f"ingest/{last_day}")


@pytest.fixture
def pages(stack):
    """Give the page, and that of the quarantine, of a day on which zone 3 jumped and much else was odd."""
    GIVEN.clear()
    GIVEN.update({each: small_grid.fetch(GRID, each) for each in (START + dt.timedelta(days=n) for n in range(9))})
    rows = GIVEN[LAST]["load"]
    by_zone = dict(list(rows.groupby("zone")))
    by_zone[2] = by_zone[1].assign(zone=2)
    by_zone[3] = by_zone[3].assign(load_kw=by_zone[3]["load_kw"] * 2.7)
    by_zone[3] = pd.concat([by_zone[3].iloc[4:], by_zone[3].iloc[[9]].assign(load_kw=1.0)])
    GIVEN[LAST]["load"] = pd.concat(by_zone.values(), ignore_index=True)
    land(START, LAST)
    later = GIVEN[LAST]["temperature"].copy()
    later.loc[0, ["temperature_f", "available_at"]] = [55.5, pd.Timestamp("2007-08-01", tz="UTC")]
    GIVEN[LAST]["temperature"] = later
    land(LAST, LAST)
    run_id = publish_readings_profile(SPEC, first_day=LAST, last_day=LAST, run="ingest/profile")
    return tracking.load_text(run_id, "report.html"), tracking.load_text(run_id, "quarantine.html")


def test_what_an_engineer_looks_for_is_on_the_page(pages):
    report, quarantine = pages
    assert "2 broke a rule" in report
    assert "identical series: 1 and 2" in report
    assert "1 were corrected; the first values are kept" in report
    lines = [re.findall(r"<td>(.*?)</td>", line) for line in report.split("<tr>")]
    zones = {line[0]: line for line in lines if len(line) == 9 and "," in line[5]}
    assert zones["3"][1:3] == ["19", "5"], "readings, and missing ones"
    assert float(zones["3"][8]) == pytest.approx(2.7, abs=0.4)
    assert float(zones["1"][8]) == pytest.approx(1, abs=0.2)
    assert report.count("<img") == 4, "a plot for each kind of readings, and one of the hours that zone 3 lacks"
    assert "2 rows broke a rule" in quarantine


def test_a_range_is_described_too(pages):
    run_id = publish_readings_profile(SPEC, first_day=START, last_day=LAST, run="ingest/range")
    report = tracking.load_text(run_id, "report.html")
    assert report.count("<img") == 4
