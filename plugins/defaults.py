"""What every DAG here has: owner, tags, retries that know what can get better, and the on-call's callbacks."""

from __future__ import annotations

import datetime as dt
from typing import Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

from include.errors import PermanentError, TransientError
from include.spec import UseCase
from include.work import placement
from plugins.notifiers.oncall import OnCallNotifier, close_mlflow_runs

RETRIES = 4

RETRY_POLICY = ExceptionRetryPolicy(
    rules=[
        RetryRule(PermanentError, RetryAction.FAIL, reason="the same input gives the same failure"),
        RetryRule(
            [TransientError, ConnectionError, TimeoutError],
            RetryAction.RETRY,
            retry_delay=dt.timedelta(seconds=10),
            reason="a service was away",
        ),
    ]
)


def oncall_defaults(*, owner: str, team: str) -> dict[str, Any]:
    """Return the arguments that make a DAG's failures reach the on-call."""
    return {
        "default_args": {
            "owner": owner,
            "retries": RETRIES,
            "retry_delay": dt.timedelta(seconds=10),
            "retry_policy": RETRY_POLICY,
            "on_failure_callback": OnCallNotifier(team=team),
        },
        "on_failure_callback": [OnCallNotifier(team=team), close_mlflow_runs],
    }


def dag_defaults(spec: UseCase, step: str) -> dict[str, Any]:
    """Return the arguments that all DAGs of a use case share; the step says where its tasks may run."""
    shared = oncall_defaults(owner=spec.owner, team=spec.team)
    return {
        "dag_id": f"{spec.name}_{step}",
        "catchup": False,
        "max_active_runs": 1,
        "tags": {spec.name, step, f"risk:{spec.risk.risk_class}"},
        **shared,
        "default_args": {**shared["default_args"], **placement(step)},
    }
