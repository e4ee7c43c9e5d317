"""What a person does to a deployment by hand: switch it off and on, hold a version, rule over single items.

Each is one append to the journal with who and why, and a dry run says beforehand what it would do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from include.deployment import lists
from include.deployment.entries import Entry, KeyState, State
from include.deployment.journal import Journal
from include.deployment.lists import ItemLists, ItemRule
from include.deployment.promotion import mirror
from include.errors import GateError, PermanentError
from include.models import registry
from include.naming import model_name
from include.spec import UseCase

Change = Callable[[str, KeyState], KeyState]


@dataclass(frozen=True)
class Asked:
    """Who asks for a change, why and when.

    Args:
        who: The person.
        why: The reason; lands in the journal.
        request_id: The request's own id; a repeated one changes nothing more.
        at: Business time.
        dry_run: Say what would happen, and change nothing.
    """

    who: str
    why: str
    request_id: str
    at: dt.datetime
    dry_run: bool = False


@dataclass(frozen=True)
class Done:
    """What a control did, or would do."""

    said: str
    entry: Entry | None


def switch(spec: UseCase, keys: Sequence[str], *, on: bool, asked: Asked) -> Done:
    """Let the fall-back answer alone, or the models again."""
    present = Journal(spec.name).state()
    if all(present.of(key).switch_on == on for key in keys):
        return Done(f"{_named(keys)} {'on' if on else 'off'} already", None)

    def change(_: str, state: KeyState) -> KeyState:
        return state.model_copy(update={"switch_on": on, "switch_reason": "" if on else asked.why})

    return _append(spec, keys, change, action="switch on" if on else "switch off", asked=asked, evidence={})


def pin(spec: UseCase, key: str, version: int, *, asked: Asked) -> Done:
    """Hold a version in place: it decides, and no promotion moves it.

    Raises:
        GateError: the version was never champion of this key, so nobody has cleared it.
        ArtifactError: the registry has no such version.
    """
    ref = registry.model_ref(model_name(spec.name, key), version)
    if not any(entry.state.of(key).champion == ref for entry in Journal(spec.name).anchored()):
        raise GateError(
            expected=f"a version of {key} that was champion before, for only those have passed the gates",
            seen=f"v{version}, which never was",
            where=f"pin of {spec.name}/{key}",
            next_step="look at the versions in the journal, or let it be promoted first",
        )
    return _append(
        spec, [key], lambda _, state: state.model_copy(update={"pin": ref}).unsplit(),
        action="pin", asked=asked, evidence={"pinned": ref.model_dump()},
    )  # fmt: skip


def unpin(spec: UseCase, key: str, *, asked: Asked) -> Done:
    """Let the champion decide again."""
    held = Journal(spec.name).state().of(key).pin
    if held is None:
        return Done(f"nothing is pinned for {key}", None)
    return _append(
        spec, [key], lambda _, state: state.model_copy(update={"pin": None}),
        action="unpin", asked=asked, evidence={"unpinned": held.model_dump()},
    )  # fmt: skip


def add_rules(spec: UseCase, keys: Sequence[str], rules: Sequence[ItemRule], *, asked: Asked) -> Done:
    """Put rules about items in force for some keys."""
    return _relist(spec, keys, lambda present: present.with_rules(rules), rules[0].kind, asked, [*rules])


def lift_rules(spec: UseCase, keys: Sequence[str], items: Sequence[str], *, asked: Asked) -> Done:
    """Take all rules about some items back."""
    return _relist(spec, keys, lambda present: present.without(items), "lift", asked, [])


def in_force(spec: UseCase, state: State, day: dt.date) -> Mapping[str, ItemLists]:
    """Return the rules about items that hold on a business day, by key."""
    return {key: lists.load(spec.name, each.lists).on(day) for key, each in state.keys.items() if each.lists}


def by_hand(spec: UseCase, state: State, day: dt.date) -> list[str]:
    """Return in sentences all that people hold by hand on a business day; every report says it."""
    said: dict[str, list[str]] = {}
    for key in sorted(state.keys):
        now = state.of(key)
        if not now.switch_on:
            said.setdefault(f"switched off: {now.switch_reason}", []).append(key)
        if now.pin is not None:
            said.setdefault(f"held at v{now.pin.version}", []).append(key)
    for key, rules in sorted(in_force(spec, state, day).items()):
        for rule in rules.rules:
            what = f"{rule.kind} {rule.item}{f' × {rule.factor:g}' if rule.kind == 'boost' else ''}"
            until = f" until {rule.until}" if rule.until else ""
            said.setdefault(f"{what}{until} by {rule.who}: {rule.why}", []).append(key)
    every = len(spec.keys) > 1
    return [
        f"{'all' if every and len(keys) == len(spec.keys) else _named(keys)}: {what}" for what, keys in said.items()
    ]


def _relist(
    spec: UseCase,
    keys: Sequence[str],
    change: Callable[[ItemLists], ItemLists],
    action: str,
    asked: Asked,
    rules: Sequence[ItemRule],
) -> Done:
    def changed(_: str, state: KeyState) -> KeyState:
        made = change(lists.load(spec.name, state.lists))
        named = "" if asked.dry_run else lists.store(spec.name, made)
        return state.model_copy(update={"lists": named})

    evidence = {"rules": [rule.model_dump(mode="json") for rule in rules]}
    return _append(spec, keys, changed, action=action, asked=asked, evidence=evidence)


def _append(
    spec: UseCase, keys: Sequence[str], change: Change, *, action: str, asked: Asked, evidence: dict[str, Any]
) -> Done:
    if unknown := sorted(set(keys) - set(spec.keys)):
        raise PermanentError(
            expected=f"keys among {list(spec.keys)}",
            seen=f"{unknown}",
            where=f"{action} of {spec.name}",
            next_step="choose a key of the use case",
        )
    journal = Journal(spec.name)
    journal.anchored()

    def decide(state: State) -> State:
        for key in keys:
            state = state.with_key(key, change(key, state.of(key)))
        return state

    if asked.dry_run:
        decide(journal.state())
        return Done(f"dry run: would {action} {_named(keys)}", None)
    entry = journal.append(
        decide, request_id=asked.request_id, action=action, who=asked.who, why=asked.why,
        evidence={"keys": list(keys), **evidence}, at=asked.at,
    )  # fmt: skip
    mirror(spec, journal)
    return Done(f"{action} {_named(keys)} by entry {entry.sequence}", entry)


def _named(keys: Sequence[str]) -> str:
    return ", ".join(keys)
