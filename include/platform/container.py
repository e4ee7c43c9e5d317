"""One service of the platform as a container's first process: made from its environment, watched, ended as a whole.

The programs and their settings are those of the embedded platform but for what ``include.platform.cluster`` says.
`python -m include.platform.container` takes the name of a service, `check` with a name, `setup`, which prepares what
the services need, `env`, which prints fresh secrets, `life` and `verify` with a use case, or `key`, `backup` and
`restore` as the door does.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from include.errors import FlightdeckError, PermanentError
from include.platform import cluster, components
from include.platform.state import Home, State, private_file
from include.platform.stores import Program, postgres_binary, postgres_program, valkey_program

if TYPE_CHECKING:
    from include.platform.airflow_api import Airflow

REPLAY_START = "FLIGHTDECK_REPLAY_START"
SERVICES = ("s3", cluster.POSTGRES, cluster.VALKEY, "mlflow", components.SERVING, *cluster.AIRFLOW)
_HOME = Path("/data")
_VALKEY_CONFIG = Path("/etc/valkey.conf")


def main(arguments: list[str]) -> int:
    """Run a service, check it, or do one of the things beside; return the exit code."""
    what, more = (arguments or [""])[0], arguments[1:]
    beside = {"key": _key, "life": _life, "verify": _verify, "backup": _backup, "restore": _restore}
    try:
        if what in SERVICES and not more:
            beside_it = [cluster.worker_clock(_state(what))] if what == cluster.WORKER else []
            return supervise([_program(what), *beside_it])
        if what == "check" and len(more) == 1 and more[0] in SERVICES:
            return _check(more[0])
        if what == "env" and not more:
            print("\n".join(f"{name}={value}" for name, value in fresh_environment().items()))
            return 0
        if what == "setup" and not more:
            return _setup()
        if what in beside:
            return beside[what](more)
    except FlightdeckError as error:
        print(error, file=sys.stderr)
        return 1
    print(
        f"one of {', '.join(SERVICES)}, `check` with one of them, `setup`, `env`, or {', '.join(sorted(beside))} with "
        "`--help`",
        file=sys.stderr,
    )
    return 2


def fresh_environment() -> dict[str, str]:
    """Return new secrets and passwords for the variables that docker-compose.yaml asks for."""
    import secrets

    made = Home(_HOME).load_or_make(today=dt.datetime.now(dt.UTC).date())
    return {
        **{variable: made.secrets.get(name) or secrets.token_urlsafe(24) for name, variable in cluster.SECRETS.items()},
        **{variable: made.passwords[account] for account, variable in cluster.PASSWORDS.items()},
        REPLAY_START: made.replay_start.isoformat(),
    }


def supervise(programs: Sequence[Program]) -> int:
    """Run programs until one of them ends or this process is told to; end them all, and return the exit code.

    Who is told to end may finish what it has begun; where one has ended by itself the others are not waited for. As a
    container's first process it also buries what its children have left behind.
    """
    events = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, events)
    running = {
        os.posix_spawn(each.argv[0], each.argv, {**os.environ, **each.env}, setsid=True, setsigmask=()): each
        for each in programs
    }
    told, code = False, 0
    while not told and not code:
        told = signal.sigwait(events) != signal.SIGCHLD
        for pid, status in _ended():
            if program := running.pop(pid, None):
                code = 1
                print(
                    f"{program.name} ended with {os.waitstatus_to_exitcode(status)}; all end with it", file=sys.stderr
                )
    asked = max((program.patience for program in running.values()), default=0) if told else 0
    for kill, patience in ((False, asked), (True, 1)):
        for pid, program in running.items():
            os.kill(pid, signal.SIGKILL if kill else program.stop)
        deadline = time.monotonic() + patience
        while running and time.monotonic() < deadline:
            for pid, _ in _ended():
                running.pop(pid, None)
            time.sleep(0.05)
    return code


def _program(service: str) -> Program:
    state = _state(service)
    if service == cluster.POSTGRES:
        return _postgres(state)
    if service == cluster.VALKEY:
        return valkey_program(_VALKEY_CONFIG)
    if service in ("s3", "mlflow"):
        hosts, database = cluster.hosts(), cluster.database("mlflow", state)
        made = components.stores(state, _HOME, hosts=hosts, database=database, buckets=cluster.BUCKETS)
        return next(each for each in made if each.name == service)
    if service == components.SERVING:
        return components.serving(state, _HOME, hosts=cluster.hosts())
    return cluster.airflow(service, state, _HOME)


def _postgres(state: State) -> Program:
    """Return PostgreSQL, with a folder made at the first start: whole, or made again."""
    folder, half = _HOME / "postgres", _HOME / "postgres.half"
    if not folder.exists():
        shutil.rmtree(half, ignore_errors=True)
        private_file(password := _HOME / "password", state.secrets["postgres"])
        made = [postgres_binary("initdb"), "-D", str(half), "-U", cluster.ADMINISTRATOR, "--auth=scram-sha-256",
                "--encoding=UTF8", "--locale=C.UTF-8", f"--pwfile={password}"]  # fmt: skip
        subprocess.run(made, check=True)
        password.unlink()
        with (half / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all scram-sha-256\n")
        half.rename(folder)
    return postgres_program(folder, port=cluster.POSTGRES_PORT, bind="*")


def _check(service: str) -> int:
    from include.platform.alive import healthy

    return 0 if healthy(service, _state(service)) else 1


def _setup() -> int:
    from include.platform.prepare import prepare

    state = _state("setup")
    _given(list(cluster.PASSWORDS.values()))
    prepare(state, _HOME)
    return 0


def _life(arguments: list[str]) -> int:
    """Run a use case once, from raw rows to a decision or through days of its recording, from inside."""
    from include.catalog import use_case
    from include.forecast import Forecast
    from include.platform.life import live
    from include.platform.nights import replay_nights
    from include.platform.replay import replay
    from include.recommendation import Recommendation

    parser = argparse.ArgumentParser(prog="life")
    parser.add_argument("use_case")
    parser.add_argument("--approve-as", metavar="USER", help="answer the approval; the journal marks it as unattended")
    parser.add_argument("--days", type=int, default=1, help="of a recording under its own dates, behind its history")
    given = parser.parse_args(arguments)
    spec, deployment = use_case(given.use_case), Deployment(_state("setup"))
    if isinstance(spec, Forecast):
        first, last = replay(deployment, spec, days=given.days)
    elif isinstance(spec, Recommendation):
        first, last = replay_nights(deployment, spec, nights=given.days)
    else:
        life = live(deployment, spec, approve_as=given.approve_as, ask=False)
        print(life.waiting or life.skipped or f"life took {life.seconds:.0f} s", flush=True)
        return 75 if life.waiting else 0
    print(f"lived {first} to {last}", flush=True)
    return 0


def _verify(arguments: list[str]) -> int:
    from rich.console import Console

    from include.catalog import use_case
    from include.platform import show

    parser = argparse.ArgumentParser(prog="verify")
    parser.add_argument("use_case")
    given = parser.parse_args(arguments)
    Deployment(_state("setup")).enter()
    return 0 if show.journal(Console(highlight=False), use_case(given.use_case)) else 1


class Deployment:
    """The deployment as somebody sees it who triggers and watches, with all accounts' passwords."""

    def __init__(self, state: State) -> None:
        self.state = state

    def airflow(self, user: str = "operator") -> Airflow:
        """Return Airflow's API as one of the accounts."""
        from include.platform.airflow_api import Airflow

        variable = cluster.PASSWORDS.get(user, "")
        hosts = cluster.hosts()
        url, page = (of(self.state, hosts)["airflow"] for of in (components.urls, components.pages))
        return Airflow(url, user, _given([variable])[variable], page=page)

    def enter(self) -> None:
        """Let this very process use the deployment's services."""
        from include.settings import settings

        os.environ.update(components.service_env(self.state, _HOME, hosts=cluster.hosts()))
        settings.cache_clear()

    def say(self, text: str) -> None:
        """Show progress."""
        print(text, flush=True)


