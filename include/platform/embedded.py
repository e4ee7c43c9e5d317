"""The embedded platform as a whole: up, healthy, down. What half-started is stopped again before an error is told."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from include.platform import components, processes
from include.platform.airflow_api import Airflow
from include.platform.bootstrap import HOME, ROOT, NotReadyError, alone
from include.platform.state import Home, Started, State
from include.platform.stores import Program

Say = Callable[[str], None]
_HEALTHY_SECONDS = 180
# How the programs mark the line that says what went wrong; behind it a trace or a hint may follow.
_CAUSE = re.compile(r"[\w.]*(Error|Exception)\b|[EF]\d{4} |panic: |.*\[(error|critical)\s*\]")


class Platform:
    """One embedded platform; ``home`` holds all that belongs to it.

    Args:
        home: Its folder.
        dag_folders: Where DAG files are.
        use_cases: Further packages with specs, separated by spaces.
        say: Where progress goes.
    """

    def __init__(
        self,
        home: Path = HOME,
        *,
        dag_folders: Sequence[Path] = (ROOT / "dags",),
        use_cases: str = "",
        say: Say = print,
    ) -> None:
        self.home, self.dag_folders, self.use_cases, self.say = Home(home), list(dag_folders), use_cases, say

    @property
    def state(self) -> State:
        """Return the remembered state.

        Raises:
            NotReadyError: nothing was ever started here.
        """
        found = self.home.load()
        if found is None:
            raise NotReadyError("There is no platform yet. Start one with `./flightdeck up`")
        return found

    @property
    def migrated(self) -> Path:
        """Return the mark that Airflow's database is of the version that is installed."""
        from importlib.metadata import version

        return self.home.folder / "airflow" / f".migrated-{version('apache-airflow-core')}"

    def airflow(self, user: str = "operator") -> Airflow:
        """Return Airflow's API as one of the local accounts."""
        state = self.state
        if user not in state.passwords:
            raise NotReadyError(f"No local account '{user}'; there are {', '.join(state.passwords)}")
        return Airflow(components.urls(state)["airflow"], user, state.passwords[user])

    def enter(self) -> None:
        """Let this very process use the platform's services."""
        from include.settings import settings

        os.environ.update(components.service_env(self.state, self.home.folder, use_cases=self.use_cases))
        settings.cache_clear()

    def up(self, *, first_port: int | None = None) -> float:
        """Start what does not run, wait until all is healthy, and return the seconds it took.

        Raises:
            NotReadyError: a port is taken, the disk is full, or a component does not become healthy; nothing new stays.
        """
        began = time.monotonic()
        with self._alone():
            self._up(first_port)
        return time.monotonic() - began

    def _alone(self) -> AbstractContextManager[None]:
        return alone(self.home.folder / "lock", self.say)

    def _up(self, first_port: int | None) -> None:
        state = self.home.load_or_make(today=dt.datetime.now(dt.UTC).date())
        running = {name: each for name, each in state.started.items() if processes.alive(each)}
        if first_port is not None and first_port != state.first_port:
            if running:
                raise NotReadyError(
                    f"The platform runs on the ports from {state.first_port}. `./flightdeck down` first, then repeat"
                )
            state = state.model_copy(update={"first_port": first_port})
        # What a dead component has left behind would hold the ports of its successor.
        # The workers of the scoring service share theirs, and go on until the next supervisor has replaced them.
        dead = [each for name, each in state.started.items() if name not in {*running, components.SERVING}]
        processes.stop(dead, home=None)
        if not running:
            self._ports_free(state)
        self.home.save(state.model_copy(update={"started": running}))
        fresh: dict[str, Started] = {}
        try:
            self._start(components.stores(state, self.home.folder), running, fresh)
            self._migrate(state)
            programs = components.airflow(
                state, self.home.folder, dag_folders=self.dag_folders, use_cases=self.use_cases
            )
            serving = components.serving(state, self.home.folder, use_cases=self.use_cases)
            self._start([*programs, serving], running, fresh)
            self._healthy(state, {**running, **fresh})
        except BaseException:
            processes.stop(fresh.values(), home=None if running else self.home.folder)
            self.home.save(state.model_copy(update={"started": running}))
            raise

    def down(self) -> list[str]:
        """Stop what was started, and return the names of what ran."""
        if self.home.load() is None:
            return []
        with self._alone():
            state = self.state
            running = [name for name, each in state.started.items() if processes.alive(each)]
            processes.stop(state.started.values(), home=self.home.folder)
            self.home.save(state.model_copy(update={"started": {}}))
        return running

    def status(self) -> dict[str, str]:
        """Return each component's state: healthy, or what is wrong."""
        state = self.state
        found = {name: self._store(url, name, state) for name, url in components.health(state).items()}
        airflow = Airflow.health(components.urls(state)["airflow"])
        for name in components.AIRFLOW:
            known = airflow.get(name.replace("-", "_").replace("api_server", "api"), "no answer")
            running = name in state.started and processes.alive(state.started[name])
            found[name] = known if running else "stopped"
        return found

    def memory_mib(self) -> float:
        """Return the proportional set size of all that belongs to the platform, in MiB."""
        return processes.memory_mib(processes.members(self.state.started.values(), home=self.home.folder))

    def _store(self, url: str, name: str, state: State) -> str:
        if name not in state.started or not processes.alive(state.started[name]):
            return "stopped"
        return "healthy" if answers(url) else "no answer"

    def _start(self, programs: Sequence[Program], running: dict[str, Started], fresh: dict[str, Started]) -> None:
        for program in programs:
            if program.name in running:
                continue
            log = self.home.folder / "logs" / f"{program.name}.log"
            fresh[program.name] = processes.start(program, home=self.home.folder, log=log)
            state = self.state
            self.home.save(state.model_copy(update={"started": {**state.started, program.name: fresh[program.name]}}))

    def _migrate(self, state: State) -> None:
        """Make Airflow's database, once for each version of Airflow."""
        folder, done = self.home.folder / "airflow", self.migrated
        if done.exists():
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not any(folder.glob(".migrated-*")):  # what an interrupted try has left is no database
            (folder / "airflow.db").unlink(missing_ok=True)
        self.say("· making Airflow's database …")
        env = components.airflow_env(state, self.home.folder, dag_folders=self.dag_folders, use_cases=self.use_cases)
        program = components.migration(env)
        made = subprocess.run(
            program.argv, env={**os.environ, **program.env}, capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise NotReadyError(
                f"Airflow's database could not be made: {_cause(made.stderr)}. Next: see that the disk has room"
            )
        done.touch()

    def _healthy(self, state: State, started: dict[str, Started]) -> None:
        self.say("· waiting until all is healthy …")
        deadline = time.monotonic() + _HEALTHY_SECONDS
        while any(seen != "healthy" for seen in self.status().values()):
            for name, each in started.items():
                if not processes.alive(each):
                    log = self.home.folder / "logs" / f"{name}.log"
                    said = _cause(log.read_text(errors="replace"))
                    raise NotReadyError(f"{name} ended: {said}. Next: read {log}")
            if time.monotonic() > deadline:
                ill = ", ".join(f"{name}: {seen}" for name, seen in self.status().items() if seen != "healthy")
                raise NotReadyError(f"Not healthy after {_HEALTHY_SECONDS} s: {ill}. Next: read `./flightdeck logs`")
            time.sleep(0.25)

    def _ports_free(self, state: State) -> None:
        if left := processes.marked(self.home.folder):  # of a platform whose state was lost
            processes.stop([], home=self.home.folder)
            self.say(f"· stopped {len(left)} processes that an earlier platform had left")
        for name, port in state.ports.items():
            if processes.listener(port):
                raise NotReadyError(
                    f"Port {port} for {name} is in use by another program. Stop that, or choose others: "
                    f"`./flightdeck up --ports {state.first_port + 1000}`"
                )


def answers(url: str) -> bool:
    """Return whether a URL answers 200 within two seconds."""
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def _cause(text: str) -> str:
    """Return the last line of a log that names an error, else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return ([line for line in lines if _CAUSE.match(line)] or lines or ["no word why"])[-1]
