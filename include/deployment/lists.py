"""What people hold by hand about single items: blocked, boosted or pinned to the front, each until a day.

The list is a document beside the journal, named by its own SHA-256. The entry that puts it in force names the digest
and is signed, so the document needs no signature of its own.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from include.data.objects import ObjectStore
from include.errors import JournalError
from include.governance.signatures import canonical, digest
from include.naming import tenant
from include.records import Record

Kind = Literal["block", "boost", "pin"]


class ItemRule(Record):
    """One rule about one item."""

    item: str = Field(min_length=1, description="identifier of the item")
    kind: Kind = Field(description="never shown, shown more often, or shown first")
    factor: float = Field(default=1.0, gt=0, le=100, description="of a boost: what the item's score is multiplied by")
    until: dt.date | None = Field(default=None, description="last day on which it holds; none: until it is lifted")
    who: str = Field(description="the person who made it")
    why: str = Field(min_length=3, description="the reason, for people")
    since: dt.date = Field(description="business day from which it holds")

    def holds(self, day: dt.date) -> bool:
        """Return whether the rule is in force on a business day."""
        return self.since <= day and (self.until is None or day <= self.until)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.until is not None and self.until < self.since:
            raise ValueError(f"a rule from {self.since} to {self.until} never holds; give a later end date")
        if (self.factor != 1.0) != (self.kind == "boost"):
            raise ValueError(f"factor {self.factor:g} for a '{self.kind}'; only a boost has one, and not 1")
        return self


class ItemLists(Record):
    """All rules of one key (a market)."""

    rules: tuple[ItemRule, ...] = ()

    def on(self, day: dt.date) -> ItemLists:
        """Return the rules that hold on a business day."""
        return ItemLists(rules=tuple(rule for rule in self.rules if rule.holds(day)))

    def of(self, kind: Kind) -> dict[str, float]:
        """Return the items of one kind with their factor, in the order in which they were made."""
        return {rule.item: rule.factor for rule in self.rules if rule.kind == kind}

    def with_rules(self, made: Iterable[ItemRule]) -> ItemLists:
        """Return these lists with more rules; one about the same item and of the same kind replaces the one before."""
        made = tuple(made)
        new = {(rule.item, rule.kind) for rule in made}
        return ItemLists(rules=(*(rule for rule in self.rules if (rule.item, rule.kind) not in new), *made))

    def without(self, items: Iterable[str]) -> ItemLists:
        """Return these lists without any rule about some items."""
        lifted = set(items)
        return ItemLists(rules=tuple(rule for rule in self.rules if rule.item not in lifted))


EMPTY = ItemLists()


def store(use_case: str, lists: ItemLists) -> str:
    """Store lists under their digest, and return it; nothing for empty ones."""
    if not lists.rules:
        return ""
    body = canonical(lists.model_dump(mode="json"))
    ObjectStore().put(_path(use_case, digest(body)), body)
    return digest(body)


def load(use_case: str, named: str) -> ItemLists:
    """Return the lists that a journal entry names.

    Raises:
        JournalError: the document is gone, or is not the one that was named.
        TransientError: the store is away.
    """
    if not named:
        return EMPTY
    path = _path(use_case, named)
    body = ObjectStore().get(path)
    if body is None or digest(body) != named:
        raise _not_the_lists(path, "no such object" if body is None else f"one with digest {digest(body)[:16]}")
    try:
        return ItemLists.model_validate_json(body)
    except ValidationError as error:
        raise _not_the_lists(path, str(error)) from error


def _path(use_case: str, named: str) -> str:
    return f"lists/{tenant()}/{use_case}/{named}.json"


def _not_the_lists(path: str, seen: str) -> JournalError:
    return JournalError(
        expected="the lists of items that the journal names",
        seen=seen,
        where=path,
        next_step="restore the object from a backup, or make the lists anew; until then the last known ones hold",
    )
