"""The platform with the accounts and roles of a deployment on many machines: FAB, in PostgreSQL."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import subprocess
from importlib.metadata import version

import pytest
import requests
from playwright.sync_api import expect

from include.platform import access, components
from include.platform.cluster import PASSWORDS
from include.platform.embedded import Platform
from tests.browser.conftest import CHROMIUM, FLAGS, PATIENCE_MS, log_in
from tests.platform_fixtures import ROOT, entered
from tests.postgres import postgres_server

PORTS = 29200
PACKAGES = "tests.second_use_case tests.e2e.use_cases tests.cluster.use_cases"
FOLDERS = (ROOT / "tests/cluster/dags",)


def pytest_collection_modifyitems(items):
    """Mark all of it as slow: it starts a platform of its own."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests/cluster"):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: `apt install chromium`")
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": list(FLAGS)}


@contextlib.contextmanager
def pages(browser, url, passwords):
    """Give a function that logs somebody in to Airflow and returns their page."""
    contexts = []

    def page(name):
        contexts.append(browser.new_context(base_url=url, viewport={"width": 1400, "height": 1000}))
        opened = contexts[-1].new_page()
        opened.set_default_timeout(PATIENCE_MS)
        log_in(opened, name, passwords[name])
        expect(opened.get_by_role("heading", name="Welcome")).to_be_visible()
        return opened

    try:
        yield page
    finally:
        for context in contexts:
            context.close()


@pytest.fixture(scope="session")
def database():
    """Give the address of an empty PostgreSQL."""
    with postgres_server("airflow", port=PORTS + 90) as port:
        yield f"postgresql+psycopg2://airflow@127.0.0.1:{port}/postgres"


@pytest.fixture(scope="session")
def cluster(database, tmp_path_factory):
    """Give a healthy platform whose people come from FAB, and stop it afterwards."""
    more = {
        **access.fab_env(),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database,
        "AIRFLOW__FAB__AUTH_RATE_LIMITED": "False",  # five tries in 40 seconds; these tests log in more often
    }
    of_one_machine = components.airflow_env
    made = Platform(tmp_path_factory.mktemp("cluster"), dag_folders=FOLDERS, use_cases=PACKAGES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(made.home.folder / "airflow"))
        patch.setenv("FLIGHTDECK_CACHE_DIR", os.environ.get("FLIGHTDECK_CACHE_DIR", str(ROOT / ".flightdeck/cache")))
        patch.setattr(components, "airflow_env", lambda *args, **rest: {**of_one_machine(*args, **rest), **more})
        today = dt.datetime.now(dt.UTC).date()
        made.home.save(made.home.load_or_make(today=today).model_copy(update={"first_port": PORTS}))
        folder = made.home.folder / "airflow"
        folder.mkdir()
        ran(components.migration(environment(made)))
        (folder / f".migrated-{version('apache-airflow-core')}").touch()  # so that `up` does not make it again
        ran(access.accounts(environment(made)))
        made.up()
        with entered(made):
            yield made


def environment(platform, **changed):
    """Return all of Airflow's settings with the accounts' passwords, some of them changed."""
    env = components.airflow_env(platform.state, platform.home.folder, dag_folders=FOLDERS, use_cases=PACKAGES)
    return {**env, **{PASSWORDS[name]: password for name, password in platform.state.passwords.items()}, **changed}


def ran(program):
    """Run a program to its good end, and return what it said."""
    ended = subprocess.run(program.argv, env={**os.environ, **program.env}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


class Person:
    """Somebody at the REST API, by token; nobody without a password."""

    def __init__(self, url, name="", password=""):
        self.url, self.name, self.session = url, name, requests.Session()
        self.session.trust_env = False
        if name:
            answer = self.session.post(f"{url}/auth/token", json={"username": name, "password": password}, timeout=30)
            answer.raise_for_status()
            self.session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def ask(self, method, path, body=None):
        """Return the answer to a request; paths without a slash in front are those of the public API."""
        where = path if path.startswith("/") else f"/api/v2/{path}"
        return self.session.request(method, self.url + where, json=body, timeout=60, allow_redirects=False)


@pytest.fixture(scope="session")
def people(cluster):
    """Give each account at the REST API, by its name."""
    url = components.urls(cluster.state)["airflow"]
    return {name: Person(url, name, password) for name, password in cluster.state.passwords.items()}
