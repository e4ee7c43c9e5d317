"""DAGs beside the ring: what an operator or the clock does to a deployment as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from airflow.sdk import DAG, Param

from include.spec import UseCase
from plugins.defaults import dag_defaults, oncall_defaults
from plugins.operators.deployment import ReconcileOperator, RollbackOperator


def rollback(spec: UseCase) -> DAG:
    """Return the rollback of one use case: a form, one task, one journal entry."""
    with DAG(
        **dag_defaults(spec, "rollback"),
        schedule=None,
        description="Restore the champion before, in the journal and in MLflow's alias",
        doc_md=f"### Roll back {spec.title}\nBy hand only. Restores the champion before the present one.",
        params={
            "why": Param(
                "", type="string", minLength=5, title="Why", description="Lands in the journal with your name."
            ),
            "key": Param(
                spec.keys[0], type="string", enum=list(spec.keys), title="Key", description="Which of its models."
            ),
            "dry_run": Param(
                True, type="boolean", title="Dry run", description="Say what would happen, change nothing."
            ),
        },
    ) as dag:
        RollbackOperator(task_id="rollback", use_case=spec.name, why="{{ params.why }}", key="{{ params.key }}")
    return dag


def reconcile(specs: Sequence[UseCase]) -> DAG:
    """Return the daily repair of aliases and head tags from the journals."""
    with DAG(
        dag_id="flightdeck_reconcile",
        schedule="30 1 * * *",
        catchup=False,
        max_active_runs=1,
        tags={"platform"},
        description="Repair MLflow's champion aliases and head tags from the deployment journals",
        doc_md="### Reconcile\nThe journal alone is the truth; what MLflow shows of it is repaired here every night.",
        **oncall_defaults(owner="flightdeck", team="platform"),
    ) as dag:
        ReconcileOperator.partial(task_id="reconcile").expand(use_case=[spec.name for spec in specs])
    return dag
