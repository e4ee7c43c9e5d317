"""The ring of DAGs of a recommendation: trained every night, promoted before the morning, at rest by day."""

from __future__ import annotations

import datetime as dt
from typing import get_args

from airflow.sdk import DAG, Param, PartitionedAssetTimetable, PartitionedAtRuntime, TriggerRule
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.recommendation import FamilyName, Recommendation
from plugins.assets import ring_asset
from plugins.defaults import dag_defaults
from plugins.notifiers.oncall import missed_deadline
from plugins.operators.keyed import (
    BrokenKeysOperator,
    KeyCandidatesOperator,
    KeysPromotionOperator,
    KeysSnapshotOperator,
    TrainKeysOperator,
)
from plugins.operators.monitoring import DriftDetectionOperator
from plugins.operators.recommending import (
    ExperimentOperator,
    PublishListsOperator,
    ReleaseOperator,
    WatchListsOperator,
)
from plugins.ring import call_team, dag_doc, day_cron

LATE_AFTER = dt.timedelta(hours=2)


def train(spec: Recommendation, *, late_after: dt.timedelta = LATE_AFTER) -> DAG:
    """Return the nightly training, woken by the day's purchases; where it takes longer, it calls."""
    with DAG(
        **dag_defaults(spec, "train"),
        schedule=PartitionedAssetTimetable(
            assets=ring_asset(spec.name, "data") | ring_asset(spec.name, "retraining")
        ),
        description="Rank for each market by every family, judge the best on the newest days, register it",
        doc_md=dag_doc(
            spec,
            what="Chooses for each market and task (rebuy, discover) the family that ranks best, and compares it with "
            f"the champion and the baselines on the same newest {spec.fresh_days} days, of which none has learned.",
            when=f"On the `data` asset (every night), on the `retraining` asset, or by hand; {late_after} later it "
            "calls, and yesterday's version goes on serving.",
            reads="Table `purchases`; the journal for the champions.",
            writes="One parent MLflow run, a child and a version for each market, asset `candidate`.",
        ),
        params={
            "reason": Param("by night", type="string", maxLength=300, title="Reason", description="Why new models."),
            "family": Param(
                None, type=["null", "string"], enum=[None, *get_args(FamilyName)], title="Family",
                description="Train this family alone, as a challenger. Empty: the best of all.",
            ),
        },
        deadline=DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=late_after,
            callback=SyncCallback(missed_deadline, kwargs={"team": spec.team, "what": f"{spec.title} by the morning"}),
        ),
    ) as dag:  # fmt: skip
        snapshot = KeysSnapshotOperator(task_id="snapshot", use_case=spec.name)
        fit = TrainKeysOperator.partial(
            task_id="train_markets", use_case=spec.name, run_id=snapshot.output, map_index_template="{{ keys }}"
        ).expand(keys=[list(batch) for batch in spec.batches])
        candidates = KeyCandidatesOperator(
            task_id="candidates",
            use_case=spec.name,
            run_id=snapshot.output,
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
            outlets=[ring_asset(spec.name, "candidate")],
        )
        broken = BrokenKeysOperator(task_id="name_broken_markets", use_case=spec.name, run_id=snapshot.output)
        snapshot >> fit >> candidates >> broken
    return dag


def deploy(spec: Recommendation) -> DAG:
    """Return the deployment: promote in the window what passed its gates, then write the lists of the new day."""
    with DAG(
        **dag_defaults(spec, "deploy"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "candidate")),
        description="Promote the markets whose gates hold, if the window is open; then write the day's lists",
        doc_md=dag_doc(
            spec,
            what=f"Risk class {spec.risk.risk_class}: no person is asked; the gates decide, for each market by itself. "
            "By day nothing changes: outside of the window a candidate waits for the next opening.",
            when="On the `candidate` asset, or by hand with the candidates' day as partition key.",
            reads="The newest candidate of each market; the journal; table `purchases`; the campaigns of the day.",
            writes="One journal entry for all markets that move; tables `lists` and `campaign_lists`; PostgreSQL, "
            f"where a connection `{spec.name}_lists` is set; assets `deployment` and `predictions`.",
        ),
        params={"at": _at()},
    ) as dag:
        promote = KeysPromotionOperator(
            task_id="promote", use_case=spec.name, outlets=[ring_asset(spec.name, "deployment")]
        )
        publish = PublishListsOperator(
            task_id="publish_lists",
            use_case=spec.name,
            trigger_rule=TriggerRule.NONE_FAILED,  # also where nothing moved: the lists are of the new day
            outlets=[ring_asset(spec.name, "predictions")],
        )
        promote >> publish
    return dag


