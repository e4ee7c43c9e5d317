"""The platform as a whole: started once however often it is asked for, private, and gone without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from include.platform import components, processes
from include.platform.bootstrap import NotReadyError
from include.platform.embedded import Platform
from include.platform.state import FIRST_PORT

PORT = FIRST_PORT + 400


def pids(platform):
    return {name: each.pid for name, each in platform.state.started.items()}


def descendants(of):
    """Return the processes with all their children, by who is whose parent."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(entry.name)] = int(parent)
    found = set(of)
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def test_a_second_start_is_quick_and_starts_nothing(platform):
    before = pids(platform)
    assert set(before) == {"s3", "mlflow", components.SERVING, *components.AIRFLOW}
    assert platform.up() < 5
    assert pids(platform) == before


def test_every_process_of_the_platform_is_known_by_its_mark(platform):
    ours = set(pids(platform).values())
    grown = descendants(ours)
    marked = processes.marked(platform.home.folder)
    assert len(grown) > len(ours)
    assert grown & descendants(ours) <= marked  # Airflow's parsers come and go


def test_nothing_listens_beyond_this_machine(platform):
    ours = descendants(set(pids(platform).values()))
    sockets = {}
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            local, state, inode = (line.split()[place] for place in (1, 3, 9))
            if state == "0A":
                sockets[f"socket:[{inode}]"] = local
    listening = set()
    for pid in ours:
        with contextlib.suppress(OSError):
            for each in (Path("/proc") / str(pid) / "fd").iterdir():
                with contextlib.suppress(OSError):
                    listening.add(sockets.get(str(each.readlink())))
    listening.discard(None)
    assert len(listening) > 5
    assert {address.partition(":")[0] for address in listening} == {"0100007F"}, listening


def test_two_starts_at_once_start_nothing_either(platform):
    before = pids(platform)
    threads = [threading.Thread(target=platform.up) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert pids(platform) == before


def test_a_running_platform_does_not_move_to_other_ports(platform):
    before = platform.state
    with pytest.raises(NotReadyError, match=f"runs on the ports from {before.first_port}"):
        platform.up(first_port=before.first_port + 20)
    assert platform.state == before


def test_what_airflow_has_made_is_private_too(platform):
    home = platform.home.folder
    assert home.stat().st_mode & 0o777 == 0o700
    for path in (home / "state.json", home / "passwords.json", home / "airflow/airflow.cfg", *home.glob("logs/*.log")):
        assert path.stat().st_mode & 0o077 == 0, path
    assert json.loads((home / "passwords.json").read_text()) == platform.state.passwords


def test_a_component_that_died_is_started_again_alone(platform):
    before = pids(platform)
    orphans = descendants({before["triggerer"]}) - {before["triggerer"]}
    os.kill(before["triggerer"], 9)
    deadline = time.monotonic() + 10
    while platform.status()["triggerer"] != "stopped":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    platform.up()
    after = pids(platform)
    assert after.pop("triggerer") != before.pop("triggerer")
    assert after == before
    assert not orphans & descendants({1})


@pytest.fixture
def another(tmp_path):
    """Give a function that makes a platform of its own in a folder, and stop what it has started."""
    made = []

    def make(home=tmp_path / "home"):
        made.append(Platform(home))
        return made[-1]

    yield make
    for each in made:
        each.down()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ("mlflow/mlflow.db", r"mlflow ended: .*file is not a database.*Next: read .*logs/mlflow\.log"),
        ("airflow/airflow.db", r"(api-server|scheduler|dag-processor|triggerer) ended: .*file is not a database"),
    ],
)
def test_a_component_that_dies_at_its_start_is_named_and_nothing_stays(another, tmp_path, spoilt, said):
    platform, file = another(), tmp_path / "home" / spoilt
    file.parent.mkdir(parents=True)
    file.write_text("what somebody else has left here " * 99)
    if spoilt.startswith("airflow"):  # a database that was good once
        file.with_name(f".migrated-{version('apache-airflow-core')}").touch()
    with pytest.raises(NotReadyError, match=said):
        platform.up(first_port=PORT)
    assert processes.marked(tmp_path / "home") == set()
    assert platform.state.started == {}


@pytest.mark.slow
def test_a_disk_that_fills_during_the_start_is_told_and_nothing_stays(another, small_disk):
    subprocess.run(["mount", "-o", "remount,size=512k", str(small_disk)], check=True)
    with pytest.raises((NotReadyError, OSError), match=r"disk|space"):
        another(small_disk / "home").up(first_port=PORT)
    assert processes.marked(small_disk / "home") == set()


@pytest.mark.slow
def test_what_was_stopped_is_gone_and_comes_back_as_it_was(another, tmp_path):
    platform = another()
    platform.up(first_port=PORT)
    secrets = platform.state.secrets
    assert set(platform.down()) == {"s3", "mlflow", components.SERVING, *components.AIRFLOW}
    assert processes.marked(tmp_path / "home") == set()
    assert not any(processes.listener(port) for port in platform.state.ports.values())
    assert set(platform.status().values()) == {"stopped"}
    assert platform.down() == []
    platform.up()
    assert platform.state.secrets == secrets
    assert set(platform.status().values()) == {"healthy"}
