"""Tell the on-call what failed: one structured event in the log, and to a webhook or mailbox where one is connected.

Connections ``flightdeck_webhook`` (HTTP) and ``flightdeck_mail`` (SMTP, recipients in its extra's ``to``) switch the
other two on. A task that was killed cannot speak; its DAG's callback does, and an incident is sent only once.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from airflow.sdk import BaseHook, BaseNotifier, timezone
from airflow.sdk.exceptions import AirflowNotFoundException

from include.incidents import Incident, record
from plugins.context import pipeline_run

log = logging.getLogger("flightdeck.oncall")


class OnCallNotifier(BaseNotifier):
    """Send one event for a failed task."""

    template_fields = ("team",)

    def __init__(self, team: str) -> None:
        super().__init__()
        self.team = team

    def notify(self, context: Any) -> None:
        """Build the incident, and send it if nobody did before."""
        _tell(incident_of(context, self.team))


def missed_deadline(team: str, what: str, context: Any = None, **_: Any) -> None:
    """Tell the on-call that a run is late; Airflow's deadline calls it, with facts instead of objects."""
    run = (context or {}).get("dag_run") or {}
    dag_id, run_id = str(run.get("dag_id", "")), str(run.get("dag_run_id") or run.get("run_id") or "")
    message = (
        f"{dag_id}: expected {what}, but saw the run still under way at its deadline. Next: open the run, see which "
        "task waits or repeats, and `./flightdeck status`; yesterday's issue still covers the day"
    )
    _tell(
        Incident(
            use_case=dag_id.rpartition("_")[0], team=team, dag_id=dag_id, run_id=run_id, task_id="(deadline)",
            try_number=0, partition=str(run.get("partition_key") or ""), error="late", message=message, log_url="",
            at=timezone.utcnow(),
        )
    )  # fmt: skip


def _tell(incident: Incident) -> None:
    if not record(incident):
        return
    event = incident.model_dump(mode="json")
    log.error("INCIDENT %s", json.dumps(event))
    for send in (_webhook, _mail):
        try:
            send(event)
        except Exception:
            log.exception("incident was recorded, but could not be sent by %s", send.__name__)


def incident_of(context: Any, team: str) -> Incident:
    """Return the failure that a task's or a DAG's callback context tells of."""
    run, task = context["dag_run"], context.get("ti") or context.get("task_instance")
    error = context.get("exception")
    killed = error is None or not str(error)
    task_id = getattr(task, "task_id", "(none)")
    return Incident(
        use_case=run.dag_id.rpartition("_")[0],
        team=team,
        dag_id=run.dag_id,
        run_id=run.run_id,
        task_id=task_id,
        try_number=getattr(task, "try_number", 0) or 0,
        partition=getattr(run, "partition_key", None) or "",
        error="killed" if killed else type(error).__name__,
        message=_killed_message(run.dag_id, task_id) if killed else str(error),
        log_url=getattr(task, "log_url", None) or "",
        at=timezone.utcnow(),
    )


def _killed_message(dag_id: str, task_id: str) -> str:
    return (
        f"{dag_id}.{task_id}: expected the task to end by itself, but saw its process gone without a word, or the run "
        "failed for another task's sake. Next: read the end of the task's log, where 'signal -9' is most often memory, "
        "and on many machines the worker's, which ends where its clock is wrong. Clear the task: nothing "
        "is left half-written"
    )


def close_mlflow_runs(context: Any) -> None:
    """Close the MLflow runs that a failed DAG run left open; a killed task could not."""
    from include.models import tracking

    closed = tracking.close_runs_of(pipeline_run(context), status="FAILED")
    log.info("closed MLflow runs of %s: %s", pipeline_run(context), closed)


def _webhook(event: dict[str, Any]) -> None:
    if (connection := _connection("flightdeck_webhook")) is not None:
        import requests

        requests.post(connection.get_uri(), json=event, timeout=10).raise_for_status()


def _mail(event: dict[str, Any]) -> None:
    if (connection := _connection("flightdeck_mail")) is not None:
        from airflow.providers.smtp.hooks.smtp import SmtpHook

        with SmtpHook(smtp_conn_id="flightdeck_mail") as hook:
            hook.send_email_smtp(
                to=connection.extra_dejson["to"],
                subject=f"[flightdeck] {event['dag_id']}.{event['task_id']} failed",
                html_content=f"<p>{event['message']}</p><p><a href='{event['log_url']}'>log</a></p>",
            )


def _connection(name: str) -> Any:
    try:
        return BaseHook.get_connection(name)
    except AirflowNotFoundException:
        return None
