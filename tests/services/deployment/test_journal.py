"""The journal on a real S3 server: races, lost replies, conflicts, and hands that should not be there."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from include.data.objects import ObjectStore
from include.deployment.chain import START, Link
from include.deployment.entries import State, object_key
from include.deployment.journal import Journal
from include.errors import JournalError, TransientError
from include.settings import settings
from tests.faults import FaultProxy
from tests.services.deployment.helpers import change_to, ref, said

ROOT = Path(__file__).parents[3]
USE_CASE = "credit_risk"


@pytest.fixture
def journal(tenant: str) -> Journal:
    return Journal(USE_CASE)


def grow(journal: Journal, length: int) -> list[str]:
    """Append entries and return their hashes."""
    return [journal.append(change_to(ref(n)), request_id=f"r{n}", **said()).hash for n in range(1, length + 1)]


def test_empty_journal_says_so(journal: Journal) -> None:
    assert (journal.head(), journal.state(), journal.sequence()) == (None, State(), 0)
    assert journal.verify(START).ok


def test_entry_is_read_back_as_written_by_another_reader(journal: Journal) -> None:
    written = journal.append(change_to(ref(1)), request_id="r1", **said(who="someone", why="because"))

    read = Journal(USE_CASE).head()

    assert read == written
    assert (read.sequence, read.who, read.why, read.evidence["run"]) == (
        1,
        "someone",
        "because",
        said()["evidence"]["run"],
    )
    assert Journal(USE_CASE).state().of("default").champion == ref(1)


def test_same_request_is_appended_once(journal: Journal) -> None:
    first = journal.append(change_to(ref(1)), request_id="same", **said())
    journal.append(change_to(ref(2)), request_id="other", **said())

    again = Journal(USE_CASE).append(change_to(ref(1)), request_id="same", **said())

    assert again == first
    assert Journal(USE_CASE).sequence() == 2


def test_id_of_another_action_is_refused(journal: Journal) -> None:
    grow(journal, 1)

    with pytest.raises(JournalError, match="give each change an id of its own"):
        journal.append(change_to(ref(2)), request_id="r1", **said(action="rollback"))


def test_reader_that_stays_pays_for_new_entries_only(journal: Journal) -> None:
    reader = Journal(USE_CASE)
    grow(journal, 2)
    assert reader.sequence() == 2
    journal.store.put(object_key(journal.prefix, 1), b"edited behind the reader's back")

    journal.append(change_to(ref(3)), request_id="r3", **said())

    assert reader.sequence() == 3, "entries that were checked once are not read again"
    with pytest.raises(JournalError, match="0000000001"):
        Journal(USE_CASE).head()


def test_of_two_that_decide_on_the_same_state_one_decides_again(tenant: str) -> None:
    meet, seen = threading.Barrier(2, timeout=20), {1: [], 2: []}

    def write(number: int) -> None:
        def change(state: State) -> State:
            seen[number].append(state.of("default").champion)
            if len(seen[number]) == 1:
                meet.wait()
            return change_to(ref(number))(state)

        Journal(USE_CASE).append(change, request_id=f"r{number}", **said())

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, [1, 2]))

    first, second = Journal(USE_CASE).entries()
    winner, loser = first.state.of("default").champion.version, second.state.of("default").champion.version
    assert {winner, loser} == {1, 2}
    assert seen[winner] == [None]
    assert seen[loser] == [None, ref(winner)]
    assert second.state.of("default").previous == ref(winner)


def test_a_refusal_on_the_second_look_writes_nothing(tenant: str) -> None:
    def change(state: State) -> State:
        if state.of("default").champion:
            raise LookupError("somebody was faster")
        Journal(USE_CASE).append(change_to(ref(1)), request_id="faster", **said())
        return change_to(ref(2))(state)

    with pytest.raises(LookupError):
        Journal(USE_CASE).append(change, request_id="slower", **said())

    assert [entry.request_id for entry in Journal(USE_CASE).entries()] == ["faster"]


def test_many_threads_lose_nothing_and_double_nothing(tenant: str) -> None:
    def write(number: int) -> int:
        return Journal(USE_CASE).append(change_to(ref(number)), request_id=f"r{number}", **said()).sequence

    with ThreadPoolExecutor(8) as pool:
        sequences = list(pool.map(write, range(1, 25)))

    assert sorted(sequences) == list(range(1, 25))
    assert Journal(USE_CASE).verify(START).ok


WRITER = """
import sys
from include.deployment.journal import Journal
from tests.services.deployment.helpers import change_to, ref, said
sys.stdin.readline()
for number in range(10):
    Journal("credit_risk").append(change_to(ref(number + 1)), request_id=f"{sys.argv[1]}-{number}", **said())
