"""What lives side by side come to: efficiency is the cores' limit over the time, and whoever failed is counted."""

from __future__ import annotations

import pytest

from benchmarks import scale
from benchmarks.scale import Lived


def test_the_limit_is_the_processor_time_of_one_life_spread_over_the_cores(monkeypatch):
    monkeypatch.setattr(scale, "_CORES", 2)
    one, ten = Lived(1, 1, 90.0, 80.0, ()), Lived(4, 10, 500.0, 900.0, ())
    time, failed = scale._measured(ten, one)
    assert (time.value, time.peer.value) == (500.0, pytest.approx(10 * 80 / 2))
    assert "efficiency 80%" in time.how
    assert failed.holds


def test_a_copy_without_a_champion_misses_the_goal_and_is_told():
    ten = Lived(2, 10, 500.0, 900.0, ("train has failed: no rows",))
    *_, failed = scale._measured(ten, Lived(1, 1, 90.0, 80.0, ()))
    assert not failed.holds
    assert failed.how == "train has failed: no rows"


def test_what_the_processors_have_worked_only_grows():
    before = scale._busy()
    assert sum(range(2_000_000)) > 0
    assert scale._busy() >= before > 0
