"""The platform with the accounts and roles of a deployment on many machines: FAB, in PostgreSQL."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import version

import pytest

from include.platform import access, components
from include.platform.container import PASSWORDS
from include.platform.embedded import Platform
from include.platform.state import Home
from include.settings import settings
from tests.platform_fixtures import PACKAGES, ROOT
from tests.postgres import postgres_server

PORTS = 29200
POSTGRES_PORT = PORTS + 90
FOLDERS = (ROOT / "dags", ROOT / "tests/second_use_case/dags", ROOT / "tests/e2e/dags")


def renew_accounts(env, **changed):
    """Run the program that makes roles and accounts, with other variables where a test says so."""
    program = access.accounts(env)
    return subprocess.run(
        program.argv, env={**os.environ, **program.env, **changed}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="session")
def cluster_env():
    """Give what every component gets on top of the settings of one machine."""
    with postgres_server("airflow", port=POSTGRES_PORT) as port:
        yield {
            **access.fab_env(),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://airflow@127.0.0.1:{port}/postgres",
            # A person tries five passwords in 40 seconds at most; these tests log in more often.
            "AIRFLOW__FAB__AUTH_RATE_LIMITED": "False",
        }


@pytest.fixture(scope="session")
def airflow_env(cluster, cluster_env):
    """Give all of Airflow's settings, with the passwords of the accounts."""
    return _environment(cluster.state, cluster.home.folder)


@pytest.fixture(scope="session")
def cluster(cluster_env, tmp_path_factory):
    """Give a healthy platform whose people come from FAB, and stop it afterwards."""
    folder = tmp_path_factory.mktemp("cluster")
    cache = os.environ.get("FLIGHTDECK_CACHE_DIR", str(ROOT / ".flightdeck/cache"))
    of_one_machine = components.airflow_env
    before = dict(os.environ)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FLIGHTDECK_CACHE_DIR", cache)
        patch.setattr(components, "airflow_env", lambda *args, **more: {**of_one_machine(*args, **more), **cluster_env})
        made = Platform(folder, dag_folders=FOLDERS, use_cases=PACKAGES)
        made.home.save(_fresh(made.home))
        (folder / "airflow").mkdir()
        env = _environment(made.state, folder)
        migration = components.migration(env)
        subprocess.run(migration.argv, env={**os.environ, **migration.env}, check=True, capture_output=True)
        (folder / "airflow" / f".migrated-{version('apache-airflow-core')}").touch()
        renewed = renew_accounts(env)
        assert renewed.returncode == 0, renewed.stdout + renewed.stderr
        made.up()
        made.enter()
        yield made
        made.down()
    os.environ.clear()
    os.environ.update(before)
    settings.cache_clear()


def _fresh(home: Home):
    import datetime as dt

    return home.load_or_make(today=dt.datetime.now(dt.UTC).date()).model_copy(update={"first_port": PORTS})


def _environment(state, folder):
    passwords = {PASSWORDS[name]: password for name, password in state.passwords.items()}
    return components.airflow_env(state, folder, dag_folders=FOLDERS, use_cases=PACKAGES) | passwords
