"""What a classification is, as data: a probability for each row, a decision on it, and what a wrong one costs.

Checked when the DAG file is parsed, like ``include.spec``, of which it is one kind.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal, Self

from pydantic import Field, model_validator

from include.part import Name, Part, Share
from include.spec import Contract, PromotionGates, Role, UseCase


class Feature(Part):
    """One derived feature: computed inside the model artifact, so that training and serving cannot differ."""

    name: Name = Field(description="name of the new column")
    op: Literal["ratio", "difference", "mean", "maximum", "minimum", "total", "slope", "count_positive"] = Field(
        description="what is computed over the columns, row by row"
    )
    columns: tuple[str, ...] = Field(min_length=1, description="inputs, in order")
    owner: str = Field(default="", description="who answers for it")
    description: str = Field(default="", description="meaning and why it should help")


class Candidate(Part):
    """One family of models and the small space that is searched for it."""

    name: Name = Field(description="short name in reports")
    build: str = Field(pattern=r"^[\w.]+:\w+$", description="module:function(spec, params, seed) -> estimator")
    params: dict[str, float | int | str] = Field(default_factory=dict, description="fixed parameters")
    search: dict[str, tuple[float | int | str, ...]] = Field(default_factory=dict, description="values to try")
    interpretable: bool = Field(default=False, description="a person can read the whole model")


class Costs(Part):
    """The cost matrix, for a decision that accepts or declines."""

    unit: str = Field(description="unit of the costs, e.g. share of the credit limit, EUR")
    false_accept: float = Field(gt=0, description="cost of accepting a bad case")
    false_decline: float = Field(gt=0, description="cost of declining a good case")
    review: float = Field(default=0.0, ge=0, description="cost of one manual review")
    review_share: Share = Field(default=0.1, description="share of cases nearest the threshold a person sees")


class Fairness(Part):
    """Parity of the favourable outcome over groups of a protected column."""

    column: str = Field(description="protected column")
    bands: tuple[float, ...] = Field(default=(), description="inner edges of bands for a numeric column, left-closed")
    min_ratio: Share = Field(default=0.8, description="smallest allowed worst/best ratio of favourable rates")
    min_group: int = Field(default=100, ge=1, description="smallest group that is judged; smaller ones are named")


class Gates(PromotionGates):
    """What a candidate must show before it may decide about rows."""

    max_calibration_error: float = Field(default=0.05, gt=0, description="largest expected calibration error")
    fairness: tuple[Fairness, ...] = Field(default=(), description="parity checks")
    raises_risk: tuple[str, ...] = Field(default=(), description="columns where more must never lower the score")


class Classification(UseCase):
    """A use case whose models give each row the probability of a bad outcome."""

    contract: Contract = Field(description="what a batch must be")
    label_delay_days: int = Field(ge=0, description="days from a row to its ground truth")
    fresh_days: int = Field(ge=1, description="matured days that no model is trained on, kept to compare on")
    features: tuple[Feature, ...] = Field(default=(), description="derived features")
    candidates: tuple[Candidate, ...] = Field(min_length=1, description="families of models that compete")
    search_budget: int = Field(default=8, ge=1, description="configurations that may be tried in all")
    search_rows: int = Field(default=10_000, ge=100, description="rows the search looks at, newest first")
    primary_metric: Literal["auc", "brier"] = Field(default="auc", description="metric that decides")
    costs: Costs = Field(description="what a wrong decision costs")
    gates: Gates = Field(description="what a candidate must show")

    @property
    def tables(self) -> tuple[str, ...]:
        """Return the tables of rows, and of the truth about them that comes later."""
        return ("rows", "truth")

    @property
    def model_columns(self) -> list[str]:
        """Return the raw columns a model may see: features only, never protected, personal or identifying ones."""
        return self.contract.names(Role.FEATURE)

    @property
    def protected_columns(self) -> list[str]:
        """Return the columns that are out of the model and in the audit."""
        return self.contract.names(Role.PROTECTED)

    def matured_until(self, as_of: dt.date) -> dt.date:
        """Return the last day whose ground truth is known on ``as_of``."""
        return as_of - dt.timedelta(days=self.label_delay_days)

    @model_validator(mode="after")
    def _check(self) -> Self:
        for role in (Role.IDENTIFIER, Role.TARGET):
            if len(found := self.contract.names(role)) != 1:
                raise ValueError(f"exactly one column must have role '{role}', but {found} have it")
        allowed = set(self.model_columns)
        for feature in self.features:
            if unknown := [name for name in feature.columns if name not in allowed]:
                raise ValueError(
                    f"feature '{feature.name}' uses {unknown}, not promised as 'feature'; valid are {sorted(allowed)}"
                )
        if wrong := [name for name in self.gates.raises_risk if name not in allowed]:
            raise ValueError(f"gates.raises_risk names {wrong}; valid are {sorted(allowed)}")
        protected = set(self.protected_columns)
        if wrong := [rule.column for rule in self.gates.fairness if rule.column not in protected]:
            raise ValueError(f"gates.fairness names {wrong}; valid are the protected columns {sorted(protected)}")
        if wrong := [name for name in self.monitoring.groups if name not in allowed]:
            raise ValueError(f"monitoring.groups names {wrong}; valid are {sorted(allowed)}")
        names = [candidate.name for candidate in self.candidates]
        if len(set(names)) != len(names):
            raise ValueError(f"candidates have the names {names}; each name must be given once")
        return self
