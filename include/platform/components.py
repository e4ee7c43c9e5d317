"""What the platform consists of: the programs and the settings that one machine and many have in common.

What differs on many machines is in ``include.platform.cluster``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from include.platform.bootstrap import ROOT
from include.platform.state import USERS, State
from include.platform.stores import LOOPBACK, S3_PORTS, Program, mlflow_program, s3_program

AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer")
SERVING = "serving"
BUCKETS = ["flightdeck", "mlflow"]
_SLOTS = 4
# Forked from one process that has these loaded, a task starts in a fraction of a second instead of several.
PRELOAD = (
    "airflow.sdk.execution_time.supervisor", "airflow.sdk.execution_time.task_runner", "pandas", "pyarrow", "boto3",
    "sklearn.ensemble", "sklearn.linear_model", "sklearn.model_selection", "sklearn.compose", "matplotlib.pyplot",
    "scipy.stats", "mlflow.sklearn", "skops.io", "optbinning", "great_expectations",
    "include.platform.frozen",
)  # fmt: skip


@dataclass(frozen=True)
class Hosts:
    """Where the programs listen, and by which names they find each other.

    Args:
        pages: Addresses by which a browser finds Airflow and MLflow, where that is not loopback and the service's port.
    """

    bind: str = LOOPBACK
    s3: str = LOOPBACK
    mlflow: str = LOOPBACK
    airflow: str = LOOPBACK
    pages: Mapping[str, str] = field(default_factory=dict)


ONE_MACHINE = Hosts()


def urls(state: State, hosts: Hosts = ONE_MACHINE) -> dict[str, str]:
    """Return the addresses of the services, as they find each other."""
    names = {"s3": hosts.s3, "mlflow": hosts.mlflow, "airflow": hosts.airflow, SERVING: LOOPBACK}
    return {service: f"http://{host}:{state.ports[service]}" for service, host in names.items()}


def pages(state: State, hosts: Hosts = ONE_MACHINE) -> dict[str, str]:
    """Return the addresses of the services, as a browser finds them."""
    return {**urls(state), **{service: url for service, url in hosts.pages.items() if url}}


def health(state: State) -> dict[str, str]:
    """Return the address that answers 200 when a store, or the scoring service, is healthy."""
    where = urls(state)
    return {
        "s3": f"{where['s3']}/healthz",
        "mlflow": f"{where['mlflow']}/health",
        SERVING: f"{where[SERVING]}/health/live",
    }


def service_env(state: State, home: Path, *, use_cases: str = "", hosts: Hosts = ONE_MACHINE) -> dict[str, str]:
    """Return the settings of ``include.settings`` for this platform."""
    where, seen = urls(state, hosts), pages(state, hosts)
    return {
        "AWS_ENDPOINT_URL_S3": where["s3"],
        "AWS_ACCESS_KEY_ID": state.secrets["s3_access"],
        "AWS_SECRET_ACCESS_KEY": state.secrets["s3_secret"],
        "AWS_REGION": "us-east-1",
        "MLFLOW_TRACKING_URI": where["mlflow"],
        "FLIGHTDECK_MLFLOW_URL": seen["mlflow"],
        "FLIGHTDECK_BUCKET": "flightdeck",
        "FLIGHTDECK_AIRFLOW_URL": seen["airflow"],
        "FLIGHTDECK_JOURNAL_KEY": state.secrets["journal"],
        "FLIGHTDECK_REPLAY_START": state.replay_start.isoformat(),
        "FLIGHTDECK_SCENARIO": state.scenario,
        "FLIGHTDECK_SCENARIO_FROM": state.scenario_from.isoformat(),
        "FLIGHTDECK_CACHE_DIR": os.environ.get("FLIGHTDECK_CACHE_DIR") or str(home / "cache"),
        "FLIGHTDECK_USE_CASES": use_cases,
        "NO_PROXY": (near := ",".join(dict.fromkeys((LOOPBACK, "localhost", hosts.s3, hosts.mlflow, hosts.airflow)))),
        "no_proxy": near,
    }


def stores(
    state: State, home: Path, *, hosts: Hosts = ONE_MACHINE, database: str = "", buckets: Sequence[str] = BUCKETS
) -> list[Program]:
    """Return S3 and MLflow, which keeps its own in a database: in a file unless told otherwise."""
    keys = {"access_key": state.secrets["s3_access"], "secret_key": state.secrets["s3_secret"]}
    (home / "s3").mkdir(parents=True, exist_ok=True)
    (home / "mlflow").mkdir(parents=True, exist_ok=True)
    ports = [state.ports[name] for name in S3_PORTS]
    return [
        s3_program(home / "s3", ports=ports, buckets=list(buckets), bind=hosts.bind, **keys),
        mlflow_program(
            port=state.ports["mlflow"], database=database or f"sqlite:///{home / 'mlflow' / 'mlflow.db'}",
            s3_url=urls(state, hosts)["s3"], bucket="mlflow", bind=hosts.bind, host=hosts.mlflow, **keys,
        ),
    ]  # fmt: skip


def serving(state: State, home: Path, *, use_cases: str = "", hosts: Hosts = ONE_MACHINE) -> Program:
    """Return the scoring service; its folder holds the log of what it has answered, and so is state."""
    argv = [
        sys.executable, "-m", "include.serving.main", "--home", str(home / SERVING), "--host", hosts.bind,
        "--port", str(state.ports[SERVING]),
    ]  # fmt: skip
    env = service_env(state, home, use_cases=use_cases, hosts=hosts)
    # One process a core is what spreads the load; threads below it would only get into each other's way.
    return Program(SERVING, argv, {**env, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"})


def airflow(state: State, home: Path, *, dag_folders: Sequence[Path], use_cases: str = "") -> list[Program]:
    """Return Airflow's components for one machine: SQLite, LocalExecutor, and accounts in a file."""
    env = airflow_env(state, home, dag_folders=dag_folders, use_cases=use_cases)
    # The servers of task logs would listen on every interface; on one machine the API server reads the files itself.
    more = {"scheduler": ["--skip-serve-logs"], "triggerer": ["--skip-serve-logs"]}
    return [component(name, more.get(name, []), env) for name in AIRFLOW]


