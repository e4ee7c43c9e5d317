"""Whether the service of this very container is well. Asked every few seconds: nothing heavy is loaded.

Of Airflow's components that listen to nobody the newest heartbeat is read where they write it; a worker is asked by
the way its tasks come.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from contextlib import closing

from include.platform import cluster, components
from include.platform.state import State
from include.platform.stores import LOOPBACK, postgres_binary

_SECONDS = 5.0
_STALE_SECONDS = 60
_JOBS = {"dag-processor": "DagProcessorJob", "triggerer": "TriggererJob"}


def healthy(service: str, state: State) -> bool:
    """Return whether a service that should run here does, and answers.

    Args:
        service: Its name.
        state: Its ports, and the secrets that it knows.
    """
    checks: dict[str, Callable[[], bool]] = {
        **{name: _answering(url) for name, url in components.health(state).items()},
        "api-server": _answering(f"http://{LOOPBACK}:{state.ports['airflow']}/api/v2/monitor/health"),
        "scheduler": _answering(f"http://{LOOPBACK}:{state.ports['scheduler_health']}/health"),
        **{name: lambda kind=kind: _beats(kind, state) for name, kind in _JOBS.items()},  # type: ignore[misc]
        cluster.WORKER: lambda: _pongs(state),
        cluster.POSTGRES: _accepts,
        cluster.VALKEY: lambda: _knows_me(state),
    }
    try:
        return checks[service]()
    except (OSError, http.client.HTTPException):
        return False


def _answering(url: str) -> Callable[[], bool]:
    def ask() -> bool:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=_SECONDS) as answer:
            return bool(answer.status == 200)

    return ask


def _beats(kind: str, state: State) -> bool:
    """Return whether a component of this host has left a heartbeat of late; the database's clock judges both."""
    import psycopg

    query = (
        "SELECT max(latest_heartbeat) > now() - make_interval(secs => %s) FROM job"
        " WHERE job_type = %s AND hostname = %s AND state = 'running'"
    )
    try:
        with psycopg.connect(cluster.dsn("airflow", state), connect_timeout=int(_SECONDS)) as connection:
            found = connection.execute(query, (_STALE_SECONDS, kind, socket.gethostname())).fetchone()
    except psycopg.Error:
        return False
    return bool(found and found[0])


def _pongs(state: State) -> bool:
    """Return whether the worker of this host answers a ping that comes over the broker."""
    import celery
    import kombu

    with closing(celery.Celery(broker=cluster.broker(state))) as app:
        app.conf.broker_transport_options = {"socket_connect_timeout": _SECONDS, "socket_timeout": _SECONDS}
        try:
            return bool(app.control.ping([f"celery@{socket.gethostname()}"], timeout=_SECONDS, limit=1))
        except kombu.exceptions.OperationalError:
            return False


def _accepts() -> bool:
    asked = [postgres_binary("pg_isready"), "-q", "-h", LOOPBACK, "-p", str(cluster.POSTGRES_PORT)]
    return subprocess.run(asked, env={"PATH": os.environ.get("PATH", "")}, check=False).returncode == 0


def _knows_me(state: State) -> bool:
    """Return whether Valkey answers a ping after the password; the protocol is three lines, a client half a second."""
    password = state.secrets["valkey"].encode()
    said = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\n*1\r\n$4\r\nPING\r\n" % (len(password), password)
    with socket.create_connection((LOOPBACK, cluster.VALKEY_PORT), timeout=_SECONDS) as connection:
        connection.sendall(said)
        answer = b""
        while answer.count(b"\n") < 2 and (more := connection.recv(64)):
            answer += more
    return answer == b"+OK\r\n+PONG\r\n"
