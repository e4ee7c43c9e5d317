"""Approvals on a real S3 server: only what the task signed, for its own run, while it is valid."""

from __future__ import annotations

import datetime as dt

import pytest

from include.data.objects import ObjectStore
from include.errors import ApprovalError, TransientError
from include.governance.approvals import load_verified, sign_and_store
from include.governance.signatures import sign
from include.platform.stores import free_ports
from include.settings import settings
from tests.services.deployment.helpers import RUN, approval

USE_CASE = "credit_risk"


def test_stored_approval_is_found_by_its_run_alone(tenant: str) -> None:
    given = approval(override="agreed", unattended=True)
    sign_and_store(given)

    assert load_verified(USE_CASE, RUN) == given
    assert load_verified(USE_CASE, f"{RUN}1") is None
    assert load_verified("other", RUN) is None


def test_answer_to_a_repeated_question_replaces_the_one_before(tenant: str) -> None:
    sign_and_store(approval(answer="Reject"))
    sign_and_store(approval())

    assert load_verified(USE_CASE, RUN).answer == "Approve"


def test_edited_approval_is_refused(tenant: str) -> None:
    path = sign_and_store(approval(answer="Reject"))
    store = ObjectStore()
    store.put(path, store.get(path).replace(b"Reject", b"Approve"))

    with pytest.raises(ApprovalError, match="invalid signature"):
        load_verified(USE_CASE, RUN)


def test_approval_forged_with_the_stores_key_is_refused(tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    true_key = settings().journal_key.get_secret_value()
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", "the forger's key")
    settings.cache_clear()
    sign_and_store(approval())
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", true_key)
    settings.cache_clear()

    with pytest.raises(ApprovalError, match="signed with the key"):
        load_verified(USE_CASE, RUN)


def test_journal_entry_in_an_approvals_place_is_refused(tenant: str) -> None:
    path = sign_and_store(approval())
    ObjectStore().put(path, sign(approval().model_dump(mode="json"), domain="flightdeck journal entry"))

    with pytest.raises(ApprovalError, match="invalid signature"):
        load_verified(USE_CASE, RUN)


def test_approval_copied_from_another_run_is_refused(tenant: str) -> None:
    other = sign_and_store(approval(run="credit_risk_deploy/another"))
    mine = sign_and_store(approval())
    ObjectStore().put(mine, ObjectStore().get(other))

    with pytest.raises(ApprovalError, match="credit_risk_deploy/another"):
        load_verified(USE_CASE, RUN)


def test_expired_approval_is_refused(tenant: str) -> None:
    now = dt.datetime.now(dt.UTC)
    sign_and_store(approval(answered_at=now - dt.timedelta(hours=73), expires_at=now - dt.timedelta(hours=1)))

    with pytest.raises(ApprovalError, match="of reviewer that expired at"):
        load_verified(USE_CASE, RUN)


def test_answer_of_nobody_is_not_signed(tenant: str) -> None:
    with pytest.raises(ApprovalError, match="a program or a time-out answered"):
        sign_and_store(approval(approver=" "))
    assert load_verified(USE_CASE, RUN) is None


def test_time_without_a_zone_is_not_signed(tenant: str) -> None:
    with pytest.raises(ApprovalError, match="times with a zone"):
        sign_and_store(approval(expires_at=dt.datetime(2026, 1, 1)))


def test_store_away_is_transient(tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{free_ports(1)[0]}")
    settings.cache_clear()

    with pytest.raises(TransientError):
        load_verified(USE_CASE, RUN)
