"""Every way to break a chain that we could think of, tried on entries in memory."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from include.deployment.chain import START, Link, descends, walk
from include.deployment.entries import GENESIS, SCHEMA, Entry, State, decode, drafted, encode, object_key
from include.errors import JournalError
from include.governance.signatures import digest, sign
from include.settings import settings
from tests.services.deployment.helpers import change_to, ref, said

PREFIX = "journal/main/credit_risk/"


def chain(length: int, *, why: str = "a test") -> list[tuple[str, bytes]]:
    objects, before, state = [], GENESIS, State()
    for sequence in range(1, length + 1):
        state = change_to(ref(sequence))(state)
        entry, body = encode(made(sequence, before, state, why))
        objects.append((object_key(PREFIX, sequence), body))
        before = entry.hash
    return objects


def made(sequence: int, before: str, state: State, why: str) -> Entry:
    return drafted(
        tenant="main", use_case="credit_risk", sequence=sequence, request_id=f"r{sequence}", previous_hash=before,
        state=state, **said(why=why),
    )  # fmt: skip


def problems(objects: list[tuple[str, bytes]]) -> tuple[str, ...]:
    return walk(PREFIX, "credit_risk", "main", objects).problems


def test_whole_chain_verifies_and_its_head_carries_the_whole_state() -> None:
    found = walk(PREFIX, "credit_risk", "main", chain(4))

    assert found.ok
    assert found.entries == 4
    assert found.head is not None
    assert found.head.state.of("default").champion == ref(4)
    assert found.head.state.of("default").previous == ref(3)


def test_empty_journal_verifies() -> None:
    found = walk(PREFIX, "credit_risk", "main", [])

    assert (found.ok, found.entries, found.head) == (True, 0, None)


@pytest.mark.usefixtures("keys")
@given(number=some.integers(0, 2), place=some.integers(0, 10_000), bit=some.integers(0, 7))
def test_any_edited_byte_is_found(number: int, place: int, bit: int) -> None:
    objects = chain(3)
    path, body = objects[number]
    edited = bytearray(body)
    edited[place % len(body)] ^= 1 << bit
    objects[number] = (path, bytes(edited))

    assert path in problems(objects)[0]


def test_edited_entry_is_named_and_the_walk_goes_on() -> None:
    objects = chain(4)
    path, body = objects[1]
    objects[1] = (path, body.replace(b'"who":"reviewer"', b'"who":"somebody"'))

    found = walk(PREFIX, "credit_risk", "main", objects)

    assert len(found.problems) == 2, "the edited entry, and the one whose link no longer fits"
    assert "0000000002" in found.problems[0]
    assert "invalid signature" in found.problems[0]
    assert found.head is not None
    assert found.head.sequence == 4


def test_removed_entry_is_found() -> None:
    objects = chain(3)
    del objects[1]

    assert "0000000003.json in its place" in problems(objects)[0]


def test_exchanged_entries_are_found() -> None:
    objects = chain(3)
    objects[0], objects[1] = (objects[0][0], objects[1][1]), (objects[1][0], objects[0][1])

    assert len(problems(objects)) >= 2


def test_entry_of_another_journal_is_found() -> None:
    found = walk(PREFIX, "credit_risk", "other", chain(1))

    assert "expected entry 1 of other/credit_risk, but saw entry 1 of main/credit_risk" in found.problems[0]


def test_foreign_object_is_found() -> None:
    assert "not the name of an entry" in problems([*chain(1), (f"{PREFIX}latest.json", b"{}")])[0]


def test_chain_rewritten_with_another_key_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds S3's key alone must sign with some key of his own; hashes and links he gets right."""
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", "the forger's key")
    settings.cache_clear()
    forged = chain(3, why="forged")
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", "the signer's key")
    settings.cache_clear()

    found = problems(forged)

    assert len(found) == 3
    assert "signed with the key" in found[0]


def test_chain_rewritten_with_the_true_key_does_not_descend_from_its_anchor() -> None:
    true, forged = chain(3), chain(3, why="forged")
    assert problems(forged) == ()

    with pytest.raises(JournalError, match="the chain was written anew"):
        descends(hashes(forged), Link(3, hashes(true)[2]))


def test_entries_cut_off_at_the_end_are_found_by_the_anchor() -> None:
    objects = chain(4)
    assert problems(objects[:2]) == ()

    with pytest.raises(JournalError, match="entries 3 to 4 were cut off"):
        descends(hashes(objects[:2]), Link(4, hashes(objects)[3]))


def test_anchor_behind_the_head_is_an_honest_crash() -> None:
    objects = chain(4)

    for anchor in (None, START, Link(2, hashes(objects)[1]), Link(4, hashes(objects)[3])):
        descends(hashes(objects), anchor)


def test_signed_approval_is_no_entry() -> None:
    path, body = chain(1)[0]
    document = {name: value for name, value in json.loads(body).items() if name not in ("signature", "signer")}

    with pytest.raises(JournalError, match="invalid signature"):
        decode(path, sign(document, domain="flightdeck approval"))


def test_entry_of_a_newer_program_is_refused() -> None:
    entry = made(1, GENESIS, State(), "newer").model_copy(update={"schema_version": SCHEMA + 1})
    _, body = encode(entry)

    with pytest.raises(JournalError, match=f"schema version {SCHEMA + 1}, newer"):
        decode("entry", body)


@pytest.mark.parametrize("given", [{"who": " "}, {"why": ""}, {"at": "2026-05-01T00:00:00"}])
def test_change_without_person_reason_or_zone_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(JournalError, match=f"(?s)who, why and when.*{next(iter(given))}"):
        drafted(tenant="main", use_case="u", sequence=1, request_id="r", previous_hash=GENESIS, state=State(),
                **said(**given))  # fmt: skip


def hashes(objects: list[tuple[str, bytes]]) -> list[str]:
    return [digest(body) for _, body in objects]
