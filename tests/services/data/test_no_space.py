"""The disk under S3 is full, for real: a small file system of its own, filled to the last byte."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from include.data.ingest import ingest
from include.data.objects import ObjectStore
from include.data.tables import Table
from include.errors import TransientError
from include.platform.stores import free_ports
from tests.conftest import s3_server
from tests.services.data.conftest import SPEC, day


@pytest.fixture
def disk(tmp_path):
    """Give the folder of a disk of 32 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"a full disk needs a disk of its own, and mounting one is not permitted: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk):
    """Take all the space that is left, and return the file that takes it."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free)
    return ballast


def land(last):
    return ingest(SPEC, first_day=day(0), last_day=day(last), run="test")


def test_no_space_left_is_told_and_loses_nothing(source, disk, tmp_path):
    ports = free_ports(10)
    with s3_server(disk, tmp_path / "log", ports):
        land(1)
        ballast = fill(disk)
        with pytest.raises(
            TransientError, match=r"table spoiled/rows: expected an answer from S3.*saw .*500.*has space"
        ):
            land(5)
        with pytest.raises(
            TransientError, match=r"PUT if absent s3://flightdeck/one: .*its disk has space; after a full"
        ):
            ObjectStore().put_if_absent("one", os.urandom(2**20))
        assert len(Table(SPEC.name, "rows").read()) == 40
    ballast.unlink()
    with s3_server(disk, tmp_path / "log", ports):
        assert ObjectStore().put_if_absent("one", os.urandom(2**20))
        land(5)
        rows = Table(SPEC.name, "rows").read()
        assert len(rows) == 120
        assert not rows.duplicated(["day", "biopsy"]).any()
        assert len(Table(SPEC.name, "truth").read()) == 60
