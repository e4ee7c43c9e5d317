"""What a worker knows at one moment, as one object that is exchanged whole.

A request takes the object once, so whatever changes meanwhile, its answer has one version, one sequence and one split.
The next object is made beside, in a thread, models included, and put in place when it is complete.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from include.errors import ArtifactError
from include.forecast import Forecast
from include.records import ModelRef
from include.serving import forecasts, models
from include.serving.forecasts import Issue
from include.serving.models import Loaded
from include.serving.view import FILE, AccessKey, View, ViewOfKey, read_view
from include.spec import UseCase

log = logging.getLogger("flightdeck.serving")
LOOK_SECONDS = 0.2
RETRY_SECONDS = 2.0


@dataclass(frozen=True)
class Live:
    """What is live for one key of a use case.

    Args:
        said: What the view says.
        sequence: The journal's sequence.
        loaded: Its models in memory, by digest.
        problems: Why a model is not, by digest.
    """

    said: ViewOfKey
    sequence: int
    loaded: Mapping[str, Loaded]
    problems: Mapping[str, str] = field(default_factory=dict)

    def model(self, ref: ModelRef | None) -> Loaded | None:
        """Return a model, none where it could not be loaded or there is none."""
        return self.loaded.get(ref.digest) if ref else None


@dataclass(frozen=True)
class Snapshot:
    """All that a request is answered by.

    Args:
        view: The view it is made of; none before the supervisor has written the first.
        live: What is live, by use case and key.
        access: The valid keys, by id.
        issues: The newest issued forecasts, by use case.
        problems: What could not be taken over, for people.
    """

    view: View | None = None
    live: Mapping[tuple[str, str], Live] = field(default_factory=dict)
    access: Mapping[str, AccessKey] = field(default_factory=dict)
    issues: Mapping[str, Issue] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class Watcher:
    """Keeps a snapshot up to date with the files of a home."""

    def __init__(self, home: Path, specs: Sequence[UseCase], load: Callable[..., Loaded] = models.load) -> None:
        self._home, self._specs, self._load = home, {spec.name: spec for spec in specs}, load
        self._files = [home / FILE, *(forecasts.path_of(home, spec.name) for spec in specs)]
        self._seen: dict[Path, object] = {}
        self._tried, self._failed = 0.0, False
        self._loaded: dict[str, Loaded] = {}
        self.snapshot = Snapshot()

    def refresh(self) -> None:
        """Make a new snapshot of what the files say, and put it in place; what cannot be read leaves the old one."""
        try:
            self._refresh()
        except Exception as error:  # whatever it is, what was known before still holds
            log.exception("the view could not be taken over")
            said = f"the view could not be taken over: {type(error).__name__}: {error}"
            self.snapshot, self._failed = replace(self.snapshot, problems=(said,)), True

    def _refresh(self) -> None:
        stamps, self._tried = self._stamps(), time.monotonic()
        changed = {path for path, stamp in stamps.items() if stamp != self._seen.get(path)}
        problems: list[str] = []
        before = self.snapshot
        try:
            view = read_view(self._home)
        except (OSError, ValueError) as error:
            problems.append(f"{FILE}: {error}; the view before holds")
            view = before.view
        live = self._live(view, problems) if view else {}
        self.snapshot = Snapshot(
            view=view,
            live=live,
            access={key.id: key for key in view.access} if view else {},
            issues=self._issues(before, changed, problems),
            problems=tuple(problems),
        )
        self._seen = stamps
        used = {digest for each in live.values() for digest in each.loaded}
        self._loaded = {digest: each for digest, each in self._loaded.items() if digest in used}

    async def follow(self) -> None:
        """Look at the files some times a second, for ever."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            again = self._failed and time.monotonic() - self._tried >= RETRY_SECONDS
            if again or self._stamps() != self._seen:
                await asyncio.to_thread(self.refresh)

    def _live(self, view: View, problems: list[str]) -> dict[tuple[str, str], Live]:
        live = {}
        self._failed = False
        if view.problem:
            problems.append(view.problem)
        for name, said in view.use_cases.items():
            if (spec := self._specs.get(name)) is None:
                continue
            if said.problem:
                problems.append(f"{name}: {said.problem}")
            failed: dict[str, str] = {}
            # A forecast is handed out as it was issued; no model of it is here, and none is missed.
            wanted = {} if isinstance(spec, Forecast) else models.needed(said.keys)
            for digest, ref in wanted.items():
                if digest not in self._loaded:
                    try:
                        self._loaded[digest] = self._load(spec, self._home, ref)
                    except ArtifactError as error:
                        failed[digest] = str(error)
            problems.extend(failed.values())
            self._failed |= bool(failed)
            loaded = {digest: self._loaded[digest] for digest in wanted if digest in self._loaded}
            live.update(
                {
                    (name, key): Live(each, each.sequence or said.sequence, loaded, failed)
                    for key, each in said.keys.items()
                }
            )
        return live

    def _issues(self, before: Snapshot, changed: set[Path], problems: list[str]) -> dict[str, Issue]:
        found = {}
        for name in self._specs:
            issue = before.issues.get(name)
            try:
                if forecasts.path_of(self._home, name) in changed:
                    issue = forecasts.read(self._home, name)
            except (OSError, ValueError) as error:
                problems.append(f"forecasts of {name}: {error}; the issue before holds")
            if issue is not None:
                found[name] = issue
        return found

    def _stamps(self) -> dict[Path, object]:
        return {path: _stamp(path) for path in self._files}


def _stamp(path: Path) -> object:
    with contextlib.suppress(FileNotFoundError):
        seen = os.stat(path)
        return seen.st_ino, seen.st_mtime_ns, seen.st_size
    return None
