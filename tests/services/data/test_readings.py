"""Landing hourly readings in real Delta tables: units, doubles, late and corrected values, gaps."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.data.readings import ingest_readings, known_readings, quarantined
from include.data.tables import Table
from include.errors import ContractError, SourceError
from tests import small_grid
from tests.small_grid import SPEC as GRID
from tests.small_grid import START

GIVEN: dict[dt.date, dict[str, pd.DataFrame]] = {}
SPEC = GRID.model_copy(
    update={"source": GRID.source.model_copy(update={"fetch": "tests.services.data.test_readings:fetch"})}
)


def day(number):
    return START + dt.timedelta(days=number)


def fetch(spec, of_day):
    return GIVEN[of_day]


@pytest.fixture
def given(tenant):
    """Give nine good days, of which eight have landed."""
    GIVEN.clear()
    GIVEN.update({day(number): small_grid.fetch(GRID, day(number)) for number in range(9)})
    land(0, 7)
    return GIVEN


def land(first, last=None):
    return ingest_readings(SPEC, first_day=day(first), last_day=day(first if last is None else last), run=f"t/{first}")


def changed(given, number, table, change):
    given[day(number)] = {**given[day(number)], table: change(given[day(number)][table].copy())}


def loads(**asked):
    return known_readings(SPEC, SPEC.dataset("load"), first_day=START, known_at=None, **asked)


def test_days_land_once(given):
    before = {name: Table(SPEC.name, name).version() for name in ("load", "temperature", "weather")}
    assert len(loads()) == 8 * 24 * 3
    land(0, 7)
    assert {name: Table(SPEC.name, name).version() for name in before} == before


@pytest.mark.parametrize(
    ("table", "column", "spoil", "words"),
    [
        ("load", "load_kw", lambda kw: kw / 1000, "fits MW instead of kW; 3 series are so"),
        ("temperature", "temperature_f", lambda f: (f - 32) / 1.8, "fits °C instead of °F"),
    ],
)
def test_a_day_in_another_unit_is_stopped_by_name(given, table, column, spoil, words):
    changed(given, 8, table, lambda rows: rows.assign(**{column: spoil(rows[column])}))
    with pytest.raises(ContractError, match=words):
        land(8)
    assert day(8) not in Table(SPEC.name, "load").days(), "no table of the day was written"


def test_one_zone_in_another_unit_is_named(given):
    changed(given, 8, "load", lambda rows: rows.assign(load_kw=rows["load_kw"] / np.where(rows["zone"] == 2, 1000, 1)))
    with pytest.raises(ContractError, match=r"zone 2 near .* 1 series are so"):
        land(8)


def test_a_zone_that_really_jumps_or_stands_still_is_landed(given):
    factor = {1: 2.7, 2: 0.0, 3: 1.0}
    changed(given, 8, "load", lambda rows: rows.assign(load_kw=rows["load_kw"] * rows["zone"].map(factor)))
    land(8)
    assert len(loads(last_day=day(8))) == 9 * 24 * 3


def test_an_hour_that_comes_twice_with_other_values_is_in_quarantine(given):
    def doubled(rows):
        return pd.concat([rows, rows.iloc[[5]].assign(load_kw=1.0)], ignore_index=True)

    changed(given, 8, "load", doubled)
    assert land(8).quarantined == 2
    assert quarantined(SPEC) == 2
    kept = loads()
    assert len(kept.loc[kept["day"] == day(8)]) == 71


def test_a_correction_is_added_and_what_was_known_before_stays(given):
    land(8)
    late = pd.Timestamp(day(30), tz="UTC")

    def corrected(rows):
        rows.loc[3, ["load_kw", "available_at"]] = [5.0, late]
        return rows

    changed(given, 8, "load", corrected)
    land(8)
    assert (loads()["load_kw"] == 5.0).sum() == 1
    then = known_readings(SPEC, SPEC.dataset("load"), first_day=START, known_at=late.to_pydatetime() - dt.timedelta(1))
    assert (then["load_kw"] == 5.0).sum() == 0
    assert len(then) == len(loads())


def test_what_was_not_known_at_noon_is_not_read_at_noon(given):
    noon = dt.datetime.combine(day(7), dt.time(12), dt.UTC)
    known = known_readings(SPEC, SPEC.dataset("load"), first_day=START, known_at=noon)
    assert known["time"].max() == pd.Timestamp(noon) - pd.Timedelta(hours=1)


def test_a_station_that_is_silent_is_landed_without_it(given):
    changed(given, 8, "temperature", lambda rows: rows.loc[rows["station"] != 2])
    land(8)
    known = known_readings(SPEC, SPEC.dataset("temperature"), first_day=day(8), known_at=None)
    assert set(known["station"]) == {1}


def test_a_frame_without_the_moment_it_became_known_is_refused(given):
    changed(given, 8, "load", lambda rows: rows.drop(columns="available_at"))
    with pytest.raises(SourceError, match="expected a column available_at"):
        land(8)
