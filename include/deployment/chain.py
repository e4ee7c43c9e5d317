"""Whether a journal is whole: pure functions over entries, so that every way to break it can be tried in a test.

Three things hold it together. A *signature* on each entry, so that only the platform could write it. The *hash* of the
entry before in each entry, so that none can be taken out or exchanged. The *anchor*, the head that MLflow carries as a
tag, so that the newest entries cannot be cut off: a head must descend from its anchor. An anchor behind the head is
what an honest crash between the two writes leaves; it is repaired, not refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from include.deployment.entries import GENESIS, Entry, decode, object_key
from include.errors import JournalError
from include.governance.signatures import digest


class Link(NamedTuple):
    """A place in the chain: a sequence and the hash of the entry that has it."""

    sequence: int
    hash: str


START = Link(0, GENESIS)


@dataclass(frozen=True)
class Verification:
    """What a walk along the whole chain found."""

    ok: bool
    problems: tuple[str, ...]
    entries: int
    head: Entry | None


def follow(prefix: str, use_case: str, tenant: str, before: Link, path: str, body: bytes) -> Entry:
    """Return the entry in an object, if it is the one that follows ``before``.

    Raises:
        JournalError: the entry is not signed, is another sequence's or journal's, or does not follow.
    """
    expected = before.sequence + 1
    if path != object_key(prefix, expected):
        raise broken(f"journal entry {expected}", object_key(prefix, expected), f"{path} in its place")
    entry = decode(path, body)
    if (entry.sequence, entry.use_case, entry.tenant) != (expected, use_case, tenant):
        seen = f"entry {entry.sequence} of {entry.tenant}/{entry.use_case}"
        raise broken(path, f"entry {expected} of {tenant}/{use_case}", seen)
    if entry.previous_hash != before.hash:
        raise broken(path, f"an entry that follows {before.hash[:12]}", f"one that follows {entry.previous_hash[:12]}")
    return entry


def walk(prefix: str, use_case: str, tenant: str, objects: Sequence[tuple[str, bytes]]) -> Verification:
    """Walk a whole chain from its first object, and name every problem; behind a broken entry the walk goes on.

    The head is the last entry that could be read, also where the chain before it is broken.
    """
    problems: list[str] = []
    head: Entry | None = None
    before = START
    for path, body in objects:
        number = sequence_of(prefix, path)
        if number is None:
            problems.append(f"{path}: not the name of an entry")
            continue
        try:
            head = follow(prefix, use_case, tenant, before, path, body)
        except JournalError as error:
            problems.append(str(error))
        before = Link(number, digest(body))
    return Verification(not problems, tuple(problems), len(objects), head)


def descends(hashes: Sequence[str], anchor: Link | None) -> None:
    """Check that the chain with these hashes, from the first entry on, descends from the anchor.

    Raises:
        JournalError: the chain is shorter than its anchor, or another chain.
    """
    if anchor is None:
        return
    if anchor.sequence > len(hashes):
        seen = f"a chain that ends at {len(hashes)}: entries {len(hashes) + 1} to {anchor.sequence} were cut off"
        raise broken("journal head", f"a chain of at least {anchor.sequence} entries, as MLflow's tag says", seen)
    if anchor.sequence and hashes[anchor.sequence - 1] != anchor.hash:
        seen = f"hash {hashes[anchor.sequence - 1][:12]}: the chain was written anew"
        raise broken(f"journal entry {anchor.sequence}", f"hash {anchor.hash[:12]}, as MLflow's tag says", seen)


def sequence_of(prefix: str, path: str) -> int | None:
    """Return the sequence in an entry's path, or none where the path is not an entry's."""
    found = re.fullmatch(r"(\d{10})\.json", path.removeprefix(prefix))
    return int(found[1]) if found and path.startswith(prefix) else None


def broken(where: str, expected: str, seen: str) -> JournalError:
    """Return the error of a chain that does not verify."""
    return JournalError(
        expected=expected,
        seen=seen,
        where=where,
        next_step="decide nothing on it; run `./flightdeck verify`, restore the objects from a backup, "
        "and find out who wrote to the bucket",
    )
