"""What differs on many machines: who knows which secret, Airflow's settings, and its programs.

All else is that of the embedded platform. Each service runs in a container of its own and finds the others by the names
in ``HOSTS``; a worker may be on another machine where these names lead to the same services.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from include.platform import access, components
from include.platform.bootstrap import ROOT
from include.platform.components import Hosts
from include.platform.state import USERS, State
from include.platform.stores import Program
from include.work import DEFAULT, KINDS, POOLS_EXIST

POSTGRES, POSTGRES_PORT = "postgres", 5432
VALKEY, VALKEY_PORT = "valkey", 6379
ADMINISTRATOR = "postgres"
WORKER = "worker"
AIRFLOW = (*components.AIRFLOW, WORKER)
BUCKETS = [*components.BUCKETS, "airflow-logs"]
SECRETS = {
    "s3_access": "FLIGHTDECK_S3_ACCESS_KEY",
    "s3_secret": "FLIGHTDECK_S3_SECRET_KEY",
    "journal": "FLIGHTDECK_JOURNAL_KEY",
    "jwt": "FLIGHTDECK_AIRFLOW_JWT_SECRET",
    "api": "FLIGHTDECK_AIRFLOW_API_SECRET",
    "fernet": "FLIGHTDECK_AIRFLOW_FERNET_KEY",
    "postgres": "FLIGHTDECK_POSTGRES_PASSWORD",
    "airflow_db": "FLIGHTDECK_AIRFLOW_DATABASE_PASSWORD",
    "celery_db": "FLIGHTDECK_CELERY_DATABASE_PASSWORD",
    "mlflow_db": "FLIGHTDECK_MLFLOW_DATABASE_PASSWORD",
    "valkey": "FLIGHTDECK_VALKEY_PASSWORD",
}
PASSWORDS = {account: f"FLIGHTDECK_{account.upper()}_PASSWORD" for account in USERS}
DATABASES = {"airflow": "airflow_db", "celery": "celery_db", "mlflow": "mlflow_db"}  # each with a role of its name
# A worker asks Airflow's API and never its database, and the journal's key is where tasks and callbacks sign.
_STORES = ("s3_access", "s3_secret")
KNOWS: Mapping[str, tuple[str, ...]] = {
    "s3": _STORES,
    "mlflow": (*_STORES, "mlflow_db"),
    "postgres": ("postgres",),
    "valkey": ("valkey",),
    components.SERVING: (*_STORES, "journal"),
    "setup": tuple(SECRETS),
    "api-server": (*_STORES, "airflow_db", "jwt", "api", "fernet"),
    "scheduler": ("airflow_db", "celery_db", "valkey", "jwt", "api", "fernet"),
    "dag-processor": (*_STORES, "journal", "airflow_db", "jwt", "api", "fernet"),
    "triggerer": (*_STORES, "journal", "airflow_db", "jwt", "api", "fernet"),
    WORKER: (*_STORES, "journal", "celery_db", "valkey", "api"),
}
_HEARTBEAT_SECONDS = 30  # a task that was not heard of for so long is given up, looked for every …
_DETECTION_SECONDS = 5  # … so often: with the pause before a retry, a dead worker's task moves within a minute
_REDELIVERY_SECONDS = 60  # for what a worker had taken and not begun; of a task that runs, a second one is refused
_PARALLEL = 64
_LOGS = "flightdeck_logs"
_WORKER_PATIENCE_SECONDS = 300  # a worker that is asked to end takes nothing new and finishes what it has


def hosts(environment: Mapping[str, str] = os.environ) -> Hosts:
    """Return how the services find each other, and how a browser finds them."""
    pages = {name: environment.get(f"FLIGHTDECK_{name.upper()}_PAGE", "") for name in ("airflow", "mlflow")}
    everywhere = "0.0.0.0"  # noqa: S104 - a container's own network
    return Hosts(bind=everywhere, s3="s3", mlflow="mlflow", airflow="api-server", pages=pages)


def database(name: str, state: State) -> str:
    """Return the address of a database, none where its password is not known."""
    password = state.secrets[DATABASES[name]]
    return (
        f"postgresql+psycopg://{name}:{quote(password, safe='')}@{POSTGRES}:{POSTGRES_PORT}/{name}" if password else ""
    )


def dsn(name: str, state: State) -> str:
    """Return the address of a database as its own client takes it."""
    return database(name, state).replace("+psycopg", "", 1)


def broker(state: State) -> str:
    """Return the address of the queues, none where their password is not known."""
    password = state.secrets["valkey"]
    return f"redis://:{quote(password, safe='')}@{VALKEY}:{VALKEY_PORT}/0" if password else ""


def airflow_env(state: State, home: Path) -> dict[str, str]:
    """Return the settings of Airflow's components and tasks, without those for which a secret is not known."""
    slots = int(os.environ.get("FLIGHTDECK_WORKER_SLOTS") or 2)
    env = components.airflow_env(
        state, home, dag_folders=[ROOT / "dags"], hosts=hosts(), slots=slots, differing=_differing(state, slots)
    )
    logs = {
        "conn_type": "aws", "login": state.secrets["s3_access"], "password": state.secrets["s3_secret"],
        "extra": {"endpoint_url": env["AWS_ENDPOINT_URL_S3"], "region_name": env["AWS_REGION"]},
    }  # fmt: skip
    if state.secrets["s3_access"]:
        env[f"AIRFLOW_CONN_{_LOGS.upper()}"] = json.dumps(logs)
    env |= {**access.fab_env(), POOLS_EXIST: "yes"}
    return {name: value for name, value in env.items() if value}


