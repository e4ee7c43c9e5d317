"""A ring of the same shape as a use case's, with tasks that do nothing: the limit of what a life can cost.

Six DAGs, 14 tasks, joined by partitioned assets; all of the standard ring but the approval, whose waiting is not timed.
Beside it 200 such tasks that do not depend on each other: what a platform makes of tasks alone.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, BaseOperator, PartitionedAssetTimetable, PartitionedAtRuntime

from plugins.assets import ring_asset

NAME = "empty"


class Nothing(BaseOperator):
    """A task whose body is empty; ``family`` is there to be mapped over."""

    def __init__(self, *, family: str = "", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.family = family

    def execute(self, context: Any) -> None:
        """Do nothing."""


DATA, RETRAINING = ring_asset(NAME, "data"), ring_asset(NAME, "retraining")
CANDIDATE, DEPLOYMENT = ring_asset(NAME, "candidate"), ring_asset(NAME, "deployment")
PREDICTIONS = ring_asset(NAME, "predictions")


with DAG(f"{NAME}_ingest", schedule=PartitionedAtRuntime(), catchup=False) as ingest:
    Nothing(task_id="ingest", outlets=[DATA]) >> Nothing(task_id="profile")

with DAG(f"{NAME}_retraining", schedule=PartitionedAtRuntime(), catchup=False) as retraining:
    Nothing(task_id="request", outlets=[RETRAINING])

with DAG(f"{NAME}_train", schedule=PartitionedAssetTimetable(assets=RETRAINING), catchup=False) as train:
    search = Nothing.partial(task_id="search").expand(family=["one", "two", "three"])
    evaluate = Nothing(task_id="evaluate", outlets=[CANDIDATE])
    Nothing(task_id="snapshot") >> search >> Nothing(task_id="fit") >> evaluate

with DAG(f"{NAME}_deploy", schedule=PartitionedAssetTimetable(assets=CANDIDATE), catchup=False) as deploy:
    Nothing(task_id="test_artifact") >> Nothing(task_id="promote", outlets=[DEPLOYMENT])

with DAG(f"{NAME}_score", schedule=PartitionedAssetTimetable(assets=DATA | DEPLOYMENT), catchup=False) as score:
    Nothing(task_id="score", outlets=[PREDICTIONS])

with DAG(f"{NAME}_monitor", schedule=PartitionedAssetTimetable(assets=PREDICTIONS), catchup=False) as monitor:
    Nothing(task_id="detect_drift") >> [Nothing(task_id="request_retraining"), Nothing(task_id="call_team")]

with DAG("many_tasks", schedule=None, max_active_tasks=200) as many:
    Nothing.partial(task_id="nothing").expand(family=[str(number) for number in range(200)])
