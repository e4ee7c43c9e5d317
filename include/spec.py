"""What a use case is, as data: the one file an engineer writes and everybody else reads.

Checked when the DAG file is parsed, so an error breaks that DAG alone and names field, value and what would be valid.
Nothing heavy is imported here. How a decision about risk follows from a class is in ``include.governance``.
"""

from __future__ import annotations

import datetime as dt
from abc import abstractmethod
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from include.naming import DEFAULT_KEY
from include.part import Name, Part, Share
from include.policy import Policy


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
    def keys(self) -> list[str]:
        """Return the identifier columns that together make a row unique within its day."""
        return self.names(Role.IDENTIFIER)

    @property
    def key(self) -> str:
        """Return the identifier column, where there is one alone."""
        (key,) = self.keys
        return key

    @property
    def target(self) -> str:
        """Return the target column."""
        return self.names(Role.TARGET)[0]

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [column.name for column in self.columns]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"columns are promised twice: {doubled}; name each once")
        if not self.keys:
            raise ValueError(f"no column has role '{Role.IDENTIFIER}'; at least one must")
        return self


class Unit(Part):
    """A unit that a sender may take by mistake: what was meant is ``scale`` × what was sent + ``offset``."""

    name: str = Field(description="name for people, e.g. MW instead of kW")
    scale: float = Field(gt=0, description="factor from the wrong unit to the right one")
    offset: float = Field(default=0.0, description="added after the factor")


class Dataset(Part):
    """Readings or events of one kind: a table of their own, with the rules that its rows keep."""

    table: Name = Field(description="name of the table, and of the frame that the source gives")
    contract: Contract = Field(description="what a day of it must be")
    series: str = Field(description="column that says whose it is")
    value: str = Field(description="column of the amount")
    mistaken_units: tuple[Unit, ...] = Field(default=(), description="units that are told from the right one")


class Source(Part):
    """Where rows come from. ``fetch`` names the plain function that yields one partition of them."""

    fetch: str = Field(pattern=r"^[\w.]+:\w+$", description="module:function(spec, day) -> include.data.sources.Batch")
    description: str = Field(description="what the data is, and what is made up about it")
    licence: str = Field(default="", description="licence and citation")
    recorded_from: dt.date | None = Field(
        default=None, description="of a recording under its own dates: the day behind its history"
    )
    calm_from: dt.date | None = Field(
        default=None,
        description="of a recording under its own dates: first day of weeks in which nothing is known to have "
        "happened, from which scenarios are replayed; `recorded_from` unless it is given",
    )
    recorded_days: int | None = Field(
        default=None, ge=1, description="of a recording under made-up dates: how many days it has"
    )
    history_days: int = Field(default=60, ge=1, description="days that land in the first bulk run, up to yesterday")
    scenarios: str | None = Field(
        default=None,
        pattern=r"^[\w.]+:\w+$",
        description="module:function(spec, scenario, day, what fetch gave) -> what it would give in a scenario",
    )


class Schedule(Part):
    """When things happen, in the business's own time zone."""

    ingest: str = Field(default="0 2 * * *", description="cron of the daily partition")
    retrain: str = Field(default="0 4 * * 1", description="cron of the regular retraining")
    time_zone: str = Field(default="UTC", description="IANA time zone of the business")


class PromotionGates(Part):
    """What a candidate of any kind must show before it may become champion."""

    confidence: float = Field(default=0.95, gt=0.5, lt=1, description="confidence of intervals and paired tests")
    non_inferiority_margin: float = Field(gt=0, description="worsening of the primary metric a refresh may cost")
    max_champion_age_days: int = Field(ge=0, description="age above which a champion may be refreshed; 0: every day")
    max_latency_ms: float = Field(
        default=50, gt=0, description="p95 of one answer in a clean process, in ms of a processor"
    )
    max_size_mb: float = Field(default=50, gt=0, description="size of the packed model")


class Window(Part):
    """Hours of the business's day in which a champion may change; it may reach over midnight."""

    opens: dt.time = Field(description="from this time on, in the schedule's time zone")
    closes: dt.time = Field(description="up to this time")


class Guardrail(Part):
    """A share of the answers that must not rise while two models share the cases."""

    metric: Literal["fallback", "flagged", "declined", "slow"] = Field(
        description="answers from the fall-back, with a flag, that decline, or that took longer than ``slow_ms``"
    )
    tolerated: float = Field(gt=0, lt=1, description="rise over the champion's share that is no harm, absolute")