def component(name: str, arguments: Sequence[str], env: dict[str, str]) -> Program:
    """Return one of Airflow's programs."""
    return Program(name, [sys.executable, "-m", "airflow", *name.split(), *arguments], env)


def migration(env: dict[str, str]) -> Program:
    """Return the program that makes or renews Airflow's database; it ends by itself."""
    return Program("migration", [sys.executable, "-m", "airflow", "db", "migrate"], env)


def airflow_env(
    state: State,
    home: Path,
    *,
    dag_folders: Sequence[Path],
    use_cases: str = "",
    hosts: Hosts = ONE_MACHINE,
    slots: int = _SLOTS,
    differing: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Return Airflow's settings, and those of the tasks that it starts.

    Args:
        state: Ports and secrets.
        home: Folder of what the programs write.
        dag_folders: Where DAG files are.
        use_cases: Further packages with specs.
        hosts: Where the programs find each other.
        slots: How many tasks run at once on one machine.
        differing: Settings of an executor, a database and accounts that are not those of one machine.
    """
    where, folder = urls(state, hosts), home / "airflow"
    bundles = [
        {
            "name": "dags" if number == 0 else f"dags-{number}",
            "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
            "kwargs": {"path": str(path)},
        }
        for number, path in enumerate(dag_folders)
    ]
    settings = {
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "CORE__DAGS_FOLDER": str(dag_folders[0]),
        "CORE__FERNET_KEY": state.secrets["fernet"],
        "CORE__EXECUTION_API_SERVER_URL": f"{where['airflow']}/execution/",
        "API__HOST": hosts.bind,
        "API__PORT": str(state.ports["airflow"]),
        "API__BASE_URL": pages(state, hosts)["airflow"],
        "API__SECRET_KEY": state.secrets["api"],
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": state.secrets["jwt"],
        # Who has an answer holds a connection until one of 40 threads is free to end the request. With Airflow's 15
        # connections, fifty who asked at once had all threads wait for one, and nobody could give one back.
        "DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "75",
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        "DAG_PROCESSOR__REFRESH_INTERVAL": "15",
        "DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",  # a changed file is read at once; this is for changed specs
        "LOGGING__WORKER_LOG_SERVER_PORT": str(state.ports["worker_logs"]),
        "LOGGING__TRIGGER_LOG_SERVER_PORT": str(state.ports["trigger_logs"]),
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",  # what decides how long a ring of short tasks takes
        "SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(state.ports["scheduler_health"]),
        "WORKERS__EXECUTION_API_TIMEOUT": "30",
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",  # also how long a slot may stay taken by a task that has ended
        "USAGE_DATA_COLLECTION__ENABLED": "False",
        **(_one_machine(folder, home / "passwords.json") if differing is None else differing),
    }
    return {
        **service_env(state, home, use_cases=use_cases, hosts=hosts),
        **{f"AIRFLOW__{name}": value for name, value in settings.items()},
        "AIRFLOW_HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        # A task has its share of the cores. Threads that wait for each other on cores that other tasks hold, and spin
        # while they wait, made a fit of two seconds last for a minute.
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // slots)),
        "OMP_WAIT_POLICY": "passive",
        "GX_ANALYTICS_ENABLED": "False",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    }


def _one_machine(folder: Path, passwords: Path) -> dict[str, str]:
    return {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": str(_SLOTS),
        "CORE__MP_START_METHOD": "forkserver",
        "CORE__MP_FORKSERVER_PRELOAD": ",".join(PRELOAD),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{user}:{role}" for user, role in USERS.items()),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder / 'airflow.db'}",
        "SCHEDULER__ENABLE_HEALTH_CHECK": "False",
    }
