"""The supervisor of the scoring service: it alone asks the net, and what it learns it writes into one local file.

It follows the journals, brings the models they name and the forecasts that were issued, keeps the access keys, ships
the log, and looks after the workers.
Each of these has a thread of its own, so that a store which keeps silent holds up nothing else.
"""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from include.catalog import use_case
from include.errors import FlightdeckError, PermanentError
from include.forecast import Forecast
from include.serving.cache import ModelCache
from include.serving.follower import Follower
from include.serving.keys import Keyring
from include.serving.view import AccessKey, View, read_view
from include.serving.workers import WORKER, Workers, tell

FOLLOW_SECONDS, ACCESS_SECONDS, SHIP_SECONDS, ISSUE_SECONDS = 1.0, 1.0, 2.0, 5.0
_WRITE_SECONDS = 2.0
_TICK_SECONDS = 0.1
_KEEP_SECONDS = 60.0
_UNEXPECTED_SECONDS = 5.0


@dataclass(frozen=True)
class Options:
    """What one service is told at its start.

    Args:
        home: Its folder: view, models, log.
        port: Port of its workers.
        bind: Address of its workers.
        serves: Names of the use cases.
        workers: How many worker processes.
        worker: What Python is told to run as a worker.
    """

    home: Path
    port: int
    serves: tuple[str, ...]
    bind: str = "127.0.0.1"
    workers: int = 1
    worker: Sequence[str] = WORKER


class Supervisor:
    """One service."""

    def __init__(self, options: Options) -> None:
        self.options, self._stop = options, threading.Event()
        self._problems: dict[str, str] = {}
        self._left = self._read()
        self._access: tuple[AccessKey, ...] = self._left.access if self._left else ()

    def stop(self) -> None:
        """Let ``run`` come to its end; may be called by a signal's handler."""
        self._stop.set()

    def run(self) -> None:
        """Serve until ``stop``; the workers have ended when this returns.

        Raises:
            PermanentError: another supervisor has this home.
        """
        home = self.options.home
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with _only_one(home):
            cache = ModelCache(home)
            followers = self._followers(cache)
            workers = Workers(
                home, self.options.serves, port=self.options.port, bind=self.options.bind,
                count=self.options.workers, command=self.options.worker,
            )  # fmt: skip
            self._write(followers)
            self._begin(cache, followers)
            try:
                self._tend(workers, followers)
            finally:
                killed = workers.stop()
        if killed:
            tell(f"workers {killed} did not end and were killed")

    def _followers(self, cache: ModelCache) -> dict[str, Follower]:
        left = self._left
        return {
            name: Follower(
                use_case(name), cache, before=left.use_cases.get(name) if left else None,
                confirmed_at=left.confirmed_at if left else None,
            )
            for name in self.options.serves
        }  # fmt: skip

    def _begin(self, cache: ModelCache, followers: dict[str, Follower]) -> None:
        for name, follower in followers.items():
            self._repeat(f"journal of {name}", partial(_followed, follower))
            self._repeat(f"anchor of {name}", follower.anchor_once)
        for spec in map(use_case, followers):
            if isinstance(spec, Forecast):
                self._repeat(f"forecasts of {spec.name}", partial(self._issued, spec))
        keyring = Keyring()
        self._repeat("access keys", partial(self._keys, keyring))
        self._repeat("shipping", self._shipped)
        self._repeat("models", partial(_kept, cache, followers))

    def _tend(self, workers: Workers, followers: dict[str, Follower]) -> None:
        written, last = self._write(followers), time.monotonic()
        while not self._stop.wait(_TICK_SECONDS):
            self._say("workers", workers.tend())
            view = self._view(followers)
            if _content(view) != _content(written) or time.monotonic() - last > _WRITE_SECONDS:
                written, last = self._write(followers), time.monotonic()

    def _view(self, followers: dict[str, Follower]) -> View:
        confirmed = [each.confirmed_at for each in followers.values()]
        known = [each for each in confirmed if each is not None]
        return View(
            written_at=_now(),
            confirmed_at=min(known) if known and len(known) == len(confirmed) else None,
            use_cases={name: each.view() for name, each in followers.items()},
            access=self._access,
            problem="; ".join(each for _, each in sorted(self._problems.items())),
        )

    def _write(self, followers: dict[str, Follower]) -> View:
        view = self._view(followers)
        try:
            view.write(self.options.home)
            self._say("view", "")
        except OSError as error:
            self._say("view", f"the view cannot be written: {error}")
        return view

    def _read(self) -> View | None:
        try:
            return read_view(self.options.home)
        except ValueError as error:  # a loss of power may have left half of it
            self._say("view", f"the view of the process before cannot be read: {error}")
            return None

    def _keys(self, keyring: Keyring) -> float:
        found = keyring.look()
        self._access = found.valid()
        self._say("access keys", "; ".join(found.problems))
        return ACCESS_SECONDS

    def _issued(self, spec: Forecast) -> float:
        from include.serving.forecasts import publish

        publish(spec, self.options.home)
        return ISSUE_SECONDS

    def _shipped(self) -> float:
        # Tables take a second to import; nobody's answer waits for them.
        from include.serving.shipping import ship

        ship(self.options.home, run=f"serving/{os.getpid()}")
        return SHIP_SECONDS

    def _repeat(self, what: str, step: Callable[[], float]) -> None:
        """Call a step on a thread of its own, again and again after the seconds that it returns."""

        def run() -> None:
            seconds = 0.0
            while not self._stop.wait(seconds):
                try:
                    seconds = step()
                    self._say(f"{what} again", "")
                except FlightdeckError as error:
                    self._say(f"{what} again", str(error))
                    seconds = _UNEXPECTED_SECONDS
                except Exception as error:  # whatever it is, the service goes on and says so
                    tell(traceback.format_exc())
                    self._say(f"{what} again", f"{what}: {type(error).__name__}: {error}")
                    seconds = _UNEXPECTED_SECONDS

        threading.Thread(target=run, name=what, daemon=True).start()

    def _say(self, what: str, problem: str) -> None:
        """Keep what is wrong with a part, and print it once."""
        if problem == self._problems.get(what, ""):
            return
        self._problems = {**self._problems, what: problem} if problem else _without(self._problems, what)
        tell(problem or f"{what}: well again")


def _followed(follower: Follower) -> float:
    follower.step(_now())
    return FOLLOW_SECONDS


def _kept(cache: ModelCache, followers: dict[str, Follower]) -> float:
    named = [each.named for each in followers.values()]
    if all(each is not None for each in named):  # else a journal is not read yet, and might name what is there
        cache.keep(frozenset().union(*(each for each in named if each is not None)))
    return _KEEP_SECONDS


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold a home's lock, which ends with the process, however that ends.

    Raises:
        PermanentError: another process has it.
    """
    with (home / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermanentError(
                expected="a folder of its own for each scoring service", seen="one that another supervisor holds",
                where=str(home), next_step="stop the other one, or choose another --home",
            ) from None  # fmt: skip
        yield


def _content(view: View) -> object:
    return view.use_cases, view.access, view.problem


def _without(problems: dict[str, str], what: str) -> dict[str, str]:
    return {name: said for name, said in problems.items() if name != what}


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
