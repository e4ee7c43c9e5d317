"""What one journal entry says: the whole deployment state of a use case, and who made it so, why and on what grounds.

An entry is stored once, as signed canonical JSON, and never changed. ``SCHEMA`` grows with every field that is added:
an older program refuses a newer entry, for it would drop from the state what it does not know.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from pydantic import AwareDatetime, Field, StringConstraints, ValidationError

from include.errors import JournalError
from include.governance.signatures import digest, opened, sign
from include.records import ModelRef, Record

SCHEMA = 2
DOMAIN = "flightdeck journal entry"
GENESIS = "0" * 64

Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


_NO_SPLIT = {"challenger": None, "shadow": None, "canary_weight": 0.0, "salt": ""}


class KeyState(Record):
    """What is live for one key (a zone, a market) of a use case."""

    champion: ModelRef | None = Field(default=None, description="the model that decides")
    champion_since: AwareDatetime | None = Field(default=None, description="when it became champion first, UTC")
    previous: ModelRef | None = Field(default=None, description="the champion that a rollback restores")
    challenger: ModelRef | None = Field(default=None, description="the model that waits for its turn")
    shadow: ModelRef | None = Field(default=None, description="the model that scores without deciding")
    canary_weight: float = Field(default=0.0, ge=0, le=1, description="share of cases that the challenger decides")
    salt: str = Field(default="", description="name of the rollout or experiment that splits the cases")
    switch_on: bool = Field(default=True, description="false: only the fall-back answers")
    switch_reason: str = Field(default="", description="why it is off; part of every answer while it is")
    pin: ModelRef | None = Field(default=None, description="a version that a person holds in place")
    fallback: ModelRef | None = Field(default=None, description="the model that answers when the champion cannot")
    lists: str = Field(default="", description="SHA-256 of the lists of blocked, boosted and pinned items, kept beside")

    @property
    def decides(self) -> ModelRef | None:
        """Return the model that decides where no case is split off: the pinned one, else the champion."""
        return self.pin or self.champion

    @property
    def models(self) -> tuple[ModelRef, ...]:
        """Return every model that the state names and that may be asked, each once."""
        named = (self.champion, self.pin, self.challenger, self.shadow, self.fallback)
        return tuple({each.digest: each for each in named if each is not None}.values())

    def promoted(self, ref: ModelRef, at: dt.datetime) -> KeyState:
        """Return this state with another champion; whatever split there was has ended with it."""
        return self.model_copy(update={"champion": ref, "champion_since": at, "previous": self.champion, **_NO_SPLIT})

    def restored(self, before: KeyState) -> KeyState:
        """Return this state with the champion of an earlier one, its age and its own predecessor; no split is left."""
        back = {name: getattr(before, name) for name in ("champion", "champion_since", "previous")}
        return self.model_copy(update={**back, **_NO_SPLIT})

    def unsplit(self) -> KeyState:
        """Return this state with its champion alone: neither shadow nor challenger."""
        return self.model_copy(update=_NO_SPLIT)


class State(Record):
    """The deployment state of a use case, by key."""

    keys: dict[str, KeyState] = Field(default_factory=dict)

    def of(self, key: str) -> KeyState:
        """Return the state of a key; an empty one where nothing was deployed yet."""
        return self.keys.get(key, KeyState())

    def with_key(self, key: str, state: KeyState) -> State:
        """Return this state with one key changed."""
        return State(keys={**self.keys, key: state})


class Entry(Record):
    """One change of the deployment state, as it was written."""

    schema_version: int = SCHEMA
    tenant: str
    use_case: str
    sequence: int = Field(ge=1, description="decides the order; clocks only inform")
    request_id: Said = Field(description="the writer's id of the change; the same change is never appended twice")
    action: Said = Field(description="promote, rollback, switch, ...")
    who: Said
    why: Said
    evidence: dict[str, Any] = Field(description="what the decision rests on: run, gates, approval")
    at: AwareDatetime = Field(description="business time, UTC")
    previous_hash: str = Field(description="hash of the entry before; zeros for the first")
    state: State
    hash: str = Field(default="", exclude=True, description="SHA-256 of the stored bytes")


def object_key(prefix: str, sequence: int) -> str:
    """Return the object's path of an entry; zero-padded, so that S3 lists in the order of the sequence."""
    return f"{prefix}{sequence:010d}.json"


def drafted(**fields: Any) -> Entry:
    """Return an entry that is not signed yet.

    Raises:
        JournalError: a field is missing or empty (who, why), or a time has no zone.
    """
    try:
        return Entry(**fields)
    except ValidationError as error:
        raise _unsaid(fields.get("request_id"), str(error)) from error


def encode(entry: Entry) -> tuple[Entry, bytes]:
    """Sign an entry, and return it with its hash, and the bytes to store.

    Raises:
        JournalError: the evidence holds a number that JSON cannot say.
    """
    utc = entry.model_copy(update={"at": entry.at.astimezone(dt.UTC)})
    try:
        body = sign(utc.model_dump(mode="json"), domain=DOMAIN)
    except ValueError as error:
        raise _unsaid(entry.request_id, str(error)) from error
    return utc.model_copy(update={"hash": digest(body)}), body


def decode(path: str, body: bytes) -> Entry:
    """Return the entry in an object's bytes.

    Raises:
        JournalError: the bytes were edited, or signed with another key, or come from a newer program.
    """
    try:
        document = opened(body, domain=DOMAIN)
    except ValueError as error:
        raise _not_an_entry(path, str(error)) from error
    if document.get("schema_version", 0) > SCHEMA:
        raise _not_an_entry(path, f"schema version {document['schema_version']}, newer than this program's {SCHEMA}")
    try:
        return Entry.model_validate({**document, "hash": digest(body)})
    except ValidationError as error:
        raise _not_an_entry(path, f"fields that do not fit: {error}") from error


def _unsaid(request_id: Any, seen: str) -> JournalError:
    return JournalError(
        expected="an entry that says who, why and when, in values that JSON knows",
        seen=seen,
        where=f"request {request_id} to the journal",
        next_step="call again with what is missing; nothing was written",
    )


def _not_an_entry(where: str, seen: str) -> JournalError:
    return JournalError(
        expected="a journal entry as it was signed",
        seen=seen,
        where=f"journal entry {where}",
        next_step="change nothing; compare with the object's backup and find out who wrote to the bucket",
    )
