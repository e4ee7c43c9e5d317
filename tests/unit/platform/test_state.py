"""What the platform remembers is for its owner's eyes, and not for the repository."""

from __future__ import annotations

import datetime as dt
import os
import subprocess

import pytest

from include.platform.bootstrap import HOME, ROOT
from include.platform.state import FIRST_PORT, Home, State

TODAY = dt.date(2026, 11, 24)


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def test_secrets_are_for_their_owner_alone(tmp_path, open_umask):
    folder = tmp_path / "home"
    (folder / "cache").mkdir(parents=True)  # made before by somebody who did not think of secrets
    home = Home(folder)
    home.save(home.load_or_make(today=TODAY))
    assert folder.stat().st_mode & 0o777 == 0o700
    for name in ("state.json", "passwords.json"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600, name


def test_two_platforms_share_no_secret(tmp_path):
    one, two = (Home(tmp_path / name).load_or_make(today=TODAY) for name in "ab")
    ours, theirs = ({**each.secrets, **each.passwords}.values() for each in (one, two))
    assert not set(ours) & set(theirs)
    assert min(map(len, one.passwords.values())) >= 16


def test_a_port_keeps_its_number_when_a_service_is_added():
    ports = State.model_construct(first_port=FIRST_PORT).ports
    assert [ports[name] for name in ("airflow", "mlflow", "s3", "serving")] == [28080, 28081, 28082, 28095]
    assert len(set(ports.values())) == len(ports) == 16


def test_what_is_remembered_survives(tmp_path):
    home = Home(tmp_path / "home")
    made = home.load_or_make(today=TODAY)
    home.save(made)
    assert home.load_or_make(today=TODAY + dt.timedelta(days=1)) == made


def test_an_account_that_came_later_gets_a_password_and_nobody_else_a_new_one(tmp_path):
    home = Home(tmp_path / "home")
    made = home.load_or_make(today=TODAY)
    known = {name: word for name, word in made.passwords.items() if name != "auditor"}
    home.save(made.model_copy(update={"passwords": known}))
    later = home.load_or_make(today=TODAY).passwords
    assert len(later.pop("auditor")) >= 16
    assert later == known


def test_git_ignores_the_home_of_the_platform():
    inside = subprocess.run(["git", "rev-parse"], cwd=ROOT, capture_output=True, check=False)
    if inside.returncode:
        pytest.skip("not a clone")
    paths = [str(HOME / name) for name in ("state.json", "passwords.json", "logs/s3.log", "airflow/airflow.cfg")]
    ignored = subprocess.run(["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ignored.stdout.split() == paths
