"""The ring of DAGs of a forecast: many models in one use case, promoted without a person under the gates."""

from __future__ import annotations

import datetime as dt

from airflow.sdk import DAG, Param, PartitionedAssetTimetable, TriggerRule
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from include.forecast import Forecast
from plugins.assets import ring_asset
from plugins.defaults import dag_defaults
from plugins.notifiers.oncall import missed_deadline
from plugins.operators.forecasting import IssueForecastOperator, WatchForecastOperator
from plugins.operators.keyed import (
    BrokenKeysOperator,
    KeyCandidatesOperator,
    KeysPromotionOperator,
    KeysSnapshotOperator,
    TrainKeysOperator,
)
from plugins.operators.monitoring import DriftDetectionOperator
from plugins.operators.training import RetrainingRequestOperator
from plugins.ring import call_team, dag_doc

LATE_AFTER = dt.timedelta(minutes=20)


def train(spec: Forecast) -> DAG:
    """Return the training: a snapshot, batches of series, candidates, and a last task that names what broke."""
    with DAG(
        **dag_defaults(spec, "train"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "retraining")),
        description="Choose and fit the forecaster of each series by its backtest, and register it as a candidate",
        doc_md=dag_doc(
            spec,
            what="Each series' champion is whatever wins its rolling-origin backtest by a paired test; where no model "
            "beats the simple ones, a simple one is deployed. On drift only the series that the watch named.",
            when="On the `retraining` asset (weekly, drift), or by hand with a day as partition key.",
            reads="Tables of readings; the journal for the champions.",
            writes="One parent MLflow run, a child and a version for each series, asset `candidate`.",
        ),
        params={
            "reason": Param("by hand", type="string", maxLength=300, title="Reason", description="Why new models.")
        },
    ) as dag:
        snapshot = KeysSnapshotOperator(task_id="snapshot", use_case=spec.name)
        fit = TrainKeysOperator.partial(
            task_id="train_series", use_case=spec.name, run_id=snapshot.output, map_index_template="{{ keys }}"
        ).expand(keys=[list(batch) for batch in spec.batches])
        candidates = KeyCandidatesOperator(
            task_id="candidates",
            use_case=spec.name,
            run_id=snapshot.output,
            trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,  # a batch without a series of this training skips
            outlets=[ring_asset(spec.name, "candidate")],
        )
        broken = BrokenKeysOperator(task_id="name_broken_series", use_case=spec.name, run_id=snapshot.output)
        snapshot >> fit >> candidates >> broken
    return dag


def deploy(spec: Forecast) -> DAG:
    """Return the deployment: test the candidates in a clean process, promote those whose gates hold."""
    with DAG(
        **dag_defaults(spec, "deploy"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "candidate")),
        description="Test the candidates in a clean process, and make those whose gates hold champions",
        doc_md=dag_doc(
            spec,
            what=f"Risk class {spec.risk.risk_class}: no person is asked; the gates decide, for each series by itself.",
            when="On the `candidate` asset, or by hand with the candidates' day as partition key.",
            reads="The newest candidate of each series; the journal.",
            writes="One journal entry for all series that move, their aliases, asset `deployment`.",
        ),
    ) as dag:
        KeysPromotionOperator(task_id="promote", use_case=spec.name, outlets=[ring_asset(spec.name, "deployment")])
    return dag


def forecast(spec: Forecast, *, late_after: dt.timedelta = LATE_AFTER) -> DAG:
    """Return the issue of the forecast, woken by the day's readings; where it takes longer, it calls."""
    with DAG(
        **dag_defaults(spec, "forecast"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "data")),
        description="Issue the forecast of a gate closure: all series, the whole horizon, coherent, with bands",
        doc_md=dag_doc(
            spec,
            what="Forecasts from what was known at gate closure, by the champions of that moment. Where a champion "
            "cannot answer a simple forecaster does, and the row says why. A backfill gives what would have been made.",
            when=f"On the `data` asset, before {spec.gate_closure_hour}:00; {late_after} after it was due it calls.",
            reads="Tables of readings, the journal, the champions' artifacts.",
            writes="Table `forecasts`; asset `predictions`.",
        ),
        deadline=DeadlineAlert(
            reference=DeadlineReference.DAGRUN_QUEUED_AT,
            interval=late_after,
            callback=SyncCallback(missed_deadline, kwargs={"team": spec.team, "what": f"{spec.title} before the gate"}),
        ),
    ) as dag:
        IssueForecastOperator(task_id="issue", use_case=spec.name, outlets=[ring_asset(spec.name, "predictions")])
    return dag


def monitor(spec: Forecast) -> DAG:
    """Return the watch over what was forecast; series that went wrong are trained anew."""
    with DAG(
        **dag_defaults(spec, "monitor"),
        schedule=PartitionedAssetTimetable(assets=ring_asset(spec.name, "predictions")),
        description="Compare what came with its season, and forecasts with what came; name the series to train anew",
        doc_md=dag_doc(
            spec,
            what="Error, bias and coverage of each series against its backtest; a jump of level is named. Readings are "
            "compared with the same season of the reference: wrong ones stop their series, and call.",
            when="On the `predictions` asset.",
            reads="Tables `forecasts` and `load`.",
            writes="Table `verdicts`; a report; for the series that went wrong asset `retraining`.",
        ),
    ) as dag:
        detect = DriftDetectionOperator(task_id="detect_drift", use_case=spec.name)
        call_team(spec, detect)
        watch = WatchForecastOperator(task_id="watch", use_case=spec.name)
        RetrainingRequestOperator(
            task_id="request_retraining",
            use_case=spec.name,
            reason=watch.output,
            drift_confirmed=watch.output,
            outlets=[ring_asset(spec.name, "retraining")],
        )
    return dag
