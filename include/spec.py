"""What a use case is, as data: the one file an engineer writes and everybody else reads.

Checked when the DAG file is parsed, so an error breaks that DAG alone and names field, value and what would be valid.
Nothing heavy is imported here. How a decision about risk follows from a class is in ``include.governance``.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Part(BaseModel):
    """A frozen piece of a spec; unknown fields are errors, for a typing slip must not become a default."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RiskClass(StrEnum):
    """How much harm a wrong model can do; decides gates and approvals."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Risk(Part):
    """Likelihood × impact, each 1 to 5, with the reasons that a reviewer can argue with."""

    likelihood: int = Field(ge=1, le=5, description="how likely a wrong or unfair decision is, 1 to 5")
    impact: int = Field(ge=1, le=5, description="how bad one is for the person or the firm, 1 to 5")
    reasons: tuple[str, ...] = Field(min_length=1, description="why these two numbers")

    @property
    def score(self) -> int:
        """Return likelihood × impact, 1 to 25."""
        return self.likelihood * self.impact

    @property
    def risk_class(self) -> RiskClass:
        """Return low (1 to 5), medium (6 to 11) or high (12 to 25)."""
        if self.score >= 12:
            return RiskClass.HIGH
        return RiskClass.MEDIUM if self.score >= 6 else RiskClass.LOW


class Role(StrEnum):
    """What a column may be used for."""

    IDENTIFIER = "identifier"
    PERSONAL = "personal"
    PROTECTED = "protected"
    FEATURE = "feature"
    TARGET = "target"


class Column(Part):
    """One column of the source and the rules that every row of it must keep."""

    name: str = Field(description="name in the source")
    dtype: Literal["integer", "number", "string", "boolean", "datetime"] = Field(description="logical type")
    role: Role = Field(default=Role.FEATURE, description="what it may be used for")
    description: str = Field(default="", description="meaning and unit")
    minimum: float | None = Field(default=None, description="smallest value a row may have")
    maximum: float | None = Field(default=None, description="largest value a row may have")
    allowed: tuple[int | str, ...] | None = Field(default=None, description="the categories a row may have")
    nullable: bool = Field(default=False, description="whether a row may lack it")
    categorical: bool = Field(default=False, description="numbers that are names, not amounts")


class Contract(Part):
    """What a batch must be before a row of it is stored."""

    columns: tuple[Column, ...] = Field(min_length=1, description="the columns that are promised")
    extra_columns: Literal["refuse", "drop"] = Field(default="refuse", description="what happens to unknown columns")
    min_rows: int = Field(default=1, ge=0, description="smallest batch that is not a delivery fault")
    volume_ratio: tuple[float, float] = Field(
        default=(0.5, 2.0), description="allowed rows of a partition over the median of the stored ones"
    )
    max_quarantine_share: Share = Field(default=0.05, description="share of broken rows above which the batch stops")
    max_age_days: int | None = Field(default=None, description="oldest day a batch may carry; none = any")

    def names(self, *roles: Role) -> list[str]:
        """Return the names of the columns with one of the roles, in the contract's order."""
        return [column.name for column in self.columns if column.role in roles]

    def column(self, name: str) -> Column:
        """Return one column; KeyError if the contract does not promise it."""
        return next(column for column in self.columns if column.name == name)

    @property
    def key(self) -> str:
        """Return the identifier column that makes a row unique."""
        return self.names(Role.IDENTIFIER)[0]

    @property
    def target(self) -> str:
        """Return the target column."""
        return self.names(Role.TARGET)[0]

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [column.name for column in self.columns]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"columns are promised twice: {doubled}; name each once")
        for role in (Role.IDENTIFIER, Role.TARGET):
            if len(self.names(role)) != 1:
                raise ValueError(f"exactly one column must have role '{role}', but {self.names(role)} have it")
        return self


class Source(Part):
    """Where rows come from. ``fetch`` names the plain function that yields one partition of them."""

    fetch: str = Field(pattern=r"^[\w.]+:\w+$", description="module:function(spec, day) -> include.data.sources.Batch")
    description: str = Field(description="what the data is, and what is made up about it")
    licence: str = Field(default="", description="licence and citation")
    history_days: int = Field(default=60, ge=1, description="days that land in the first bulk run, up to yesterday")


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


class Gates(Part):
    """What a candidate must show before it may decide."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="confidence of intervals and paired tests")
    non_inferiority_margin: float = Field(gt=0, description="worsening of the primary metric a refresh may cost")
    max_champion_age_days: int = Field(gt=0, description="age at which a champion may be refreshed")
    max_calibration_error: float = Field(default=0.05, gt=0, description="largest expected calibration error")
    fairness: tuple[Fairness, ...] = Field(default=(), description="parity checks")
    max_latency_ms: float = Field(default=50, gt=0, description="p95 of one single-row prediction in a clean process")
    max_size_mb: float = Field(default=50, gt=0, description="size of the packed model")
    raises_risk: tuple[str, ...] = Field(default=(), description="columns where more must never lower the score")


class Monitoring(Part):
    """When a difference is a drift, and when a drift is an alarm."""

    false_alarm_rate: Share = Field(default=0.05, description="stated share of calm windows with any drifted column")
    min_effect: float = Field(default=0.2, gt=0, description="effect size below which a difference does not matter")
    window_days: int = Field(default=7, ge=1, description="length of the window that is compared")
    min_rows: int = Field(default=200, ge=1, description="smallest window that is judged")
    confirm: tuple[int, int] = Field(default=(2, 3), description="k of the last n windows must drift to confirm")


class Schedule(Part):
    """When things happen, in the business's own time zone."""

    ingest: str = Field(default="0 2 * * *", description="cron of the daily partition")
    retrain: str = Field(default="0 4 * * 1", description="cron of the weekly retraining")
    time_zone: str = Field(default="UTC", description="IANA time zone of the business")


class UseCase(Part):
    """One use case: who wants what, from which data, judged how, and who must agree."""

    name: Name = Field(description="short name; part of every table, asset and model name")
    title: str = Field(description="name for people")
    owner: str = Field(description="the person who answers for it; the originator of scheduled runs")
    team: str = Field(description="who is called at night")
    goal: str = Field(description="what the business wants")
    kpi: str = Field(description="the number that tells whether it gets it")
    kpi_unit: str = Field(description="unit of the KPI")
    risk: Risk = Field(description="what can go wrong, how likely and how bad")
    source: Source = Field(description="where rows come from")
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
    monitoring: Monitoring = Field(default_factory=Monitoring, description="when a drift is an alarm")
    schedule: Schedule = Field(default_factory=Schedule, description="when things happen")
    approvers: tuple[str, ...] = Field(default=("reviewer",), description="who may approve, if the class asks for it")
    approval_hours: float = Field(default=72, gt=0, description="after this an unanswered request has expired")
    retention_days: int = Field(default=730, ge=1, description="how long rows are kept")
    seed: int = Field(default=20261124, description="seed of every random choice")

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
        names = [candidate.name for candidate in self.candidates]
        if len(set(names)) != len(names):
            raise ValueError(f"candidates have the names {names}; each name must be given once")
        return self
