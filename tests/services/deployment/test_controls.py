"""What a person does by hand, on a real store and a real registry: each is one entry with who and why."""

from __future__ import annotations

import datetime as dt

import pytest
from pydantic import ValidationError

from include.data.objects import ObjectStore
from include.deployment import lists
from include.deployment.controls import Asked, Done, add_rules, by_hand, in_force, lift_rules, pin, switch, unpin
from include.deployment.entries import KeyState
from include.deployment.journal import Journal
from include.deployment.lists import ItemLists, ItemRule
from include.deployment.promotion import rollback
from include.errors import GateError, JournalError, PermanentError
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import AT, registered
from tests.services.deployment.test_promotion import made_champion, two_champions

pytestmark = pytest.mark.usefixtures("stack")
DAY = dt.date(2026, 5, 1)
KEYS = ["default"]


def asked(request_id: str = "c1", *, dry_run: bool = False) -> Asked:
    return Asked(who="olga", why="a wrong price", request_id=request_id, at=AT, dry_run=dry_run)


def state() -> KeyState:
    return Journal(SPEC.name).state().of("default")


def rule(item: str = "milk", kind: str = "block", **given: object) -> ItemRule:
    facts = {"item": item, "kind": kind, "who": "olga", "why": "a wrong price", "since": DAY, **given}
    return ItemRule.model_validate(facts)


def test_switch_off_and_on_are_two_entries_that_say_who_and_why() -> None:
    off = switch(SPEC, KEYS, on=False, asked=asked("c1"))

    assert (off.entry.action, off.entry.who, off.entry.why) == ("switch off", "olga", "a wrong price")
    assert (state().switch_on, state().switch_reason) == (False, "a wrong price")
    assert by_hand(SPEC, Journal(SPEC.name).state(), DAY) == ["default: switched off: a wrong price"]
    on = switch(SPEC, KEYS, on=True, asked=asked("c2"))
    assert (on.entry.sequence, state().switch_on, state().switch_reason) == (2, True, "")
    assert switch(SPEC, KEYS, on=True, asked=asked("c3")) == Done("default on already", None)


def test_switch_leaves_the_champion_where_it_is() -> None:
    _, second = two_champions()
    switch(SPEC, KEYS, on=False, asked=asked())

    assert state().champion == second


@pytest.mark.parametrize("control", ["switch", "pin", "rules"])
def test_dry_run_says_what_would_happen_and_changes_nothing(control: str) -> None:
    first, _ = two_champions()
    dry = asked(dry_run=True)
    done = {
        "switch": lambda: switch(SPEC, KEYS, on=False, asked=dry),
        "pin": lambda: pin(SPEC, "default", first.version, asked=dry),
        "rules": lambda: add_rules(SPEC, KEYS, [rule()], asked=dry),
    }[control]()

    assert done.said.startswith("dry run: would ")
    assert done.entry is None
    assert Journal(SPEC.name).sequence() == 2
    assert ObjectStore().list_from("lists/") == [] or control != "rules"


def test_pinned_version_decides_and_no_promotion_or_rollback_moves_it() -> None:
    first, second = two_champions()
    pin(SPEC, "default", first.version, asked=asked("c1"))

    assert state().decides == first
    assert state().champion == second
    third = registered(champion_version=second.version, champion_sequence=2, route="refresh")
    with pytest.raises(GateError, match="no pinned version of default, but saw v1, pinned by hand"):
        made_champion(third, "run/3")
    with pytest.raises(GateError, match="unpin it"):
        rollback(SPEC, key="default", who="olga", why="worse", request_id="r1", at=AT)
    unpin(SPEC, "default", asked=asked("c2"))
    assert state().decides == second
    made_champion(third, "run/4")
    assert state().champion == third


def test_version_that_was_never_champion_cannot_be_pinned() -> None:
    two_champions()
    stranger = registered(champion_version=2, champion_sequence=2)

    with pytest.raises(GateError, match=f"saw v{stranger.version}, which never was"):
        pin(SPEC, "default", stranger.version, asked=asked())


def test_unpin_says_where_nothing_is_pinned() -> None:
    assert unpin(SPEC, "default", asked=asked()) == Done("nothing is pinned for default", None)


def test_rules_about_items_hold_from_their_first_to_their_last_day() -> None:
    until = DAY + dt.timedelta(days=2)
    made = add_rules(SPEC, KEYS, [rule(until=until), rule("bread", "boost", factor=2.0)], asked=asked())
    now = Journal(SPEC.name).state()

    assert made.entry.evidence["rules"][0]["item"] == "milk"
    assert in_force(SPEC, now, DAY)["default"].of("block") == {"milk": 1.0}
    assert in_force(SPEC, now, until)["default"].of("block") == {"milk": 1.0}
    after = in_force(SPEC, now, until + dt.timedelta(days=1))["default"]
    assert (after.of("block"), after.of("boost")) == ({}, {"bread": 2.0})
    assert in_force(SPEC, now, DAY - dt.timedelta(days=1))["default"].rules == ()
    assert "default: boost bread × 2 by olga: a wrong price" in by_hand(SPEC, now, DAY)


def test_later_rule_about_the_same_item_replaces_the_first_and_lifting_takes_all_back() -> None:
    add_rules(SPEC, KEYS, [rule(why="first reason")], asked=asked("c1"))
    add_rules(SPEC, KEYS, [rule(why="second reason"), rule("bread")], asked=asked("c2"))

    held = in_force(SPEC, Journal(SPEC.name).state(), DAY)["default"]
    assert [(each.item, each.why) for each in held.rules] == [("milk", "second reason"), ("bread", "a wrong price")]
    lift_rules(SPEC, KEYS, ["milk", "bread"], asked=asked("c3"))
    assert state().lists == ""


def test_rules_are_named_by_their_digest_and_others_are_refused() -> None:
    add_rules(SPEC, KEYS, [rule()], asked=asked())
    named = state().lists
    (path,) = [each for each in ObjectStore().list_from("lists/") if named in each]
    ObjectStore().put(path, ItemLists().model_dump_json().encode())

    with pytest.raises(JournalError, match="the lists of items that the journal names"):
        lists.load(SPEC.name, named)
    ObjectStore().delete(path)
    with pytest.raises(JournalError, match="no such object"):
        lists.load(SPEC.name, named)


def test_rule_that_can_never_hold_or_boosts_nothing_is_refused() -> None:
    with pytest.raises(ValidationError, match="never holds"):
        rule(until=DAY - dt.timedelta(days=1))
    with pytest.raises(ValidationError, match="only a boost has one, and not 1"):
        rule(kind="boost")
    with pytest.raises(ValidationError, match="factor 2 for a 'block'"):
        rule(factor=2.0)


def test_unknown_key_is_named() -> None:
    with pytest.raises(PermanentError, match=r"keys among \['default'\], but saw \['north'\]"):
        switch(SPEC, ["north"], on=False, asked=asked())


def test_repeated_request_changes_nothing_more() -> None:
    first = add_rules(SPEC, KEYS, [rule()], asked=asked())

    assert add_rules(SPEC, KEYS, [rule("bread")], asked=asked()).entry == first.entry