"""


def test_processes_lose_nothing_and_double_nothing(tenant: str) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, name], cwd=ROOT, stdin=subprocess.PIPE) for name in "ab"]
    for writer in writers:
        writer.stdin.write(b"go\n")
        writer.stdin.close()

    assert [writer.wait(60) for writer in writers] == [0, 0]
    ids = [entry.request_id for entry in Journal(USE_CASE).entries()]
    assert sorted(ids) == sorted(f"{name}-{number}" for name in "ab" for number in range(10))
    assert Journal(USE_CASE).verify(START).ok


def test_lost_reply_does_not_append_twice(tenant: str, s3: str) -> None:
    with FaultProxy(s3) as proxy:
        journal = Journal(USE_CASE, ObjectStore(endpoint=proxy.url))
        journal.head()

        def change(state: State) -> State:
            proxy.swallow_next(1)  # the next reply is that of the PUT
            return change_to(ref(1))(state)

        entry = journal.append(change, request_id="r1", **said())

        assert proxy.swallowed == 1
    assert [each.hash for each in Journal(USE_CASE).entries()] == [entry.hash]


def test_every_reply_lost_is_transient_and_the_repeat_finds_its_entry(tenant: str, s3: str) -> None:
    with FaultProxy(s3) as proxy:
        journal = Journal(USE_CASE, ObjectStore(endpoint=proxy.url))

        def change(state: State) -> State:
            proxy.mode = "swallow"
            return change_to(ref(1))(state)

        with pytest.raises(TransientError):
            journal.append(change, request_id="r1", **said())
        proxy.mode = "ok"

        again = journal.append(change_to(ref(1)), request_id="r1", **said())

    assert again.sequence == 1
    assert Journal(USE_CASE).sequence() == 1


def test_store_away_is_transient_and_writes_nothing(tenant: str, s3: str) -> None:
    with FaultProxy(s3) as proxy:
        proxy.mode = "down"
        with pytest.raises(TransientError, match="S3"):
            Journal(USE_CASE, ObjectStore(endpoint=proxy.url)).append(change_to(ref(1)), request_id="r1", **said())

    assert Journal(USE_CASE).sequence() == 0


class ConflictProxy(FaultProxy):
    """Answers the next PUT as S3 does where two conditional writes met: 409, and nothing written."""

    answered = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.mode == "ok" and not self.answered:
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"PUT")
            self.answered += 1
            body = b"<Error><Code>ConditionalRequestConflict</Code><Message>met</Message></Error>"
            writer.write(b"HTTP/1.1 409 Conflict\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            writer.close()
        else:
            await super()._serve(reader, writer)


def test_conflict_answer_is_a_retry_not_a_loss(tenant: str, s3: str) -> None:
    with ConflictProxy(s3) as proxy:
        assert ObjectStore(endpoint=proxy.url).put_if_absent(f"{tenant}/one", b"mine")

        assert proxy.answered == 1
    assert ObjectStore().get(f"{tenant}/one") == b"mine"


def test_edited_entry_is_found(journal: Journal) -> None:
    hashes = grow(journal, 3)
    path = object_key(journal.prefix, 2)
    journal.store.put(path, journal.store.get(path).replace(b'"who":"reviewer"', b'"who":"somebody"'))

    found = journal.verify(Link(3, hashes[2]))

    assert not found.ok
    assert f"{path}: expected a journal entry as it was signed, but saw an invalid signature" in found.problems[0]
    with pytest.raises(JournalError, match="0000000002"):
        Journal(USE_CASE).state()


def test_chain_rewritten_with_the_stores_key_alone_is_found(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = grow(journal, 3)
    true_key = settings().journal_key.get_secret_value()
    for path in journal.store.list_from(journal.prefix):
        journal.store.delete(path)
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", "the forger's key")
    settings.cache_clear()
    grow(Journal(USE_CASE), 3)
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", true_key)
    settings.cache_clear()

    found = Journal(USE_CASE).verify(Link(3, hashes[2]))

    assert len(found.problems) == 3
    assert all("signed with the key" in problem for problem in found.problems)
    with pytest.raises(JournalError):
        Journal(USE_CASE).append(change_to(ref(9)), request_id="r9", **said())


def test_entries_cut_off_at_the_end_are_found(journal: Journal) -> None:
    hashes = grow(journal, 3)
    journal.store.delete(object_key(journal.prefix, 3))

    assert Journal(USE_CASE).verify(START).ok, "the rest alone looks whole"
    found = Journal(USE_CASE).verify(Link(3, hashes[2]))

    assert not found.ok
    assert "entries 3 to 3 were cut off" in found.problems[0]


def test_anchor_behind_the_head_verifies(journal: Journal) -> None:
    hashes = grow(journal, 3)

    assert journal.verify(Link(2, hashes[1])).ok


def test_removed_entry_stops_readers(journal: Journal) -> None:
    grow(journal, 3)
    journal.store.delete(object_key(journal.prefix, 2))

    with pytest.raises(JournalError, match=r"0000000003\.json in its place"):
        Journal(USE_CASE).head()


def test_page_for_reviewers_verifies_by_hand(journal: Journal, tmp_path: Path) -> None:
    hashes = grow(journal, 3)
    script = (ROOT / "docs/journal.md").read_text().split("```python\n")[1].split("```")[0]
    (tmp_path / "entries").mkdir()
    for path in journal.store.list_from(journal.prefix):
        (tmp_path / "entries" / path.rpartition("/")[2]).write_bytes(journal.store.get(path))

    def by_hand() -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert by_hand().stdout == f"3 {hashes[2]}\n"
    edited = tmp_path / "entries/0000000002.json"
    edited.write_bytes(edited.read_bytes().replace(b"reviewer", b"somebody"))
    assert "0000000002.json: signature" in by_hand().stderr
