"""The deployment journal: what is live and who said so, one append-only chain of objects a use case.

Promotion, rollback, canary step, switch and pin are all one operation: ``append``. An entry is written only where no
object is (``If-None-Match: *``), so of two writers one wins, and the other reads again and *decides* again. A reader
lists from the entry it knows, checks what is new, and so pays one LIST when nothing changed.
"""

from __future__ import annotations

import datetime as dt
import random
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from include.data.objects import ObjectStore
from include.deployment.chain import START, Link, Verification, broken, descends, follow, walk
from include.deployment.entries import Entry, State, drafted, encode, object_key
from include.errors import JournalError, TransientError
from include.governance.signatures import digest
from include.naming import journal_prefix, tenant

_TRIES = 100
_READERS = 8


class Journal:
    """One use case's journal; keep the object to read on cheaply from where it stands. Not for many threads at once."""

    def __init__(self, use_case: str, store: ObjectStore | None = None) -> None:
        self.use_case, self.tenant = use_case, tenant()
        self.store = store or ObjectStore()
        self.prefix = journal_prefix(use_case)
        self._entries: list[Entry] = []

    def head(self) -> Entry | None:
        """Return the newest entry, none where there is none; one LIST, and one GET for each entry not known yet.

        Every entry that is new to this object is checked: signature, sequence and link to the one before.

        Raises:
            JournalError: the chain does not verify.
            TransientError: the store is away.
        """
        entries = self.entries()
        return entries[-1] if entries else None

    def entries(self) -> list[Entry]:
        """Return all entries in order, checked as ``head`` does."""
        for path, body in self._read(self._new_paths()):
            self._entries.append(follow(self.prefix, self.use_case, self.tenant, self._link(), path, body))
        return list(self._entries)

    def known(self) -> list[Entry]:
        """Return the entries that were read so far; inside a ``change`` they end with the state it is given."""
        return list(self._entries)

    def state(self) -> State:
        """Return the deployment state of the newest entry; an empty one where there is none."""
        head = self.head()
        return head.state if head else State()

    def at(self, moment: dt.datetime) -> tuple[State, int]:
        """Return what was live at a business moment, and the sequence of the entry that made it so; 0 for none."""
        before = [entry for entry in self.entries() if entry.at <= moment]
        return (before[-1].state, before[-1].sequence) if before else (State(), 0)

    def sequence(self) -> int:
        """Return the newest entry's sequence; 0 where there is none."""
        head = self.head()
        return head.sequence if head else 0

    def find(self, request_id: str) -> Entry | None:
        """Return the entry that a request has made, none where it has made none."""
        return next((entry for entry in self.entries() if entry.request_id == request_id), None)

    def append(
        self,
        change: Callable[[State], State],
        *,
        request_id: str,
        action: str,
        who: str,
        why: str,
        evidence: dict[str, Any],
        at: dt.datetime,
    ) -> Entry:
        """Decide on the newest state, and append what follows; the same request is never appended twice.

        Args:
            change: the decision: the newest state in, the next one out. It is asked again each time another writer was
                faster, and may raise to refuse.
            request_id: the change's own id; a repeated call, also after a lost answer, returns the entry it has made.
            action: what is done, e.g. promote.
            who: the person or policy that decided.
            why: the reason, for people.
            evidence: what the decision rests on, as JSON.
            at: business time, with a zone.

        Raises:
            JournalError: the chain does not verify, or the id belongs to another action.
            TransientError: the store is away, or others were always faster; repeat with the same id.
        """
        for attempt in range(_TRIES):
            if (mine := self.find(request_id)) is not None:
                return _same(mine, action)
            link = self._link()
            entry, body = encode(
                drafted(
                    tenant=self.tenant, use_case=self.use_case, sequence=link.sequence + 1, request_id=request_id,
                    action=action, who=who, why=why, evidence=evidence, at=at, previous_hash=link.hash,
                    state=change(self._entries[-1].state if self._entries else State()),
                )
            )  # fmt: skip
            if self.store.put_if_absent(object_key(self.prefix, entry.sequence), body):
                self._entries.append(entry)
                return entry
            # Another writer's entry is there, or our own, whose answer was lost: the next round reads it.
            time.sleep(random.uniform(0, 0.01 * min(attempt + 1, 10)))  # noqa: S311
        raise TransientError(
            expected=f"to append '{action}' in {_TRIES} tries",
            seen="another writer that was faster each time",
            where=f"journal {self.prefix}",
            next_step="repeat the same step; it will not be appended twice",
        )

    def anchored(self) -> list[Entry]:
        """Return all entries, if their head descends from the anchor that MLflow carries.

        Raises:
            JournalError: entries were cut off, or the chain is another one.
            TransientError: MLflow or the store is away.
        """
        anchor = self.anchor()  # read first: what is appended in between only makes the chain longer
        entries = self.entries()
        descends([entry.hash for entry in entries], anchor)
        return entries

    def verify(self, anchor: Link | None = None) -> Verification:
        """Read the whole chain anew from the store, walk it, and name every problem; nothing is raised for one.

        Args:
            anchor: the head that MLflow carries; read from there where none is given.
        """
        anchor = anchor or self.anchor()  # read first, as in `anchored`
        objects = self._read(self.store.list_from(self.prefix))
        found = walk(self.prefix, self.use_case, self.tenant, objects)
        if found.ok:
            try:
                descends([digest(body) for _, body in objects], anchor)
            except JournalError as error:
                return Verification(False, (str(error),), found.entries, found.head)
        return found

    def anchor(self) -> Link | None:
        """Return the head that MLflow carries as a tag, none where it carries none."""
        from include.models.registry import head_tag  # MLflow takes seconds to import; readers of the chain need none

        tag = head_tag(self.use_case)
        return Link(*tag) if tag else None

    def _link(self) -> Link:
        return Link(self._entries[-1].sequence, self._entries[-1].hash) if self._entries else START

    def _new_paths(self) -> list[str]:
        sequence = self._link().sequence
        return self.store.list_from(self.prefix, object_key(self.prefix, sequence) if sequence else "")

    def _read(self, paths: Sequence[str]) -> list[tuple[str, bytes]]:
        if len(paths) < _READERS:
            return [(path, self._object(path)) for path in paths]
        with ThreadPoolExecutor(_READERS) as readers:
            return list(zip(paths, readers.map(self._object, paths), strict=True))

    def _object(self, path: str) -> bytes:
        body = self.store.get(path)
        if body is None:
            raise broken(path, "the entry that S3 has just listed", "no such object: somebody removes entries")
        return body


def _same(entry: Entry, action: str) -> Entry:
    if entry.action != action:
        raise JournalError(
            expected=f"request {entry.request_id} to be a '{action}'",
            seen=f"entry {entry.sequence}, a '{entry.action}' of that id",
            where=f"journal of {entry.use_case}",
            next_step="give each change an id of its own",
        )
    return entry
