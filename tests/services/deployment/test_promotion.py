"""Promotion, rollback and repair with a real store and a real registry."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from include.data.objects import ObjectStore
from include.deployment.journal import Journal
from include.deployment.promotion import Outcome, promote
from include.errors import (
    ApprovalError,
    ArtifactError,
    GateError,
    MissingMetricError,
    StaleComparisonError,
    TransientError,
)
from include.governance.approvals import sign_and_store
from include.governance.signatures import digest
from include.models import artifact, registry, tracking
from include.naming import model_name
from include.platform.stores import free_ports
from include.records import ModelRef
from include.settings import settings
from include.spec import Risk, Window
from include.use_cases.credit_risk import SPEC
from tests.services.deployment.helpers import AT, BAD, RUN, approval, registered, said

pytestmark = pytest.mark.usefixtures("stack")

CALM = SPEC.model_copy(update={"risk": Risk(likelihood=1, impact=1, reasons=("nobody is hurt",))})


def made_champion(version: ModelRef, run: str = RUN, *, at: dt.datetime = AT, **given: Any) -> Outcome:
    """Approve a version and promote it."""
    sign_and_store(approval(version, run=run, **given))
    return promote(SPEC, version, key="default", run=run, at=at)


def two_champions() -> tuple[ModelRef, ModelRef]:
    first = registered()
    made_champion(first, "run/1")
    second = registered(champion_version=first.version, champion_sequence=1, route="superiority")
    made_champion(second, "run/2", at=AT + dt.timedelta(days=7))
    return first, second


def shown() -> tuple[int | None, tuple[int, str] | None]:
    """Return what MLflow shows: the alias and the head tag."""
    return registry.alias(model_name(SPEC.name), "champion"), registry.head_tag(SPEC.name)


def champion() -> ModelRef | None:
    return Journal(SPEC.name).state().of("default").champion


def untouched() -> None:
    assert Journal(SPEC.name).sequence() == 0
    assert shown() == (None, None)


def test_approved_version_becomes_champion_in_journal_alias_and_tag() -> None:
    version = registered()

    outcome = made_champion(version, unattended=True)

    entry = Journal(SPEC.name).head()
    assert outcome.promoted
    assert outcome.entry == entry
    assert (entry.sequence, entry.action, entry.who, entry.at) == (1, "promote", "reviewer", AT)
    assert entry.state.of("default").champion == version
    assert entry.state.of("default").champion_since == AT
    assert shown() == (version.version, (1, entry.hash))
    assert Journal(SPEC.name).verify().ok


def test_evidence_says_on_what_grounds() -> None:
    version = registered()

    evidence = made_champion(version, unattended=True).entry.evidence

    assert evidence["unattended"] is True
    assert evidence["approval"]["comment"] == "looked at the report"
    assert evidence["approval"]["model"]["digest"] == version.digest
    assert (evidence["run"], evidence["mlflow_run"], evidence["originator"]) == (RUN, version.run_id, "operator")
    assert evidence["gates"][0]["name"] == "calibration"
    stored = tracking.load_text(version.run_id, registry.EVALUATION)
    assert evidence["evaluation_sha256"] == digest(stored.encode())


def test_same_run_promotes_once() -> None:
    version = registered()
    first = made_champion(version)

    again = promote(SPEC, version, key="default", run=RUN, at=AT)

    assert again.promoted
    assert again.entry == first.entry
    assert Journal(SPEC.name).sequence() == 1


def test_champion_that_another_run_promoted_is_not_promoted_again() -> None:
    version = registered()
    made_champion(version)

    outcome = promote(SPEC, version, key="default", run="run/other", at=AT)

    assert (outcome.promoted, outcome.entry) == (False, None)
    assert "champion already" in outcome.reason
    assert Journal(SPEC.name).sequence() == 1


def test_dry_run_says_what_would_happen_and_changes_nothing() -> None:
    version = registered()
    sign_and_store(approval(version))

    outcome = promote(SPEC, version, key="default", run=RUN, at=AT, dry_run=True)

    assert (outcome.promoted, outcome.entry) == (False, None)
    assert f"would promote v{version.version} (first)" in outcome.reason
    untouched()


def test_reject_leaves_all_as_it_was_and_says_why() -> None:
    outcome = made_champion(registered(), answer="Reject", comment="too few women")

    assert (outcome.promoted, outcome.entry) == (False, None)
    assert "reviewer rejected v1: too few women" in outcome.reason
    untouched()


def test_approval_task_marked_as_successful_promotes_nothing() -> None:
    with pytest.raises(ApprovalError, match="may have been marked as successful by hand"):
        promote(SPEC, registered(), key="default", run=RUN, at=AT)
    untouched()


def test_approval_that_timed_out_promotes_nothing() -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)

    with pytest.raises(ApprovalError, match="expired"):
        made_champion(registered(), expires_at=past)
    untouched()


def test_approver_who_asked_for_the_training_promotes_nothing() -> None:
    with pytest.raises(ApprovalError, match=r"not who asked for the training \(reviewer\)"):
        made_champion(registered(originator="reviewer"))
    untouched()


def test_low_risk_is_promoted_without_a_person_in_the_originators_name() -> None:
    outcome = promote(CALM, registered(), key="default", run=RUN, at=AT)

    assert outcome.entry.who == "operator"
    assert outcome.entry.evidence["approval"] is None


def test_failed_gate_promotes_nothing_without_override() -> None:
    with pytest.raises(GateError, match=r"saw fairness SEX 0\.71"):
        made_champion(registered(gates=(BAD,)))
    untouched()


def test_written_override_lands_in_the_journal() -> None:
    entry = made_champion(registered(gates=(BAD,)), override="agreed with the ombudsman").entry

    assert entry.evidence["override"] == "agreed with the ombudsman"
    assert entry.evidence["gates"][0]["passed"] is False
    assert "Gates overridden: agreed with the ombudsman" in entry.why


def test_candidate_without_a_way_is_not_promoted_whoever_overrides() -> None:
    outcome = made_champion(registered(route=None), override="please")

    assert (outcome.promoted, outcome.entry) == (False, None)
    assert "v1 earned no way to the champion's place: better than baseline best_feature" in outcome.reason
    untouched()


def test_missing_metric_promotes_nothing() -> None:
    with pytest.raises(MissingMetricError, match="primary metric 'auc'"):
        made_champion(registered(metrics={}))
    untouched()


def test_artifact_swapped_on_the_store_promotes_nothing() -> None:
    version = registered()
    swap(version)

    with pytest.raises(ArtifactError, match="find out who wrote to the store"):
        made_champion(version)
    untouched()


def test_unrelated_entry_in_between_is_fine() -> None:
    version = registered()
    Journal(SPEC.name).append(lambda state: state, request_id="note", **said(action="note"))

    assert made_champion(version).entry.sequence == 2


def test_promotion_in_between_makes_the_other_stale() -> None:
    first, second = registered(), registered()
    made_champion(first, "run/1")

    with pytest.raises(StaleComparisonError, match=r"no model as champion since entry 0.*saw v1 by entry 1"):
        made_champion(second, "run/2")
    assert champion() == first


def test_promotion_between_the_first_look_and_the_entry_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = registered(), registered()
    look = artifact.digest_of

    def slow_look(version: ModelRef) -> str:
        monkeypatch.setattr(artifact, "digest_of", look)
        made_champion(first, "run/1")
        return look(version)

    monkeypatch.setattr(artifact, "digest_of", slow_look)
    with pytest.raises(StaleComparisonError, match="v1 by entry 1"):
        made_champion(second, "run/2")
    assert champion() == first


def test_second_champion_keeps_the_first_as_previous() -> None:
    first, second = two_champions()

    state = Journal(SPEC.name).state().of("default")

    assert (state.champion, state.previous) == (second, first)
    assert shown()[0] == second.version


def test_mlflow_away_is_transient_and_promotes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    version = registered()
    sign_and_store(approval(version))
    with monkeypatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free_ports(1)[0]}")
        settings.cache_clear()
        with pytest.raises(TransientError, match="MLflow"):
            promote(SPEC, version, key="default", run=RUN, at=AT)
    settings.cache_clear()
    untouched()


def swap(version: ModelRef) -> None:
    """Write other bytes over the model's file, as somebody with the store's key can."""
    store = ObjectStore("mlflow")
    (path,) = [each for each in store.list_from("") if version.run_id in each and each.endswith("/weights")]
    store.put(path, b"other weights")


def test_outside_of_the_window_a_single_model_waits_as_well() -> None:
    night = Window(opens=dt.time(22), closes=dt.time(6))
    windowed, version = CALM.model_copy(update={"promotion_window": night}), registered()
    noon = AT.replace(hour=12)

    waiting = promote(windowed, version, run=RUN, at=noon)

    assert (waiting.promoted, waiting.entry) == (False, None)
    assert waiting.reason.endswith("wait until 2026-05-01 22:00 UTC")
    untouched()
    assert promote(windowed, version, run=RUN, at=noon.replace(hour=23)).promoted
