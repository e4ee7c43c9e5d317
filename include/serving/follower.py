"""Follow one use case's journal, and say what the workers may serve by: a key's whole state, or the one before it.

A state is taken over when every model and every list that it names is here and is what the journal says. The off
switch alone is taken at once, for it needs no model; being switched on again waits for the whole state, because the
models that it was switched off for may still be the ones at hand.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from dataclasses import dataclass

from include.catalog import use_case
from include.deployment import lists
from include.deployment.chain import Link, broken, descends
from include.deployment.entries import Entry, KeyState
from include.deployment.journal import Journal
from include.deployment.lists import ItemRule
from include.errors import FlightdeckError
from include.forecast import Forecast
from include.records import ModelRef
from include.serving.cache import ModelCache
from include.serving.view import ViewOfKey, ViewOfUseCase
from include.spec import UseCase

_ANCHOR_SECONDS, _ANCHOR_AGAIN_SECONDS = 60.0, 5.0
_FIRST_ANCHOR_SECONDS = 10.0
_SILENT_SECONDS = 5.0
NOTHING = ViewOfKey(decides=None)


@dataclass(frozen=True)
class _Anchor:
    link: Link | None = None
    problem: str = ""


class Follower:
    """One use case; ``step`` is for one thread, ``anchor_once`` for another, the rest for anybody.

    Args:
        spec: The use case. Where forecasts are issued beforehand, no model answers a request, and none is brought.
        cache: Where its models are kept.
        before: What an earlier process has left as its view.
        confirmed_at: When that was last read from the journal without a problem.
    """

    def __init__(
        self, spec: UseCase, cache: ModelCache, *, before: ViewOfUseCase | None, confirmed_at: dt.datetime | None
    ) -> None:
        self.use_case, self.confirmed_at = spec.name, confirmed_at
        self._needs_models = not isinstance(spec, Forecast)
        self.named: frozenset[str] | None = None
        self._cache, self._journal = cache, Journal(spec.name)
        self._view = before or ViewOfUseCase(sequence=0)
        self._lists: dict[str, tuple[ItemRule, ...]] = {"": ()}
        self._anchor, self._anchored = _Anchor(), threading.Event()
        self._began = self._heard = time.monotonic()

    def step(self, now: dt.datetime) -> None:
        """Read on in the journal, and take over what can be taken over."""
        try:
            problems = self._follow()
        except FlightdeckError as error:
            problems = [str(error)]
        self._heard = time.monotonic()
        if not problems:
            self.confirmed_at = now
        if (said := "; ".join(problems)) != self._view.problem:
            self._view = self._view.model_copy(update={"problem": said})

    def view(self) -> ViewOfUseCase:
        """Return what the workers may serve by, and what is wrong; a store that only keeps silent is wrong as well."""
        view = self._view
        silent = time.monotonic() - self._heard
        if view.problem or silent < _SILENT_SECONDS:
            return view
        since = f"{self.confirmed_at:%Y-%m-%d %H:%M:%S} UTC" if self.confirmed_at else "the start"
        return view.model_copy(update={"problem": f"the journal of {self.use_case} gives no answer since {since}"})

    def anchor_once(self) -> float:
        """Ask MLflow for the journal's anchor, and return after how many seconds to ask again."""
        try:
            self._anchor = _Anchor(self._journal.anchor())
            return _ANCHOR_SECONDS
        except FlightdeckError as error:
            self._anchor = _Anchor(self._anchor.link, f"the journal's anchor cannot be read: {error}")
            return _ANCHOR_AGAIN_SECONDS
        finally:
            self._anchored.set()

    def _follow(self) -> list[str]:
        # Without a first answer of MLflow's the chain's end is not known to be whole; a registry that is away must
        # not keep the service from going on for long.
        patience = _FIRST_ANCHOR_SECONDS - (time.monotonic() - self._began)
        heard = self._anchored.wait(max(0.0, patience))
        anchor = self._anchor if heard else _Anchor(problem="the journal's anchor is not known: MLflow gives no answer")
        entries = self._journal.entries()
        descends([entry.hash for entry in entries], anchor.link)
        served = max((key.sequence for key in self._view.keys.values()), default=0)
        if len(entries) < served:
            seen = f"one that ends at {len(entries)}: entries were cut off"
            raise broken(f"journal of {self.use_case}", f"a chain of at least {served}, which was served before", seen)
        problems = [anchor.problem] if anchor.problem else []
        return problems + (self._take(entries[-1]) if entries else [])

    def _take(self, entry: Entry) -> list[str]:
        keys, problems = {}, []
        for key, state in entry.state.keys.items():
            keys[key], why = self._key(key, state, entry.sequence)
            problems += [f"{key}: {each}" for each in why]
        sequence = min((each.sequence for each in keys.values()), default=entry.sequence)
        # A recording goes on under its own dates; the newest entry knows where it has come to.
        today = entry.at.date() if use_case(self.use_case).source.recorded_from else None
        taken = ViewOfUseCase(sequence=sequence, keys=keys, today=today, problem=self._view.problem)
        if taken != self._view:
            self._view = taken
        self.named = frozenset(
            ref.digest
            for state in entry.state.keys.values()
            for ref in (*state.models, *([state.previous] if state.previous else []))
        ) | {ref.digest for each in keys.values() for ref in _models(each)}
        return problems

    def _key(self, key: str, state: KeyState, sequence: int) -> tuple[ViewOfKey, list[str]]:
        needed = state.models if self._needs_models else ()
        problems = [why for ref in needed if (why := self._cache.lack(ref))]
        try:
            rules = self._rules(state.lists)
        except FlightdeckError as error:
            problems.append(str(error))
        if not problems:
            return ViewOfKey(
                sequence=sequence, decides=state.decides, challenger=state.challenger, shadow=state.shadow,
                fallback=state.fallback, canary_weight=state.canary_weight, salt=state.salt,
                switch_on=state.switch_on, switch_reason=state.switch_reason, rules=rules,
            ), []  # fmt: skip
        before = self._view.keys.get(key, NOTHING)
        if not state.switch_on:
            off = {"switch_on": False, "switch_reason": state.switch_reason, "sequence": sequence}
            before = before.model_copy(update=off)
        return before, problems

    def _rules(self, named: str) -> tuple[ItemRule, ...]:
        if named not in self._lists:
            self._lists[named] = lists.load(self.use_case, named).rules
        return self._lists[named]


def _models(view: ViewOfKey) -> list[ModelRef]:
    return [each for each in (view.decides, view.challenger, view.shadow, view.fallback) if each is not None]