def release(spec: Recommendation) -> DAG:
    """Return the small cron DAG that wakes the deployment when the window opens, for candidates that had to wait."""
    window = spec.promotion_window
    cron = f"{window.opens.minute} {window.opens.hour} * * *" if window else None
    with DAG(
        **dag_defaults(spec, "release"),
        schedule=day_cron(spec, cron, run_offset=0) if cron else None,
        description="Wake the deployment when the promotion window opens",
        doc_md=dag_doc(
            spec,
            what="Emits the candidate key, so that what was trained by day is promoted tonight.",
            when=f"At {window.opens if window else 'no time'} {spec.schedule.time_zone}, or by hand.",
            reads="Nothing.",
            writes="Asset `candidate`.",
        ),
    ) as dag:
        ReleaseOperator(task_id="release", use_case=spec.name, outlets=[ring_asset(spec.name, "candidate")])
    return dag


def monitor(spec: Recommendation) -> DAG:
    """Return the watch over what was shown: what households bought of it; a champion that lost is taken back."""
    with DAG(
        **dag_defaults(spec, "monitor"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "predictions")),
        description="Compare the lists with what was bought; take a champion back that ranks worse than the one before",
        doc_md=dag_doc(
            spec,
            what=f"Hit rate and NDCG by market, champion beside its predecessor on the same households; one that lost "
            f"more than {spec.regression.max_loss:g} with {spec.regression.confidence:.0%} confidence is taken back.",
            when="On the `predictions` asset.",
            reads="Tables `lists` and `purchases`; the journal; the champion's reference profile.",
            writes="Table `verdicts`; a report; where a champion lost, a journal entry.",
        ),
    ) as dag:
        detect = DriftDetectionOperator(task_id="detect_drift", use_case=spec.name)
        call_team(spec, detect)
        WatchListsOperator(task_id="watch", use_case=spec.name)
    return dag


def experiment(spec: Recommendation) -> DAG:
    """Return the experiment: two families beside each other on recorded days, planned and read out as a real one."""
    families = list(spec.families)
    with DAG(
        **dag_defaults(spec, "experiment"),
        schedule=PartitionedAtRuntime(),  # never by itself; its runs have a day
        description="Plan an A/B experiment between two families, replay it on recorded days, read it out daily",
        doc_md=dag_doc(
            spec,
            what="Households are split by hash; clicks come from the documented model (docs/experiments.md); the "
            "read-out stays valid when looked at every day; the bandit stands beside it.",
            when="By hand, with the first day as partition key.",
            reads="Table `purchases`.",
            writes="An MLflow run with plan, read-outs and plot.",
        ),
        params={
            "name": Param("blend-or-ease", type="string", minLength=3, title="Name", description="Salts the split."),
            "key": Param(spec.keys[0], type="string", enum=list(spec.keys), title="Market"),
            "champion": Param(families[-1], type="string", enum=families, title="Champion"),
            "challenger": Param(families[0], type="string", enum=families, title="Challenger"),
            "task": Param("rebuy", type="string", enum=["rebuy", "discover"], title="Task"),
            "days": Param(14, type="integer", minimum=2, maximum=60, title="Days"),
            "effect": Param(
                0.02, type="number", exclusiveMinimum=0, maximum=1, title="Effect",
                description="Smallest difference of the daily click rate that is worth having.",
            ),
        },
    ) as dag:  # fmt: skip
        ExperimentOperator(task_id="experiment", use_case=spec.name)
    return dag


def _at() -> Param:
    return Param(
        None,
        type=["null", "string"],
        format="date-time",
        title="Business time",
        description="When it is decided. Empty: now, or of a recording the end of the partition's day.",
    )
