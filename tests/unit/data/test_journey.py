"""The recorded purchases as published: how many there are, and what is not whole about them."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pandas as pd
import pytest

from include.data import journey
from include.recommending.evaluation import judge, outcome
from include.recommending.events import clean
from include.recommending.families import family
from include.recommending.interactions import interactions
from include.recommending.preparation import ColdStart, markets, warm
from include.settings import settings
from include.use_cases.recommender import SPEC

pytestmark = pytest.mark.slow  # downloads 32 MB, once

UNUSED = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_URI",
          "FLIGHTDECK_JOURNAL_KEY")  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def cached():
    folder = os.environ.get("FLIGHTDECK_CACHE_DIR", str(Path.cwd() / ".flightdeck/cache"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLIGHTDECK_CACHE_DIR", folder)
        for name in UNUSED:
            patch.setenv(name, "not used here")
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def events(cached):
    return journey.events()


def test_every_line_is_there_in_the_order_of_time(events):
    assert len(events) == 1_469_307
    assert events[["household", "product", "basket", "store"]].nunique().tolist() == [2_469, 68_509, 155_848, 457]
    assert events["time"].is_monotonic_increasing
    assert not events.isna().any().any()
    assert (events["quantity"] <= 0).sum() == 8_869
    assert not events.duplicated(["basket", "product"]).any()


def test_a_few_of_the_last_purchases_are_of_the_next_year(events):
    assert events["time"].iloc[0].date() == journey.FIRST_DAY
    after = events[events["time"] >= pd.Timestamp("2018-01-01", tz="UTC")]
    assert 0 < len(after) < 1_000
    assert after["time"].max() < pd.Timestamp("2018-01-01 05:00", tz="UTC")


def test_facts_are_texts_also_where_nothing_was_recorded():
    facts = journey.products()
    assert (len(facts), facts["product"].is_unique) == (92_331, True)
    assert facts.loc[facts["type"] != "", "type"].nunique() == 2_378
    assert not facts.isna().any().any()
    people = journey.demographics()
    assert (len(people), people["household"].is_unique) == (801, True)
    assert not people.isna().any().any()


def test_campaigns_have_days_coupons_and_households():
    campaigns, coupons = journey.campaigns(), journey.campaign_coupons()
    assert len(campaigns) == 27
    assert (campaigns["first_day"] < campaigns["last_day"]).all()
    assert set(coupons["campaign"]) == set(campaigns["campaign"])
    assert journey.campaign_households()["household"].nunique() == 1_559
    redeemed = journey.redemptions()
    assert (len(redeemed), redeemed["household"].nunique()) == (2_102, 410)


def test_the_rules_drop_little_and_the_store_groups_are_of_one_size(events):
    found = clean(events, journey.products())
    assert found.dropped["no quantity"] == 8_869
    assert sum(found.dropped.values()) < 0.03 * len(events)
    sizes = markets(found.events, SPEC.store_bounds, SPEC.markets).value_counts()
    assert sizes.min() > 0.2 * sizes.sum()


def test_the_published_baselines_come_out_as_they_did_elsewhere(events):
    """Reference numbers of plain baselines, found with other code on the same split."""
    kept = events[events["quantity"] > 0]
    known = warm(kept, ColdStart(fewest_items=10, fewest_households=75))
    assert (len(known.users), len(known.items)) == (2_322, 2_147)
    x = interactions(kept, journey.products(), dt.date(2017, 11, 1), known)
    bought = outcome(kept, x, days=62)
    expected = {"popularity": ("discover", 0.071), "frequency": ("rebuy", 0.4946), "plain_ease": ("discover", 0.088)}
    for name, (task, ndcg) in expected.items():
        judged = judge(family(name).fit(x).scores(), x, bought, task)
        assert pd.Series(judged.ndcg).mean() == pytest.approx(ndcg, abs=0.0006)
        assert pd.Series(judged.ndcg).count() == {"discover": 2_091, "rebuy": 2_122}[task]