def airflow(component: str, state: State, home: Path) -> Program:
    """Return one of Airflow's components."""
    env = airflow_env(state, home)
    if component != WORKER:
        return components.component(component, [], env)
    queues = os.environ.get("FLIGHTDECK_WORKER_QUEUES") or ",".join((DEFAULT, *KINDS))
    argv = [
        *components.component("celery worker", ["--queues", queues, "--without-gossip", "--without-mingle"], env).argv
    ]
    argv[argv.index("airflow")] = "include.platform.preload"
    return Program(WORKER, argv, env, patience=_WORKER_PATIENCE_SECONDS)


def worker_clock(state: State) -> Program:
    """Return what watches the clock of a worker's machine; where that is wrong it ends, and the worker with it."""
    url = f"{components.urls(state, hosts())['airflow']}/api/v2/version"
    return Program("clock", [sys.executable, "-m", "include.platform.worker_clock", url], {})


def _differing(state: State, slots: int) -> dict[str, str]:
    results = database("celery", state)
    return {
        "CORE__EXECUTOR": "CeleryExecutor",
        "CORE__PARALLELISM": str(_PARALLEL),
        "CORE__HOSTNAME_CALLABLE": "socket.gethostname",  # by which the API server finds a worker's running log
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",  # specs change with the image, and that starts it anew
        "DATABASE__SQL_ALCHEMY_CONN": database("airflow", state),
        "CELERY__BROKER_URL": broker(state),
        "CELERY__RESULT_BACKEND": f"db+{results}" if results else "",
        "CELERY__WORKER_CONCURRENCY": str(slots),
        "CELERY__WORKER_PREFETCH_MULTIPLIER": "1",  # a worker takes what it can begin, and leaves the rest to others
        "CELERY__TASK_ACKS_LATE": "True",
        "CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": str(_REDELIVERY_SECONDS),
        "LOGGING__REMOTE_LOGGING": "True",
        "LOGGING__REMOTE_BASE_LOG_FOLDER": f"s3://{BUCKETS[-1]}/tasks",
        "LOGGING__REMOTE_LOG_CONN_ID": _LOGS,
        "LOGGING__DELETE_LOCAL_LOGS": "True",
        "OPERATORS__DEFAULT_QUEUE": DEFAULT,
        "SCHEDULER__ENABLE_HEALTH_CHECK": "True",
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": str(_HEARTBEAT_SECONDS),
        "SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": str(_DETECTION_SECONDS),
        # An API server that is replaced is back in half a minute; tasks wait for it, and ask often enough to be heard.
        "WORKERS__EXECUTION_API_RETRIES": "10",
        "WORKERS__EXECUTION_API_RETRY_WAIT_MAX": "5",
    }
