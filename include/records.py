"""The records that travel between the floors' parts: what training found out, and what a decision rests on.

They are stored as JSON beside the MLflow run, so a field is only ever added.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Verdict = Literal["better", "not significantly better", "worse"]
Route = Literal["first", "superiority", "refresh"]
_WAYS: dict[Route | None, str] = {
    "first": "It may become the first champion: it beats the best baseline.",
    "superiority": "It may become champion: it is significantly better than the present one.",
    "refresh": "It may become champion: a refresh is due.",
    None: "It may not become champion.",
}


class Record(BaseModel):
    """A frozen, serialisable fact."""

    model_config = ConfigDict(frozen=True)


class Estimate(Record):
    """A number with its confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.4f} [{self.low:.4f}, {self.high:.4f}]"


class ModelRef(Record):
    """One immutable model version and the digest of its packed bytes."""

    name: str = Field(description="registered model name")
    version: int = Field(description="registry version")
    run_id: str = Field(description="parent MLflow run of the training")
    digest: str = Field(description="SHA-256 over the artifact's files, names included")


class GateResult(Record):
    """One gate: what was required, what was seen."""

    name: str
    passed: bool
    required: str
    observed: str
    detail: str = ""


class Comparison(Record):
    """A paired comparison on the same fresh rows; a positive difference favours the candidate."""

    against: str = Field(description="'champion v3' or 'baseline best_feature'")
    metric: str
    rows: int
    difference: Estimate
    p_value: float = Field(description="one-sided, that the candidate is not better")
    non_inferior: bool = Field(description="lower bound of the difference is above minus the spec's margin")
    verdict: Verdict


class GroupOutcome(Record):
    """Favourable outcome of one protected group."""

    column: str
    group: str
    rows: int
    favourable_rate: Estimate
    true_favourable_rate: Estimate | None = Field(description="favourable among the truly good; none if none are")
    judged: bool = Field(description="false where the group is under the minimum size")


class FairnessResult(Record):
    """Parity over the groups of one protected column."""

    column: str
    parity_ratio: Estimate = Field(description="worst over best favourable rate")
    opportunity_gap: Estimate = Field(description="best minus worst favourable rate among the truly good")
    groups: tuple[GroupOutcome, ...]
    passed: bool


class Snapshot(Record):
    """Rows that can be named again: table, version, range and digest."""

    table: str
    version: int
    truth_version: int
    first_day: dt.date
    last_day: dt.date
    as_of: dt.date
    rows: int
    digest: str


class Evaluation(Record):
    """What is known of a candidate of any kind before anybody decides on it."""

    use_case: str
    key: str
    model: ModelRef
    family: str = Field(description="which of the spec's candidates won")
    as_of: dt.date
    originator: str = Field(description="user at the root of the chain of events; empty if unknown")
    originator_source: str = Field(description="manual, schedule or unknown")
    fresh_rows: int = Field(description="rows it was judged on, none of which it was trained on")
    metrics: dict[str, Estimate] = Field(description="the candidate's metrics on the fresh rows")
    comparisons: tuple[Comparison, ...]
    champion_version: int | None = Field(description="the champion it was compared with; none if there was none")
    champion_sequence: int = Field(description="journal sequence at which that champion was read; 0 if none")
    refresh_due: str = Field(default="", description="why a refresh is due; empty if it is not")
    route: Route | None = Field(description="the way it may replace the champion; none if it may not")
    gates: tuple[GateResult, ...]

    @property
    def way(self) -> str:
        """Return in words why it may replace the champion, or that it may not."""
        return _WAYS[self.route]

    @property
    def passed(self) -> bool:
        """Return whether every gate holds."""
        return all(gate.passed for gate in self.gates)

    @property
    def failed_gates(self) -> list[GateResult]:
        """Return the gates that do not hold."""
        return [gate for gate in self.gates if not gate.passed]