def _key(arguments: list[str]) -> int:
    from rich.console import Console

    from include.platform import keys
    from include.platform.door import key_parser

    given = key_parser().parse_args(arguments)
    Deployment(_state(components.SERVING)).enter()
    return keys.run(given, Console(highlight=False), _HOME / components.SERVING)


def _backup(arguments: list[str]) -> int:
    from include.platform import recovery
    from include.platform.door import backup_parser

    return recovery.back_up(backup_parser().parse_args(arguments), _databases())


def _restore(arguments: list[str]) -> int:
    from include.platform import recovery
    from include.platform.door import restore_parser
    from include.platform.prepare import databases

    given, urls = restore_parser().parse_args(arguments), _databases()
    databases(_state("setup"))
    return recovery.bring_back(given, urls)


def _databases() -> dict[str, str]:
    """Enter the deployment, and return the addresses of the databases that a back-up has."""
    Deployment(state := _state("setup")).enter()
    return {name: cluster.database(name, state) for name in ("airflow", "mlflow")}


def _state(service: str) -> State:
    """Return the secrets that a service must know, as its environment has them; all others are empty."""
    known = {name: cluster.SECRETS[name] for name in cluster.KNOWS[service]}
    tasks = service in (cluster.WORKER, "dag-processor", "triggerer", "setup")
    given = _given([*known.values(), *([REPLAY_START] if tasks else [])])
    return State(
        replay_start=_day(given[REPLAY_START]) if tasks else dt.date.min,
        secrets={name: given[known[name]] if name in known else "" for name in cluster.SECRETS},
        passwords={},
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
