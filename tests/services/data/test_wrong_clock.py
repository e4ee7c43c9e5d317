"""A machine whose clock is wrong is refused by S3, and is told so; a machine with a wrong key is told another thing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from include.data.objects import ObjectStore
from include.data.tables import Table
from include.errors import PermanentError
from include.settings import settings

ROOT = Path(__file__).parents[3]
CHILD = """
from include.data.objects import ObjectStore
from include.data.tables import Table
from include.errors import FlightdeckError

for ask in (lambda: ObjectStore().list_from("journal/"), Table("credit_risk", "rows").version):
    try:
        print("answered", ask())
    except FlightdeckError as error:
        print(type(error).__name__, error)
"""


@pytest.fixture(scope="module")
def library():
    """Give the library that sets the clock of a process."""
    if (found := next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)) is None:
        pytest.skip("no libfaketime on this machine")
    return found


def said(library, offset):
    """Return what a process says whose clock is so many seconds off."""
    wrong = {"LD_PRELOAD": str(library), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    child = subprocess.run(
        [sys.executable, "-c", CHILD], cwd=ROOT, env={**os.environ, **wrong}, capture_output=True, text=True, check=True
    )
    return child.stdout.splitlines()


@pytest.mark.usefixtures("tenant")
@pytest.mark.parametrize("offset", ["+3600", "-3600"])
def test_a_clock_an_hour_off_is_named_and_not_tried_again_by_itself(library, offset):
    for sentence in said(library, offset):
        assert sentence.startswith("PermanentError ")
        assert "expected a clock that is near S3's" in sentence
        assert "compare `date` on" in sentence


@pytest.mark.usefixtures("tenant")
def test_a_clock_ten_minutes_off_is_taken(library):
    assert [each.split()[0] for each in said(library, "+600")] == ["answered", "answered"]


@pytest.mark.usefixtures("tenant")
def test_a_key_that_s3_does_not_know_is_no_broken_table(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    settings.cache_clear()
    for ask in (lambda: ObjectStore().list_from("journal/"), Table("credit_risk", "rows").version):
        with pytest.raises(PermanentError, match=r"to accept the call, but saw .*403.* Next: check the bucket's name"):
            ask()
