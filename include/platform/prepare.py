"""What a deployment on many machines needs before its services start: databases, tables, pools, accounts.

All of it can be repeated: it is run at each `up`, and each part leaves what is there as it is. An upgrade is the same.
Run as a program it takes the environment as it is, and leaves the databases to those who run them, as on Kubernetes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from include.errors import FlightdeckError, TransientError
from include.platform import access, cluster, components
from include.platform.state import State
from include.work import KINDS

_POOL_SLOTS = 16


def prepare(state: State, home: Path) -> None:
    """Make or renew all that is not there, or not as this version wants it.

    Args:
        state: All secrets.
        home: A folder for Airflow's own files.

    Raises:
        TransientError: a step failed; its own words stand above.
    """
    env = cluster.airflow_env(state, home)
    print("· databases and their roles", flush=True)
    databases(state)
    if _has_tables("mlflow", state):  # MLflow makes them itself, and refuses to start on those of an older version
        print("· tables of MLflow", flush=True)
        _run([sys.executable, "-m", "mlflow", "db", "upgrade", cluster.database("mlflow", state)], env)
    furnish(env, home)


def furnish(env: Mapping[str, str], home: Path) -> None:
    """Make or renew what Airflow's database needs: tables, pools, roles and accounts.

    Args:
        env: Airflow's settings, beside those of this process.
        home: A folder for files that are gone afterwards.

    Raises:
        TransientError: a step failed; its own words stand above.
    """
    print("· tables of Airflow", flush=True)
    _run(components.migration({}).argv, env)
    print("· pools", flush=True)
    _pools(env, home)
    print("· accounts", flush=True)
    _run(access.accounts({}).argv, env)


def databases(state: State) -> None:
    """Make the databases and roles that are missing, and give the roles their passwords."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(
        host=cluster.POSTGRES,
        port=cluster.POSTGRES_PORT,
        user=cluster.ADMINISTRATOR,
        dbname=cluster.ADMINISTRATOR,
        password=state.secrets["postgres"],
        autocommit=True,
    ) as connection:
        for name, secret in cluster.DATABASES.items():
            role, password = sql.Identifier(name), sql.Literal(state.secrets[secret])
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone()
            verb = sql.SQL("ALTER" if known else "CREATE")
            connection.execute(sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(verb, role, password))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(role, role))
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(role))


def _has_tables(name: str, state: State) -> bool:
    import psycopg

    with psycopg.connect(cluster.dsn(name, state)) as connection:
        found = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
    return bool(found and found[0])


def _pools(env: Mapping[str, str], home: Path) -> None:
    """Make the pools that are missing; the size of one that is there is the operators' business."""
    with tempfile.TemporaryDirectory(dir=home) as folder:
        there, missing = Path(folder) / "there.json", Path(folder) / "missing.json"
        _run([sys.executable, "-m", "airflow", "pools", "export", str(there)], env)
        known = json.loads(there.read_text())
        wanted = {
            name: {"slots": _POOL_SLOTS, "description": about, "include_deferred": False}
            for name, about in KINDS.items()
            if name not in known
        }
        if wanted:
            missing.write_text(json.dumps(wanted))
            _run([sys.executable, "-m", "airflow", "pools", "import", str(missing)], env)


def _run(argv: list[str], env: Mapping[str, str]) -> None:
    if subprocess.run(argv, env={**os.environ, **env}, check=False).returncode:
        raise TransientError(
            expected=f"`{' '.join(argv[1:5])}` to succeed",
            seen="its words above",
            where="setup",
            next_step="mend what it names, then run the same again; every step may be repeated",
        )


if __name__ == "__main__":
    try:
        furnish({}, Path(tempfile.gettempdir()))
    except FlightdeckError as error:
        sys.exit(str(error))
