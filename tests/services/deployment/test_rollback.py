"""Rollback and repair with a real store and a real registry."""

from __future__ import annotations

import pytest

from include.deployment.entries import object_key
from include.deployment.journal import Journal
from include.deployment.promotion import Outcome, reconcile, rollback
from include.errors import ArtifactError, GateError, JournalError, StaleComparisonError
from include.models import artifact, registry
from include.naming import model_name
from include.records import ModelRef
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import AT, registered
from tests.services.deployment.test_promotion import champion, made_champion, shown, swap, two_champions, untouched

pytestmark = pytest.mark.usefixtures("stack")


def undo(request_id: str, *, dry_run: bool = False) -> Outcome:
    why = "it declined everybody"
    return rollback(SPEC, key="default", who="operator", why=why, request_id=request_id, at=AT, dry_run=dry_run)


def test_two_rollbacks_at_once_go_back_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = two_champions()
    made_champion(registered(champion_version=second.version, champion_sequence=2, route="refresh"), "run/3")
    look = artifact.digest_of

    def slow_look(version: ModelRef) -> str:
        monkeypatch.setattr(artifact, "digest_of", look)
        undo("r1")
        return look(version)

    monkeypatch.setattr(artifact, "digest_of", slow_look)
    with pytest.raises(StaleComparisonError, match="expected v3 as champion, but saw v2"):
        undo("r2")
    assert champion() == second
    undo("r3")
    assert champion() == first


def test_rollback_restores_the_champion_before_in_journal_and_alias() -> None:
    first, second = two_champions()

    outcome = undo("r1")

    entry = Journal(SPEC.name).head()
    assert outcome.entry == entry
    assert (entry.action, entry.who, entry.why) == ("rollback", "operator", "it declined everybody")
    assert entry.evidence["rolled_back"]["version"] == second.version
    assert entry.state == Journal(SPEC.name).entries()[0].state, "champion, its age, and nothing before it"
    assert shown() == (first.version, (3, entry.hash))


def test_rollback_happens_once_a_request_and_only_where_there_is_a_champion_before() -> None:
    two_champions()
    first = undo("r1")

    assert undo("r1").entry == first.entry
    with pytest.raises(GateError, match="saw champion v1, before it none"):
        undo("r2")
    assert Journal(SPEC.name).sequence() == 3


def test_rolled_back_version_does_not_return_on_its_old_comparison() -> None:
    _, second = two_champions()
    undo("r1")

    with pytest.raises(StaleComparisonError):
        made_champion(second, "run/3")


def test_rollback_dry_run_changes_nothing() -> None:
    _, second = two_champions()

    outcome = undo("r1", dry_run=True)

    assert "would restore v1 in place of v2" in outcome.reason
    assert champion() == second


def test_rollback_to_a_swapped_artifact_is_refused() -> None:
    first, second = two_champions()
    swap(first)

    with pytest.raises(ArtifactError, match="v1"):
        undo("r1")
    assert champion() == second


def test_rollback_without_a_reason_is_refused() -> None:
    two_champions()

    with pytest.raises(JournalError, match="who, why and when"):
        rollback(SPEC, key="default", who="operator", why=" ", request_id="r1", at=AT)


def test_reconcile_of_a_whole_journal_has_nothing_to_do() -> None:
    assert reconcile(SPEC) == []
    two_champions()
    assert reconcile(SPEC) == []


def test_alias_that_somebody_moved_by_hand_is_repaired() -> None:
    first, second = two_champions()
    registry.set_alias(model_name(SPEC.name), "champion", first.version)

    assert reconcile(SPEC) == [f"alias champion of {model_name(SPEC.name)}: from 1 to 2"]
    assert shown()[0] == second.version


def test_alias_without_any_promotion_is_taken_away() -> None:
    version = registered()
    registry.set_alias(model_name(SPEC.name), "champion", version.version)

    assert reconcile(SPEC) == [f"alias champion of {model_name(SPEC.name)}: from 1 to nothing"]
    untouched()


def test_entries_cut_off_are_found_and_nothing_is_repaired_or_promoted() -> None:
    first, _ = two_champions()
    before = shown()
    journal = Journal(SPEC.name)
    journal.store.delete(object_key(journal.prefix, 2))

    found = journal.verify()
    assert "entries 2 to 2 were cut off" in found.problems[0]
    with pytest.raises(JournalError, match="cut off"):
        reconcile(SPEC)
    with pytest.raises(JournalError, match="cut off"):
        made_champion(registered(champion_version=first.version, champion_sequence=1), "run/3")
    with pytest.raises(JournalError, match="cut off"):
        undo("r1")
    assert shown() == before


def test_edited_entry_stops_promotion_and_repair() -> None:
    two_champions()
    journal = Journal(SPEC.name)
    path = object_key(journal.prefix, 1)
    journal.store.put(path, journal.store.get(path).replace(b"reviewer", b"somebody"))

    assert not journal.verify().ok
    with pytest.raises(JournalError, match="invalid signature"):
        reconcile(SPEC)
