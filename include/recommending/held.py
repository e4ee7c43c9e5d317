"""What people hold by hand about items, in the form that a ranking takes; the same for lists and for the service."""

from __future__ import annotations

from include.deployment.lists import ItemLists, Kind
from include.recommending.recommender import Recommender
from include.recommending.rules import Item, Rules, apply_rules

_KINDS: tuple[Kind, ...] = ("block", "boost", "pin")


def rules_of(held: ItemLists) -> Rules:
    """Return the rules about products; one about what is no product's number concerns none."""
    kept = {kind: {int(item): factor for item, factor in held.of(kind).items() if item.isdecimal()} for kind in _KINDS}
    return Rules(blocked=frozenset(kept["block"]), boosted=kept["boost"], pinned=tuple(kept["pin"]))


def popular(recommender: Recommender, n: int, rules: Rules, among: frozenset[int] | None = None) -> list[Item]:
    """Return the fall-back's list: what is popular, under the rules that people set."""
    others = set() if among is None else set(recommender.items.tolist()) - among
    return apply_rules(recommender.popular(n + len(rules.named), exclude=others | rules.blocked), rules)[:n]
