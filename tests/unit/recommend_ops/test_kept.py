"""Whether lists bring what they brought: told beside the weeks before, and only where days enough were judged."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.recommend_ops.kept import beside_before, promise
from tests.small_shop import SPEC, START

_ONE = dt.timedelta(days=1)
_LAST = START + 20 * _ONE
_MARGIN = SPEC.policy.margin


def judged(rates, *, version=7, last=_LAST):
    """Return the watch's rows of two markets, which are a bit apart, for days that end with the last one."""
    days = [last - back * _ONE for back in range(len(rates))][::-1]
    return pd.DataFrame(
        {"day": day, "market": market, "model_version": version, "households": 100, "hit_rate": rate + apart}
        for day, rate in zip(days, rates, strict=True)
        for market, apart in (("north", 0.02), ("south", -0.02))
    )


@pytest.mark.parametrize(("newest", "broken"), [
    ((0.25, 0.19, 0.21), True),
    ((0.54, 0.25, 0.19), False),  # as many days as were changed: one of the three was still as before
    ((0.50, 0.60, 0.52), False),
    ((0.70, 0.75, 0.72), False),  # better than before
])  # fmt: skip
def test_lists_that_bring_far_less_than_before_have_broken_a_promise(newest, broken):
    found = beside_before(SPEC, judged([0.58, 0.53, 0.54, 0.55, 0.61, 0.62, 0.54, *newest]), _LAST)
    assert found.promised == pytest.approx(np.mean([0.58, 0.53, 0.54, 0.55, 0.61, 0.62, 0.54]))
    assert found.seen.value == pytest.approx(np.mean(newest))
    assert (found.first_day, found.last_day, found.rows) == (_LAST - 2 * _ONE, _LAST, 600)
    assert found.broken(_MARGIN) is broken


def test_a_diagnosis_is_told_the_same():
    found = beside_before(SPEC, judged([0.55] * 7 + [0.25, 0.19, 0.21]), _LAST)
    told = promise(found, _MARGIN)
    assert told.broken
    assert (told.expected.low, told.expected.high) == pytest.approx((0.55 * 0.75, 0.55 * 1.25))
    assert not promise(beside_before(SPEC, judged([0.55] * 10), _LAST), _MARGIN).broken


def test_lists_of_the_fall_back_are_nobodys_quality():
    rows = judged([0.55] * 7 + [0.25, 0.19, 0.21])
    off = rows["day"] > _LAST - 3 * _ONE
    assert beside_before(SPEC, rows.assign(model_version=np.where(off, 0, 7)), _LAST) is None
    in_one = off & (rows["market"] == "north")
    found = beside_before(SPEC, rows.assign(model_version=np.where(in_one, 0, 7)), _LAST)
    assert found.rows == 300


@pytest.mark.parametrize(
    "rows",
    [judged([0.5] * 5), judged([0.5] * 10, last=_LAST - _ONE), judged([np.nan] * 10)],
    ids=["too few days", "the newest is not judged", "nobody bought"],
)
def test_what_cannot_be_told_is_not(rows):
    assert beside_before(SPEC, rows, _LAST) is None