class Rollout(Part):
    """How a new model takes over real requests: in the shadow first, then a growing share, then all of them."""

    weights: tuple[Share, ...] = Field(default=(0.1, 0.5), description="shares of requests, one after another")
    min_requests: int = Field(default=500, ge=20, description="answers of the new model's before a step has passed")
    looks: int = Field(default=5, ge=1, description="how often a step is looked at until then")
    level: float = Field(default=0.01, gt=0, lt=0.5, description="chance at most that a harmless model is broken off")
    slow_ms: float = Field(default=50, gt=0, description="an answer that took longer is a slow one")
    guardrails: tuple[Guardrail, ...] = Field(
        default=(
            Guardrail(metric="fallback", tolerated=0.01),
            Guardrail(metric="flagged", tolerated=0.05),
            Guardrail(metric="slow", tolerated=0.02),
            Guardrail(metric="declined", tolerated=0.1),
        ),
        min_length=1,
        description="what breaks a rollout off",
    )


class Serving(Part):
    """How the scoring service answers for a use case."""

    deadline_ms: float = Field(default=100, gt=0, description="after this the fall-back answers")
    out_of_range: Literal["flag", "refuse"] = Field(
        default="flag", description="what happens to a value outside of the contract's range"
    )
    durable_log: bool = Field(default=True, description="whether an answer waits until it is on the disk")
    outputs: tuple[float, float] | None = Field(default=(0, 1), description="range that a sane output lies in")


class Monitoring(Part):
    """When a difference is a drift, and when a drift is an alarm."""

    false_alarm_rate: Share = Field(
        default=0.05, ge=0.02, description="share of calm windows in which anything may be called drifted: 1 in 20"
    )
    min_effect: float = Field(
        default=0.1,
        gt=0,
        description="Cohen's w below which a difference does not matter: a shift by a tenth of a standard deviation",
    )
    window_days: int = Field(default=7, ge=1, description="length of the window that is compared")
    min_rows: int = Field(default=200, ge=30, description="smallest window that is judged")
    confirm: tuple[int, int] = Field(
        default=(2, 3), description="k of the last n windows must drift, so that one odd week asks for nothing"
    )
    groups: tuple[str, ...] = Field(
        default=(), description="columns whose groups may come in another mix, though each behaves as before"
    )


class UseCase(Part):
    """One use case: who wants what, how bad a mistake is, when things happen, and who must agree.

    What is predicted, from which data and judged how is said by its kinds: ``Classification``, ``Forecast``.
    """

    name: Name = Field(description="short name; part of every table, asset and model name")
    title: str = Field(description="name for people")
    owner: str = Field(description="the person who answers for it; the originator of scheduled runs")
    team: str = Field(description="who is called at night")
    goal: str = Field(description="what the business wants")
    kpi: str = Field(description="the number that tells whether it gets it")
    kpi_unit: str = Field(description="unit of the KPI")
    risk: Risk = Field(description="what can go wrong, how likely and how bad")
    source: Source = Field(description="where rows come from")
    primary_metric: str = Field(description="metric that decides")
    gates: PromotionGates = Field(description="what a candidate must show")
    schedule: Schedule = Field(default_factory=Schedule, description="when things happen")
    approvers: tuple[str, ...] = Field(default=("reviewer",), description="who may approve, if the class asks for it")
    approval_hours: float = Field(default=72, gt=0, description="after this an unanswered request has expired")
    retention_days: int = Field(default=730, ge=1, description="how long rows are kept")
    monitoring: Monitoring = Field(default_factory=Monitoring, description="when a difference is a drift")
    policy: Policy = Field(default_factory=Policy, description="what follows from what a monitor finds")
    promotion_window: Window | None = Field(default=None, description="when a champion may change; none: at any time")
    rollout: Rollout | None = Field(default=None, description="how real requests are handed over; none: all at once")
    serving: Serving | None = Field(default=None, description="how the service answers; none: it does not serve this")
    seed: int = Field(default=20261124, description="seed of every random choice")

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of the use case's models: zones, markets, or the one key where there is one model."""
        return (DEFAULT_KEY,)

    @property
    @abstractmethod
    def tables(self) -> tuple[str, ...]:
        """Return the tables that a day lands in, beside its quarantine."""


class DatasetUseCase(UseCase):
    """A use case whose days consist of datasets, each a table with a contract of its own."""

    datasets: tuple[Dataset, ...] = Field(min_length=1, description="the first is the one that models are about")
    closed: tuple[dt.date, ...] = Field(default=(), description="days without business: nothing comes, and rightly so")

    @property
    def tables(self) -> tuple[str, ...]:
        """Return a table for each dataset."""
        return tuple(dataset.table for dataset in self.datasets)

    def dataset(self, table: str) -> Dataset:
        """Return one of the datasets; KeyError if there is none."""
        return next(each for each in self.datasets if each.table == table)

    @model_validator(mode="after")
    def _columns_are_promised(self) -> Self:
        for dataset in self.datasets:
            promised = [column.name for column in dataset.contract.columns]
            if missing := [name for name in (dataset.series, dataset.value) if name not in promised]:
                raise ValueError(f"dataset '{dataset.table}' names {missing}; its contract promises {promised}")
        return self
