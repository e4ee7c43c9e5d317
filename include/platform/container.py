"""One service of the platform as a container's first process: made from its environment, watched, ended as a whole.

The programs and their settings are those of the embedded platform; only hosts differ. `python -m
include.platform.container` takes the name of a service, `check` with a name, `key` as the door does, or `env`, which
prints fresh secrets.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from include.errors import FlightdeckError, PermanentError
from include.platform import components
from include.platform.airflow_api import Airflow
from include.platform.bootstrap import ROOT
from include.platform.embedded import answers
from include.platform.state import USERS, Home, State, private_file
from include.platform.stores import Program

SECRETS = {
    "s3_access": "FLIGHTDECK_S3_ACCESS_KEY",
    "s3_secret": "FLIGHTDECK_S3_SECRET_KEY",
    "journal": "FLIGHTDECK_JOURNAL_KEY",
    "jwt": "FLIGHTDECK_AIRFLOW_JWT_SECRET",
    "api": "FLIGHTDECK_AIRFLOW_API_SECRET",
    "fernet": "FLIGHTDECK_AIRFLOW_FERNET_KEY",
}
PASSWORDS = {user: f"FLIGHTDECK_{user.upper()}_PASSWORD" for user in USERS}
REPLAY_START = "FLIGHTDECK_REPLAY_START"
HOSTS = components.Hosts(bind="0.0.0.0", s3="s3", mlflow="mlflow")  # noqa: S104 - a container's own network
STORES = ("s3", "mlflow")
WITH_A_PAGE = (*STORES, components.SERVING)
_HOME = Path("/data")
_GRACE_SECONDS = 20


def main(arguments: list[str]) -> int:
    """Run a service, check it, print an environment, or see to the access keys; return the exit code."""
    known = (*WITH_A_PAGE, "airflow")
    try:
        if arguments == ["env"]:
            print("\n".join(f"{name}={value}" for name, value in fresh_environment().items()))
            return 0
        if len(arguments) == 2 and arguments[0] == "check" and arguments[1] in known:
            return 0 if healthy(arguments[1]) else 1
        if len(arguments) == 1 and arguments[0] in known:
            return supervise(_programs(arguments[0]))
        if arguments[:1] == ["key"]:
            return _key(arguments[1:])
    except FlightdeckError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"one of {', '.join(known)}, `check` with one of them, `key --help`, or `env`", file=sys.stderr)
    return 2


def fresh_environment() -> dict[str, str]:
    """Return new secrets and passwords for the variables that docker-compose.yaml asks for."""
    made = Home(_HOME).load_or_make(today=dt.datetime.now(dt.UTC).date())
    named = [(SECRETS, made.secrets), (PASSWORDS, made.passwords)]
    return {variables[name]: value for variables, values in named for name, value in values.items()} | {
        REPLAY_START: made.replay_start.isoformat()
    }


def healthy(service: str) -> bool:
    """Return whether the service of this very container is."""
    state = State(replay_start=dt.date.min, secrets={}, passwords={})
    if service in WITH_A_PAGE:
        return answers(components.health(state)[service])
    seen = Airflow.health(components.urls(state)["airflow"])
    return bool(seen) and set(seen.values()) == {"healthy"}


def supervise(programs: Sequence[Program]) -> int:
    """Run programs until one of them ends or this process is told to; end them all, and return the exit code.

    As a container's first process it also buries what its children have left behind.
    """
    events = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, events)
    running = {
        os.posix_spawn(each.argv[0], each.argv, {**os.environ, **each.env}, setsid=True, setsigmask=()): each.name
        for each in programs
    }
    told, code = False, 0
    while not told and not code:
        told = signal.sigwait(events) != signal.SIGCHLD
        for pid, status in _ended():
            if name := running.pop(pid, None):
                code = 1
                print(f"{name} ended with {os.waitstatus_to_exitcode(status)}; all end with it", file=sys.stderr)
    for number, patience in ((signal.SIGTERM, _GRACE_SECONDS), (signal.SIGKILL, 1)):
        _signal(running, number)
        deadline = time.monotonic() + patience
        while running and time.monotonic() < deadline:
            for pid, _ in _ended():
                running.pop(pid, None)
            time.sleep(0.05)
    return code


def _programs(service: str) -> list[Program]:
    if service in STORES:
        state = _state({name: SECRETS[name] for name in ("s3_access", "s3_secret")}, {}, replay_start=dt.date.min)
        return [each for each in components.stores(state, _HOME, hosts=HOSTS) if each.name == service]
    if service == components.SERVING:
        return [components.serving(_serving_state(), _HOME, hosts=HOSTS)]
    state = _state(SECRETS, PASSWORDS, replay_start=_day(_given([REPLAY_START])[REPLAY_START]))
    private_file(_HOME / "passwords.json", json.dumps(state.passwords))
    programs = components.airflow(state, _HOME, dag_folders=[ROOT / "dags"], hosts=HOSTS)
    made = components.migration(programs[0].env)
    subprocess.run(made.argv, env={**os.environ, **made.env}, check=True)
    return programs


def _key(arguments: list[str]) -> int:
    from rich.console import Console

    from include.platform import keys
    from include.platform.door import key_parser

    given = key_parser().parse_args(arguments)
    os.environ.update(components.service_env(_serving_state(), _HOME, hosts=HOSTS))
    return keys.run(given, Console(highlight=False), _HOME / components.SERVING)


def _serving_state() -> State:
    secrets = {name: SECRETS[name] for name in ("s3_access", "s3_secret", "journal")}
    return _state(secrets, {}, replay_start=dt.date.min)


def _state(secrets: Mapping[str, str], passwords: Mapping[str, str], *, replay_start: dt.date) -> State:
    given = _given([*secrets.values(), *passwords.values()])
    return State(
        replay_start=replay_start,
        secrets={name: given[variable] for name, variable in secrets.items()},
        passwords={user: given[variable] for user, variable in passwords.items()},
    )


def _given(variables: Sequence[str]) -> dict[str, str]:
    if missing := [name for name in variables if not os.environ.get(name)]:
        raise _wrong(f"no value for {', '.join(missing)}")
    return {name: os.environ[name] for name in variables}


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise _wrong(f"{REPLAY_START}={text}, which is no day like 2026-11-24") from None


def _wrong(seen: str) -> PermanentError:
    return PermanentError(
        expected="the container's environment to be complete",
        seen=seen,
        where="container",
        next_step="make a .env as .env.example says",
    )


def _ended() -> list[tuple[int, int]]:
    ended = []
    try:
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append(found)
    except ChildProcessError:
        pass
    return ended


def _signal(pids: Mapping[int, str], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
