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


def test_a_run_that_is_gone_on_with_leaves_out_the_workers_it_had_ended(monkeypatch):
    def lives(workers, counts, say):
        for copies in counts:
            yield from scale._measured(Lived(workers, copies, 9.0, 9.0, ()), Lived(workers, 1, 9.0, 9.0, ()))

    monkeypatch.setattr(scale, "_lives", lives)
    monkeypatch.setattr(scale, "many_measures", lambda say: iter(()))
    every = [each.name for each in scale.measures(print)]
    assert len(set(every)) == len(every) == 18
    ended = set(every[: every.index("10 lives on 2 workers")])
    left = [each.name for each in scale.measures(print, ended)]
    assert left == every[6:]


def test_the_plot_shows_every_number_of_workers_and_its_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(scale, "RESULTS", tmp_path)
    scale.plot(
        measure
        for workers in (1, 2, 4)
        for copies in (1, 10, 50)
        for measure in scale._measured(Lived(workers, copies, 50.0 * copies, 80.0, ()), Lived(workers, 1, 50, 80.0, ()))
    )
    assert (tmp_path / "scale.png").stat().st_size > 10_000


def test_what_the_processors_have_worked_only_grows():
    before = scale._busy()
    assert sum(range(2_000_000)) > 0
    assert scale._busy() >= before > 0
