"""When a champion may change, in the business's own hours."""

from __future__ import annotations

import datetime as dt

import pytest

from include.deployment.window import next_opening
from include.spec import Schedule, Window
from include.use_cases.credit_risk import SPEC

NIGHT = Window(opens=dt.time(22), closes=dt.time(6))


def spec(window: Window | None, zone: str = "Europe/Berlin"):
    return SPEC.model_copy(update={"promotion_window": window, "schedule": Schedule(time_zone=zone)})


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


@pytest.mark.parametrize("moment", ["2026-11-24T21:00+00:00", "2026-11-25T04:59+00:00"])
def test_window_over_midnight_is_open_in_its_own_time_zone(moment: str) -> None:
    assert next_opening(spec(NIGHT), at(moment)) is None


@pytest.mark.parametrize("moment", ["2026-11-25T05:00+00:00", "2026-11-25T20:59+00:00"])
def test_outside_of_it_the_next_opening_is_told(moment: str) -> None:
    assert next_opening(spec(NIGHT), at(moment)) == at("2026-11-25T21:00+00:00")


def test_window_within_a_day_opens_tomorrow_where_it_has_closed() -> None:
    morning = Window(opens=dt.time(1), closes=dt.time(5))

    assert next_opening(spec(morning, "UTC"), at("2026-11-25T04:59+00:00")) is None
    assert next_opening(spec(morning, "UTC"), at("2026-11-25T05:00+00:00")) == at("2026-11-26T01:00+00:00")
    assert next_opening(spec(morning, "UTC"), at("2026-11-25T00:30+00:00")) == at("2026-11-25T01:00+00:00")


def test_window_keeps_its_hours_where_the_clocks_change() -> None:
    assert next_opening(spec(NIGHT), at("2026-03-29T12:00+00:00")) == at("2026-03-29T20:00+00:00")


def test_without_a_window_it_is_always_open() -> None:
    assert next_opening(spec(None), at("2026-11-25T12:00+00:00")) is None
