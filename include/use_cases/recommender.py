"""Recommendations of a grocery shop: what a household will buy again, and what it may like and has not bought yet.

The Complete Journey is a recording of 2017; its days are the partitions, under their own dates. It knows stores and no
regions, so the markets are groups of stores that were made for it, and said to be so.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from include.policy import Policy
from include.recommendation import Campaign, Recommendation, RecommendationGates
from include.spec import Column, Contract, Dataset, Monitoring, Risk, Role, Schedule, Serving, Source, Window

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

PURCHASES = Dataset(
    table="purchases",
    series="household",
    value="quantity",
    contract=Contract(
        columns=(
            Column(name="household", dtype="integer", role=Role.IDENTIFIER, minimum=1, description="household"),
            Column(name="basket", dtype="integer", role=Role.IDENTIFIER, minimum=1, description="one visit's purchase"),
            Column(name="product", dtype="integer", role=Role.IDENTIFIER, minimum=1, description="product"),
            Column(name="store", dtype="integer", minimum=1, description="store"),
            Column(name="time", dtype="datetime", description="moment of the purchase, as if it were UTC"),
            Column(
                name="quantity", dtype="integer", minimum=-1000, maximum=100_000,
                description="pieces, or the fuel's own unit; not above 0 where something was given back",
            ),
            Column(name="sales", dtype="number", minimum=-1000, maximum=10_000, description="what was paid, US$"),
        ),
        min_rows=100,
        max_quarantine_share=0.02,
    ),
)  # fmt: skip

SPEC = Recommendation(
    name="recommender",
    title="Recommender",
    owner="mara",
    team="shop-oncall",
    goal="Show each household what it is about to buy, and something that it will like and does not know yet.",
    kpi="share of households that buy something from their list",
    kpi_unit="households a day in 100",
    risk=Risk(
        likelihood=3,
        impact=2,
        reasons=(
            "A bad list costs a sale; nobody is refused anything by it.",
            "A purchase history is personal; lists may not tell others what is in it.",
        ),
    ),
    source=Source(
        fetch="include.use_cases.recommender:fetch",
        description="The Complete Journey: an anonymised retail panel (84.51°, dunnhumby), 1.47 million purchases of "
        "2,469 households in 2017.",
        licence="CC0, after the R package completejourney",
        recorded_from=dt.date(2017, 11, 1),
        history_days=304,
        scenarios="include.data.scenarios:shop",
    ),
    datasets=(PURCHASES,),
    closed=(dt.date(2017, 12, 25),),
    markets=("group_1", "group_2", "group_3", "group_4"),
    # A store's number says nothing of where it is: these groups, of about a quarter each, were made for the panel.
    store_bounds=(330, 370, 420),
    items="include.data.journey:products",
    households="include.data.journey:demographics",
    campaigns="include.use_cases.recommender:campaigns",
    families=("popularity", "frequency", "item_knn", "ease", "rate"),
    min_history_days=90,
    fewest_households=30,
    gates=RecommendationGates(non_inferiority_margin=0.01, max_champion_age_days=0, max_latency_ms=20),
    schedule=Schedule(ingest="0 2 * * *", retrain="0 12 * * 1", time_zone="America/New_York"),
    monitoring=Monitoring(groups=("market",)),
    # Yesterday's lists do no harm: what is wrong today is not learned, and the team is called; so it is where lists
    # bring far less than before, for every night trains anyway. The margin is as deep a fall as the gates allow.
    policy=Policy(on_data_fault="call", on_performance="call", on_drift="watch", on_selection="watch", margin=0.25),
    promotion_window=Window(opens=dt.time(18), closes=dt.time(6)),
    serving=Serving(deadline_ms=50, outputs=None),
)  # fmt: skip


def fetch(spec: Recommendation, day: dt.date) -> Mapping[str, pd.DataFrame]:
    """Return a day's purchases; they are known when the day has ended.

    Raises:
        SourceError: the recording has no such day.
    """
    from include.data.journey_replay import recorded_day

    return recorded_day(day)


def campaigns(day: dt.date) -> list[Campaign]:
    """Return the campaigns that run on a day, with whom they reach and what they have coupons for."""
    from include.data import journey

    reached, coupons = journey.campaign_households(), journey.campaign_coupons()
    every = journey.campaigns()
    return [
        Campaign(
            campaign=each.campaign,
            last_day=each.last_day,
            households=frozenset(reached.loc[reached["campaign"] == each.campaign, "household"].tolist()),
            products=frozenset(coupons.loc[coupons["campaign"] == each.campaign, "product"].tolist()),
        )
        for each in every.loc[(every["first_day"] <= day) & (every["last_day"] >= day)].itertuples()
    ]
