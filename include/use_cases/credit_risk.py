"""Consumer credit risk: the probability that a card client fails to pay next month.

The data has no row time: it is one snapshot of 30,000 clients. So arrivals are made up and said to be so: clients are
put in a fixed order by the hash of their id and arrive in 180 equal days. Nothing in here may be read as seasonality.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from include.classification import Candidate, Classification, Costs, Fairness, Feature, Gates
from include.spec import Column, Contract, Monitoring, Risk, Role, Rollout, Schedule, Serving, Source

if TYPE_CHECKING:
    from include.data.sources import Batch

DAYS = 180  # as in include.data.replay

_MONTHS = ("September", "August", "July", "June", "May", "April")
_PAY = ("PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6")
_BILLS = tuple(f"BILL_AMT{month}" for month in range(1, 7))
_PAID = tuple(f"PAY_AMT{month}" for month in range(1, 7))

_COLUMNS = (
    Column(name="ID", dtype="integer", role=Role.IDENTIFIER, description="client", minimum=1),
    Column(name="SEX", dtype="integer", role=Role.PROTECTED, description="0 male, 1 female", allowed=(0, 1)),
    Column(name="AGE", dtype="integer", role=Role.PROTECTED, description="years", minimum=18, maximum=110),
    Column(
        name="MARRIAGE", dtype="integer", role=Role.PROTECTED, allowed=(0, 1, 2, 3), categorical=True,
        description="1 married, 2 single, 3 other; 0 is not documented",
    ),
    Column(
        name="EDUCATION", dtype="integer", allowed=(0, 1, 2, 3, 4, 5, 6), categorical=True,
        description="1 graduate school, 2 university, 3 high school, 4 other; 0, 5 and 6 are not documented",
    ),
    Column(name="LIMIT_BAL", dtype="number", description="credit limit, NT$", minimum=0, maximum=1e8),
    *(
        Column(
            name=name, dtype="integer", minimum=-2, maximum=8,
            description=f"months of delay in {month} 2005; -1 paid duly, 0 and -2 not documented",
        )
        for name, month in zip(_PAY, _MONTHS, strict=True)
    ),
    *(
        Column(name=name, dtype="number", minimum=-1e7, maximum=1e8, description=f"bill of {month} 2005, NT$")
        for name, month in zip(_BILLS, _MONTHS, strict=True)
    ),
    *(
        Column(name=name, dtype="number", minimum=0, maximum=1e8, description=f"paid in {month} 2005, NT$")
        for name, month in zip(_PAID, _MONTHS, strict=True)
    ),
    Column(
        name="default", dtype="integer", role=Role.TARGET, allowed=(0, 1), description="1 if not paid in October 2005"
    ),
)  # fmt: skip

_FEATURES = (
    Feature(name="utilisation", op="ratio", columns=("BILL_AMT1", "LIMIT_BAL"), owner="carol",
            description="newest bill over the limit: who is near the limit has nothing left to fall back on"),
    Feature(name="utilisation_before", op="ratio", columns=("BILL_AMT6", "LIMIT_BAL"), owner="carol",
            description="oldest bill over the limit"),
    Feature(name="paid_share", op="ratio", columns=("PAY_AMT1", "BILL_AMT2"), owner="carol",
            description="what was paid of the bill before"),
    Feature(name="worst_delay", op="maximum", columns=_PAY, owner="carol", description="worst of six months"),
    Feature(name="mean_delay", op="mean", columns=_PAY, owner="carol", description="mean of six months"),
    Feature(name="months_late", op="count_positive", columns=_PAY, owner="carol", description="months with a delay"),
    Feature(name="bill_trend", op="slope", columns=tuple(reversed(_BILLS)), owner="carol",
            description="change of the bill a month"),
    Feature(name="mean_bill", op="mean", columns=_BILLS, owner="carol", description="mean of six bills"),
    Feature(name="total_paid", op="total", columns=_PAID, owner="carol", description="paid in six months"),
    Feature(name="smallest_payment", op="minimum", columns=_PAID, owner="carol", description="least paid in a month"),
)  # fmt: skip

SPEC = Classification(
    name="credit_risk",
    title="Consumer credit risk",
    owner="carol",
    team="credit-risk-oncall",
    goal="Decline few who would have paid, and accept few who will not.",
    kpi="expected cost of a decision",
    kpi_unit="share of the credit limit",
    risk=Risk(
        likelihood=3,
        impact=5,
        reasons=(
            "A wrong decline keeps a person from credit; a systematic one is discrimination.",
            "Payment histories drift with the economy, and the truth is known a month late.",
            "Credit scoring of persons is named as high-risk by the EU's AI Act, Annex III.",
        ),
    ),
    source=Source(
        fetch="include.use_cases.credit_risk:fetch",
        description="Taiwan card clients of 2005 (UCI 350). The data has no row time: arrivals are replayed on made-up "
        "days, in a fixed order by hashed id, 180 days in all.",
        licence="CC BY 4.0; I-C. Yeh and C. Lien, Expert Systems with Applications 36 (2009)",
        recorded_days=DAYS,
        history_days=120,
        scenarios="include.data.scenarios:credit",
    ),
    contract=Contract(columns=_COLUMNS, min_rows=50, volume_ratio=(0.5, 2.0), max_quarantine_share=0.05),
    label_delay_days=30,
    fresh_days=30,
    features=_FEATURES,
    candidates=(
        Candidate(name="logistic", build="include.models.candidates:logistic", search={"C": (0.03, 0.3)},
                  interpretable=True),
        Candidate(name="scorecard", build="include.models.candidates:scorecard", params={"max_bins": 8},
                  search={"C": (1.0,)}, interpretable=True),
        Candidate(name="boosting", build="include.models.candidates:boosting",
                  params={"max_iter": 250, "learning_rate": 0.03, "min_samples_leaf": 40},
                  search={"max_leaf_nodes": (8, 16), "l2_regularization": (1.0, 20.0)}),
    ),
    search_budget=6,
    costs=Costs(
        unit="share of the credit limit", false_accept=0.45, false_decline=0.18, review=0.005, review_share=0.1
    ),
    gates=Gates(
        non_inferiority_margin=0.005,
        max_champion_age_days=30,
        fairness=(
            Fairness(column="SEX", min_ratio=0.8, min_group=100),
            Fairness(column="AGE", bands=(25, 40, 60), min_ratio=0.8, min_group=100),
        ),
        raises_risk=_PAY,
    ),
    schedule=Schedule(retrain="0 4 1,15 * *"),  # docs/retraining.md: every two weeks is no worse than every week
    monitoring=Monitoring(window_days=7, min_rows=500, confirm=(2, 3), groups=("EDUCATION", "LIMIT_BAL", "PAY_0")),
    rollout=Rollout(weights=(0.1, 0.5)),
    serving=Serving(deadline_ms=100, out_of_range="flag", outputs=(0, 1)),
)  # fmt: skip


def fetch(spec: Classification, day: dt.date) -> Batch:
    """Return the clients that arrive on a day, and their truth.

    Raises:
        SourceError: the recording has no such day.
    """
    from include.data.replay import credit_clients, recorded_day
    from include.data.sources import Batch

    place = recorded_day(spec, day, days=DAYS)
    clients = credit_clients()
    arrived = clients.loc[clients["arrival"] == place].drop(columns="arrival")
    target = spec.contract.target
    truth = arrived[[spec.contract.key, target]].assign(day=day)
    return Batch(rows=arrived.drop(columns=target).reset_index(drop=True), truth=truth.reset_index(drop=True))
