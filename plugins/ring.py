"""The standard ring of DAGs of one use case, built from its spec.

Nothing here is reachable only through this file: a pipeline that does not fit composes the same operators and assets
in a DAG file of its own. Every event carries a partition key, for an event without one never wakes a partitioned DAG.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param, PartitionedAssetTimetable, XComArg
from airflow.sdk.bases.operator import chain

from include.classification import Classification
from include.governance.policy import required_approvals
from include.spec import UseCase
from plugins.assets import ring_asset
from plugins.defaults import dag_defaults
from plugins.operators.data import IngestOperator, ProfileOperator
from plugins.operators.deployment import CandidateTestOperator, ModelApprovalOperator, ModelPromotionOperator
from plugins.operators.monitoring import CALL, CallOperator, DriftDetectionOperator, ScoreOperator
from plugins.operators.training import (
    EvaluateOperator,
    FitOperator,
    RetrainingRequestOperator,
    SearchOperator,
    SnapshotOperator,
)

DAY_FORMAT = "%Y-%m-%d"


def standard_ring(spec: Classification) -> list[DAG]:
    """Return all six DAGs of a use case that needs nothing special."""
    return [build(spec) for build in (ingest, retraining, train, deploy, score, monitor)]


def ingest(spec: UseCase, *, same_day: bool = False) -> DAG:
    """Return the daily ingestion; also by hand with a range of days, and by backfill.

    Args:
        spec: The use case.
        same_day: Whether the scheduled run lands what is there of its own day, and not the day before.
    """
    with DAG(
        **dag_defaults(spec, "ingest"),
        schedule=day_cron(spec, spec.schedule.ingest, run_offset=0 if same_day else -1),
        description="Land a day and what became known of earlier ones; stop or quarantine what breaks the contract",
        doc_md=dag_doc(
            spec,
            what="Fetches one day, checks it against the contract, lands it, and describes it in a report.",
            when=f"Daily (`{spec.schedule.ingest}` {spec.schedule.time_zone}), by hand, or by backfill.",
            reads=spec.source.description,
            writes=f"Tables {', '.join(f'`{name}`' for name in spec.tables)}, `quarantine`; asset `data`; a report.",
        ),
        params={"first_day": first_day_param()},
    ) as dag:
        land = IngestOperator(task_id="ingest", use_case=spec.name, outlets=[ring_asset(spec.name, "data")])
        land >> ProfileOperator(task_id="profile", use_case=spec.name)
    return dag


def retraining(spec: UseCase) -> DAG:
    """Return the small cron DAG that asks for the regular training, and does so by hand with a reason."""
    with DAG(
        **dag_defaults(spec, "retraining"),
        schedule=day_cron(spec, spec.schedule.retrain, run_offset=0),
        description="Ask for a training: by the clock, or by hand with a reason",
        doc_md=dag_doc(
            spec,
            what="Emits the retraining key. Who triggers it by hand is the originator and cannot approve the model.",
            when=f"`{spec.schedule.retrain}` {spec.schedule.time_zone}, or by hand.",
            reads="Nothing.",
            writes="Asset `retraining`.",
        ),
        params={
            "reason": Param(
                "scheduled", type="string", minLength=3, maxLength=300, title="Reason", description="Why a new model."
            )
        },
    ) as dag:
        RetrainingRequestOperator(
            task_id="request",
            use_case=spec.name,
            reason="{{ params.reason }}",
            outlets=[ring_asset(spec.name, "retraining")],
        )
    return dag


def train(spec: Classification) -> DAG:
    """Return the training: snapshot, search mapped over families, fit, evaluate."""
    with DAG(
        **dag_defaults(spec, "train"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "retraining")),
        description="Train the families of models, judge the best on fresh rows, register it as the candidate",
        doc_md=dag_doc(
            spec,
            what="Names a snapshot, searches under a budget, fits, calibrates, compares with champion and baselines.",
            when="On the `retraining` asset (by the clock, drift), or by hand with a day as partition key.",
            reads="Tables `rows` and `truth`; the journal for the champion.",
            writes="One parent MLflow run, one model version, asset `candidate`.",
        ),
        params={
            "reason": Param("by hand", type="string", maxLength=300, title="Reason", description="Why a new model.")
        },
    ) as dag:
        snapshot = SnapshotOperator(task_id="snapshot", use_case=spec.name)
        search = SearchOperator.partial(
            task_id="search", use_case=spec.name, run_id=snapshot.output, map_index_template="{{ family }}"
        ).expand(family=[candidate.name for candidate in spec.candidates])
        fit = FitOperator(task_id="fit", use_case=spec.name, run_id=snapshot.output)
        evaluate = EvaluateOperator(
            task_id="evaluate",
            use_case=spec.name,
            run_id=snapshot.output,
            outlets=[ring_asset(spec.name, "candidate")],
        )
        snapshot >> search >> fit >> evaluate
    return dag


def deploy(spec: Classification) -> DAG:
    """Return the deployment: test the artifact, ask a person where the risk class says so, promote."""
    with DAG(
        **dag_defaults(spec, "deploy"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "candidate")),
        description="Test the candidate's artifact in a clean process, have it approved, make it the champion",
        doc_md=dag_doc(
            spec,
            what=f"Risk class {spec.risk.risk_class}: {required_approvals(spec.risk.risk_class)} approval(s) by "
            f"{', '.join(spec.approvers)}, never by who asked for the training. Unanswered after "
            f"{spec.approval_hours:g} h the request fails; clear the task to ask again.",
            when="On the `candidate` asset, or by hand with the candidate's day as partition key.",
            reads="The newest candidate of that day in the registry; the journal.",
            writes="One journal entry, the alias `champion`, asset `deployment`.",
        ),
    ) as dag:
        test = CandidateTestOperator(task_id="test_artifact", use_case=spec.name)
        promote = ModelPromotionOperator(
            task_id="promote",
            use_case=spec.name,
            version=test.output,
            outlets=[ring_asset(spec.name, "deployment")],
        )
        chain(test, *approvals(spec, test.output), promote)
    return dag


def score(spec: Classification) -> DAG:
    """Return the batch scoring, woken by new data and by a promotion."""
    with DAG(
        **dag_defaults(spec, "score"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "data") | ring_asset(spec.name, "deployment")),
        description="Score what the champion has not scored yet, with decision and reasons, into the prediction log",
        doc_md=dag_doc(
            spec,
            what="Decides accept, review or decline for each row. Without a champion it skips and says so.",
            when="On the `data` asset and on the `deployment` asset.",
            reads="Table `rows`, the journal, the champion's artifact.",
            writes="Table `predictions`; asset `predictions`.",
        ),
    ) as dag:
        ScoreOperator(task_id="score", use_case=spec.name, outlets=[ring_asset(spec.name, "predictions")])
    return dag


def monitor(spec: Classification) -> DAG:
    """Return the monitoring of what was scored: it may ask for a training, roll back, or stop and call."""
    with DAG(
        **dag_defaults(spec, "monitor"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "predictions")),
        description="Judge the champion: what changed and why, how well it does, and what follows by the policy",
        doc_md=dag_doc(
            spec,
            what=f"States a false-alarm rate of {spec.monitoring.false_alarm_rate:.0%} a window; confirms when "
            f"{spec.monitoring.confirm[0]} of the last {spec.monitoring.confirm[1]} windows drifted. Names the cause, "
            "joins the truth that came, and says healthy, watch, retrain, roll back or stop. Wrong data stops and "
            "calls; nothing is trained on it.",
            when="On the `predictions` asset.",
            reads="Tables `rows`, `truth`, `predictions`, `requests`; the champion's reference profile.",
            writes="A report under the champion's MLflow run; asset `retraining`; an entry for a rollback or a stop.",
        ),
    ) as dag:
        detect = DriftDetectionOperator(task_id="detect_drift", use_case=spec.name)
        RetrainingRequestOperator(
            task_id="request_retraining",
            use_case=spec.name,
            reason=detect.output,
            drift_confirmed=detect.output,
            outlets=[ring_asset(spec.name, "retraining")],
        )
        call_team(spec, detect)
    return dag


def call_team(spec: UseCase, detect: DriftDetectionOperator) -> None:
    """Add the task that calls the team by failing, where the monitor wants somebody to look."""
    CallOperator(task_id="call_team", use_case=spec.name, reason=XComArg(detect, key=CALL))


def approvals(spec: UseCase, version: Any) -> list[ModelApprovalOperator]:
    """Return the task that asks a person about a version, none where the risk class asks for nobody."""
    if not required_approvals(spec.risk.risk_class):
        return []
    return [
        ModelApprovalOperator(
            task_id="approve",
            use_case=spec.name,
            version=version,
            approvers=spec.approvers,
            hours=spec.approval_hours,
        )
    ]


def first_day_param() -> Param:
    """Return the form field with which many days are landed in one run."""
    return Param(
        None,
        type=["null", "string"],
        format="date",
        title="First day",
        description="Land all days from this one to the partition key's in one run. Empty: that day alone.",
    )


def day_cron(spec: UseCase, cron: str, *, run_offset: int) -> CronPartitionTimetable:
    """Return a schedule whose partition key is the tick's day, or so many days away from it."""
    # The day that has just ended is the partition of data; a tick that passed before a DAG was switched on stays past.
    return CronPartitionTimetable(
        cron,
        timezone=spec.schedule.time_zone,
        run_offset=run_offset,
        key_format=DAY_FORMAT,
        run_immediately=dt.timedelta(0),
    )


def dag_doc(spec: UseCase, **facts: Any) -> str:
    """Return a DAG's page text: the goal, what it does, when, what it reads and writes, and whom to call."""
    lines = "\n".join(f"- **{name.capitalize()}**: {text}" for name, text in facts.items())
    return f"### {spec.title}\n{spec.goal}\n\n{lines}\n- **Owner**: {spec.owner}. **On call**: {spec.team}.\n"
