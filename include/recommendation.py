"""What a recommendation is, as data: which items a customer is shown, for two tasks, in several markets.

Checked when the DAG file is parsed, like ``include.spec``, of which it is one kind.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from include.part import Name, Part, Share
from include.spec import DatasetUseCase, PromotionGates

Task = Literal["rebuy", "discover"]
TASKS: tuple[Task, ...] = ("rebuy", "discover")
BaselineName = Literal["popularity", "frequency"]
FamilyName = Literal[
    BaselineName, "item_knn", "als", "plain_ease", "ease", "recent_ease", "ease_counts", "rate", "blend"
]


class RecommendationGates(PromotionGates):
    """What a candidate must show before its lists are shown to anybody."""

    max_fall: Share = Field(
        default=0.25, description="fall of the primary metric below the champion's own evaluation that is too deep"
    )
    min_coverage: Share = Field(default=0.05, description="share of the catalogue that appears in somebody's list")
    min_subgroup_ratio: Share = Field(
        default=0.5, description="smallest allowed ratio of a subgroup's quality to that of all, interval included"
    )
    min_subgroup: int = Field(default=20, ge=2, description="smallest subgroup that is judged; smaller ones are named")


class Regression(Part):
    """When the lists of a new champion are worse than its predecessor's would have been: then it is taken back."""

    confidence: float = Field(default=0.99, gt=0.5, lt=1, description="confidence of the paired comparison")
    window_days: int = Field(default=7, ge=1, description="days of purchases that are judged together")
    min_households: int = Field(default=100, ge=10, description="fewest households that are judged")
    max_loss: float = Field(default=0.01, gt=0, description="loss of NDCG@10 that is worth a rollback")


class Campaign(Part):
    """A campaign that runs: whom it reaches, and which products it has coupons for."""

    campaign: int = Field(description="number of the campaign")
    last_day: dt.date = Field(description="last day on which its coupons count")
    households: frozenset[int] = Field(description="whom it reaches")
    products: frozenset[int] = Field(description="products of its coupons")


class Recommendation(DatasetUseCase):
    """A use case whose models rank items for a customer, a model for each market."""

    markets: tuple[Name, ...] = Field(min_length=1, description="keys of the models")
    store_bounds: tuple[int, ...] = Field(
        default=(),
        description="number of the last store of each market but the last one",
    )
    items: str = Field(pattern=r"^[\w.]+:\w+$", description="module:function() -> facts of the products")
    households: str = Field(pattern=r"^[\w.]+:\w+$", description="module:function() -> facts of some households")
    campaigns: str = Field(
        pattern=r"^[\w.]+:\w+$", description="module:function(day) -> the Campaigns that run on a day"
    )
    families: tuple[FamilyName, ...] = Field(min_length=2, description="ways to rank, the simplest first")
    list_length: int = Field(default=10, ge=1, le=100, description="items in a list")
    fresh_days: int = Field(default=7, ge=1, description="newest days that no model is trained on, kept to compare on")
    min_history_days: int = Field(default=21, ge=7, description="fewest days that may be learned from")
    fewest_items: int = Field(default=10, ge=1, description="different items below which a household is cold")
    fewest_households: int = Field(default=15, ge=2, description="households below which an item is cold")
    markets_a_batch: int = Field(default=2, ge=1, description="markets that one mapped task trains")
    primary_metric: Literal["rebuy_ndcg", "discover_ndcg"] = Field(
        default="rebuy_ndcg", description="metric that decides"
    )
    gates: RecommendationGates = Field(description="what a candidate must show")
    regression: Regression = Field(default_factory=Regression, description="when a champion is taken back by itself")

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the markets: each has a model of its own."""
        return self.markets

    @property
    def batches(self) -> tuple[tuple[str, ...], ...]:
        """Return the markets of each training task: few and fat, for each task reads the purchases anew."""
        size = self.markets_a_batch
        return tuple(self.markets[start : start + size] for start in range(0, len(self.markets), size))

    @model_validator(mode="after")
    def _check(self) -> Self:
        for names, what in ((self.families, "families"), (self.markets, "markets")):
            if doubled := sorted({name for name in names if list(names).count(name) > 1}):
                raise ValueError(f"{what} have the names {doubled} twice; each name must be given once")
        if len(self.store_bounds) != len(self.markets) - 1:
            raise ValueError(
                f"{len(self.markets)} markets need {len(self.markets) - 1} store bounds, not {len(self.store_bounds)}"
            )
        if missing := [name for name in ("popularity", "frequency") if name not in self.families]:
            raise ValueError(f"families lack {missing}, which a model must beat; add them")
        return self
