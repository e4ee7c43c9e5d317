"""Another mix where rows of a day depend: markets that are visited less, and zones that take what others gave."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.monitoring.causes import diagnose
from include.monitoring.drift import ColumnDrift, detect
from include.monitoring.profile import build
from include.monitoring.selection import exchanged
from include.monitoring.window import read

START, DAYS, A_DAY = dt.date(2025, 1, 1), 200, 400
ZONES = ("load 1", "load 2", "load 3", "load 4")


def lines(first, days, *, away=0.0, dearer=1.0):
    """Return lines of baskets and their days: prices differ from day to day, and a share stays away from market a."""
    parts = []
    for number in range(first, first + days):
        lots = np.random.default_rng([5, number])
        rows = pd.DataFrame(
            {
                "market": lots.choice(["a", "b", "c"], A_DAY, p=[0.5, 0.3, 0.2]),
                "price": lots.lognormal(lots.normal(0, 0.25), 0.5, A_DAY) * dearer,
                "day": START + dt.timedelta(days=number),
            }
        )
        parts.append(rows.loc[(rows["market"] != "a") | (lots.random(A_DAY) >= away)])
    found = pd.concat(parts, ignore_index=True)
    return found[["market", "price"]], found["day"]


@pytest.mark.parametrize(
    ("change", "cause", "column"),
    [({}, "none", ()), ({"away": 0.6}, "selection", ("market",)), ({"dearer": 2.5}, "environment", ("price",))],
    ids=["calm", "fewer in one market", "dearer"],
)
def test_lines_of_baskets_show_another_mix_by_the_market_alone(change, cause, column):
    rows, days = lines(0, DAYS)
    reference = build(rows, groups=("market",), days=days, dependent=True)
    window, dates = lines(DAYS, 7, **change)
    seen = read(reference, window)
    drift = detect(reference, seen, rate=0.02, first_day=dates.iloc[0], last_day=dates.iloc[-1])
    found = diagnose(reference, seen, drift, free_levels=True)
    assert (found.cause, found.columns) == (cause, column), found.evidence


def column(name, effect=0.0, shift=0.0):
    return ColumnDrift(
        column=name, kind="number", test="smooth test", statistic=0, p_value=0, adjusted_p=0, effect=effect,
        shift=shift, missing_before=0, missing_now=0, psi=0, significant=True, drifted=effect > 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ([column("load 1", 2, -0.3), column("load 2", 3, 0.6), column("load total")], (["load 2"], ["load 1"])),
        ([column("load 1", 2, 0.3), column("load 2", 3, 0.6), column("load total")], ([], [])),
        ([column("load 1", 2, -0.3), column("load 2", 3, 0.6), column("load total", 0.9, 0.2)], ([], [])),
        ([column("load 1", 0.4, -0.3), column("load 2", 3, 0.6), column("load total")], ([], [])),
        ([column("load 1", 2, -0.3), column("heat", 3, 0.6), column("load total")], ([], [])),
        ([column("load 1", 2, -0.3), column("load 2", 3, 0.6)], ([], [])),
    ],
    ids=["took and gave", "took alone", "the whole moved", "gave little", "no part", "no whole"],
)
def test_parts_take_what_others_gave_only_where_the_whole_stands_still(columns, found):
    assert exchanged(columns, ZONES, "load total") == found


def grid(first, days, *, switched=0.0):
    """Return hours of four zones and their total, and their days; some of zone 1's load is supplied by zone 2."""
    lots = np.random.default_rng([7, first])
    level = np.repeat(lots.normal(1, 0.05, days), 24) + 0.3 * np.sin(np.arange(24 * days) / 24 * 2 * np.pi)
    rows = pd.DataFrame({name: 100 * (1 + place) * level * lots.normal(1, 0.02, 24 * days)
                         for place, name in enumerate(ZONES)})  # fmt: skip
    moved = switched * rows["load 1"]
    rows = rows.assign(**{"load 1": rows["load 1"] - moved, "load 2": rows["load 2"] + moved})
    rows["load total"] = rows.sum(axis=1)
    return rows, pd.Series([START + dt.timedelta(days=first + hour // 24) for hour in range(24 * days)])


@pytest.mark.parametrize(("switched", "cause"), [(0.0, "none"), (0.5, "selection")])
def test_lines_that_are_switched_are_another_mix_of_zones(switched, cause):
    rows, days = grid(0, DAYS)
    reference = build(rows, days=days, dependent=True)
    window, dates = grid(DAYS, 7, switched=switched)
    seen = read(reference, window)
    drift = detect(reference, seen, rate=0.05, first_day=dates.iloc[0], last_day=dates.iloc[-1])
    found = diagnose(reference, seen, drift, free_levels=True, parts=ZONES, whole="load total")
    assert found.cause == cause, found.evidence
    if switched:
        assert found.columns == ("load 2", "load 1")
        assert found.evidence == ("load total stands still, while load 2 took and load 1 gave",)
        assert diagnose(reference, seen, drift, free_levels=True).cause == "environment"
