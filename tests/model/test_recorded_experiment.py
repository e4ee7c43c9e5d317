"""An experiment replayed on recorded purchases: where the page's rates come from."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from include.data import journey
from include.experiments.click_model import ClickModel
from include.experiments.plan import Assumptions, alike, explained, plan
from include.experiments.replay import ReplayDay, replay

pytestmark = pytest.mark.slow  # downloads 32 MB, once
FIRST, DAYS, WINDOW = dt.date(2017, 11, 1), 28, dt.timedelta(7)
PLANNED = plan(Assumptions(baseline=0.1, days=DAYS, correlation=0.2), effect=0.02)


@pytest.fixture(scope="module")
def purchases(recordings):
    rows = journey.events().merge(journey.products()[["product", "department"]], on="product")
    rows = rows[(rows["quantity"] > 0) & ~rows["department"].isin(["MISCELLANEOUS", "FUEL", "COUPON"])]
    return pd.DataFrame(
        {"unit": rows["household"].astype(str), "item": rows["product"].astype(str), "day": rows["time"].dt.date}
    )


def lists(purchases, until):
    """Return lists of the most popular items, and of what each household has bought most often, filled up with them."""
    past = purchases[purchases["day"] < until]
    popular = past.groupby("item")["unit"].nunique().sort_values(ascending=False, kind="stable").index[:10].tolist()
    counts = past.groupby(["unit", "item"]).size().reset_index(name="n")
    counts = counts.sort_values(["unit", "n", "item"], ascending=[True, False, True]).groupby("unit").head(10)
    own = counts.groupby("unit")["item"].apply(list).to_dict()
    units = sorted(purchases["unit"].unique())
    filled = {unit: list(dict.fromkeys([*own.get(unit, []), *popular]))[:10] for unit in units}
    return {"popular": dict.fromkeys(units, popular), "own": filled}


def played(purchases, champion, challenger, *, first=FIRST, salt="november"):
    known = lists(purchases, first)

    def days():
        for day in (first + dt.timedelta(n) for n in range(DAYS)):
            window = purchases[(purchases["day"] >= day) & (purchases["day"] < day + WINDOW)]
            truth = window.groupby("unit")["item"].apply(set).to_dict()
            yield ReplayDay(day, {"champion": known[champion], "challenger": known[challenger]}, truth)

    return replay(days(), PLANNED, salt=salt, use_case="recommender", key="default", model=ClickModel())


@pytest.mark.parametrize(
    ("name", "rate", "correlation", "past"), [("popular", 0.095, 0.157, 0.49), ("own", 0.178, 0.219, 0.58)]
)
def test_rates_are_what_the_page_says_and_equal_lists_do_not_differ(purchases, name, rate, correlation, past):
    found = played(purchases, name, name)
    before = played(purchases, name, name, first=FIRST - dt.timedelta(DAYS), salt="october").observations
    assert found.decided.decision == "no difference"
    assert alike(found.observations.outcomes) == pytest.approx((rate, correlation), abs=0.0015)
    assert explained(before.outcomes.mean(axis=1), found.observations.outcomes) == pytest.approx(past, abs=0.01)


def test_own_items_beat_popular_ones_on_the_fourth_day(purchases):
    decided = played(purchases, "popular", "own").decided
    assert (decided.decision, decided.look) == ("better", 4)