class ClassificationEvaluation(Evaluation):
    """An evaluation of a model that decides about rows."""

    snapshot: Snapshot
    threshold: float = Field(description="score at and above which a case is declined")
    review_band: tuple[float, float] = Field(description="scores between which a person decides")
    families: dict[str, dict[str, Estimate]] = Field(description="metrics of every family")
    baselines: dict[str, dict[str, Estimate]] = Field(description="metrics of the naive baselines")
    fairness: tuple[FairnessResult, ...]


class Training(Record):
    """All that a training depends on; enough to do it again."""

    use_case: str
    as_of: dt.date
    pipeline_run: str
    originator: str
    originator_source: str
    reason: str
    drift_confirmed: str
    seed: int
    snapshot: Snapshot
    git_commit: str
    lock_digest: str
    environment: dict[str, str]


class Fitted(Record):
    """One fitted family: its configuration, and what was decided about it on training rows alone."""

    family: str
    params: dict[str, Any]
    interpretable: bool
    primary: float = Field(description="primary metric, out of fold on the training rows")
    threshold: float = Field(description="score that costs least, out of fold")
    review_band: tuple[float, float]


class ServingFacts(Record):
    """What a scoring service must know of a classifier beside its ONNX graph; packed with it."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")  # NaN: a column without any value

    use_case: str
    columns: tuple[str, ...] = Field(description="raw columns, in the graph's order")
    threshold: float = Field(description="score at and above which a case is declined")
    review_band: tuple[float, float] = Field(description="scores between which a person decides")
    typical: dict[str, float] = Field(description="the middle of the good cases of each column")
    bounds: dict[str, tuple[float, float]] = Field(description="smallest and largest value of each column in training")


class KeyedTraining(Record):
    """All that a training of many models, one for each key, depends on."""

    use_case: str
    as_of: dt.date
    pipeline_run: str
    originator: str
    originator_source: str
    reason: str
    drift_confirmed: str
    seed: int
    keys: tuple[str, ...] = Field(description="keys (zones, markets) that are trained")
    family: str = Field(default="", description="the one family that was asked for; empty: the best of all")
    first_day: dt.date = Field(description="first day of the history that is learned from")
    versions: dict[str, int] = Field(description="table versions at the start")
    git_commit: str
    lock_digest: str
    environment: dict[str, str]


class ForecastEvaluation(Evaluation):
    """An evaluation of a forecaster of one series."""

    reason: str = Field(description="why this family, in a sentence")
    trained_until: dt.date = Field(description="last day of the history it has learned from")
    families: dict[str, dict[str, float]] = Field(description="MAPE (%) and MAE (kW) of each family in the backtest")
    actual_temperature: dict[str, float] = Field(description="the same of the winner with a perfect weather forecast")


class RecommendationEvaluation(Evaluation):
    """An evaluation of a recommender of one market, for both of its tasks."""

    chosen: dict[str, str] = Field(description="family by task: rebuy, discover")
    reason: str = Field(description="why these families, in a sentence")
    trained_until: dt.date = Field(description="last day that the models have learned from")
    histories_until: dt.date = Field(description="last day of the purchase histories that they are asked with")
    tasks: dict[str, dict[str, dict[str, Estimate]]] = Field(description="metrics by task and family, baselines too")
    subgroups: dict[str, dict[str, Estimate]] = Field(description="NDCG@10 by subgroup of a fact, for each fact")
    left_out: dict[str, int] = Field(description="lines of purchases that were no events, by rule")


class Approval(Record):
    """A person's answer, signed by the task that received it."""

    use_case: str
    model: ModelRef
    run: str = Field(description="Airflow dag_id/run_id/task_id that asked")
    answer: Literal["Approve", "Reject"]
    approver: str
    answered_at: dt.datetime
    expires_at: dt.datetime
    comment: str = ""
    override: str = Field(default="", description="written reason for promoting in spite of a failed gate")
    unattended: bool = Field(default=False, description="answered by `up --approve-as`, not by a person")
