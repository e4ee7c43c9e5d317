"""The program that makes accounts says what its environment lacks before it touches anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from include.errors import PermanentError
from include.platform.bootstrap import ROOT
from include.platform.state import USERS

GIVEN = {f"FLIGHTDECK_{name.upper()}_PASSWORD": f"word of {name}" for name in USERS}


def test_every_account_has_its_variable(access):
    assert access("accounts").passwords(GIVEN) == {name: f"word of {name}" for name in USERS}


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_or_empty_password_is_named(access, value):
    given = {**GIVEN, "FLIGHTDECK_AUDITOR_PASSWORD": value}
    with pytest.raises(PermanentError, match="no value for FLIGHTDECK_AUDITOR_PASSWORD"):
        access("accounts").passwords({name: word for name, word in given.items() if word is not None})


def test_the_program_ends_with_that_sentence(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "plugins.access.accounts"],
        cwd=ROOT, env={"PATH": "", "AIRFLOW_HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert "no value for FLIGHTDECK_ADMIN_PASSWORD" in ended.stderr
    assert ".env.example" in ended.stderr
