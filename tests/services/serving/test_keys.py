"""Access keys: shown once, kept as a hash, signed, and known to the service within seconds."""

from __future__ import annotations

import datetime as dt
import hashlib
import json

import pytest

from include.data.objects import ObjectStore
from include.errors import PermanentError
from include.governance.signatures import sign
from include.serving import keys
from include.settings import settings

AT = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def path(id_, tenant=None):
    return f"access/{tenant or settings().tenant}/{id_}.json"


def made(**given):
    return keys.create(["credit_risk"], who="operator", at=AT, **given)


def ids(found):
    return {each.id for each in found.valid()}


def test_a_key_is_told_once_and_only_its_hash_is_kept(stack):
    plain, key = keys.create(
        ["credit_risk", "load_forecast"], rate=5, burst=7, expires=AT + dt.timedelta(days=1), who="operator", at=AT
    )
    beginning, id_, secret = plain.split("_", 2)
    assert (beginning, id_) == ("fd", key.id)
    assert len(secret) >= 43
    assert key.sha256 == hashlib.sha256(plain.encode()).hexdigest()
    assert secret.encode() not in ObjectStore().get(path(key.id))
    (found,) = keys.all_keys().valid()
    assert found == key
    assert (found.scopes, found.rate, found.burst) == (("credit_risk", "load_forecast"), 5, 7)
    assert found.expires_at == AT + dt.timedelta(days=1)


@pytest.mark.parametrize(
    "wrong",
    [{"rate": 0}, {"burst": 0}, {"rate": float("nan")}, {"expires": AT}, {"who": ""}, {"scopes": []}],
)
def test_a_key_that_lets_nothing_through_is_not_made(stack, wrong):
    with pytest.raises(PermanentError, match="nothing was made"):
        keys.create(**{"scopes": ["credit_risk"], "who": "operator", "at": AT, **wrong})
    assert ObjectStore().list_from("access/" + settings().tenant) == []


def test_a_revoked_key_is_gone_for_good_and_twice_is_no_error(stack):
    _, one = made()
    _, other = made()
    ring = keys.Keyring()
    assert ids(ring.look()) == {one.id, other.id}
    first = keys.revoke(one.id, who="operator", at=AT)
    assert keys.revoke(one.id, who="somebody", at=AT + dt.timedelta(days=1)) == first
    assert ids(ring.look()) == ids(keys.all_keys()) == {other.id}
    assert {each.id for each in ring.look().keys} == {one.id, other.id}  # still listed, for people
    ObjectStore().delete(f"access/{settings().tenant}/{one.id}.revoked.json")
    assert ids(ring.look()) == {other.id}, "who can write to S3 has brought a revoked key back"
    with pytest.raises(PermanentError, match="key list"):
        keys.revoke("nobody", who="operator", at=AT)


def forged(id_):
    return {
        "id": id_, "sha256": "0" * 64, "scopes": ["credit_risk"], "rate": 1e6, "burst": 10**6, "expires_at": None,
        "tenant": settings().tenant, "who": "mallory", "at": AT.isoformat(),
    }  # fmt: skip


def test_what_was_not_signed_as_a_key_is_refused_and_named_and_the_others_stay(stack):
    _, good = made(expires=AT + dt.timedelta(days=1))
    store = ObjectStore()
    unsigned = json.dumps(forged("a" * 12), sort_keys=True, separators=(",", ":")).encode()
    store.put(path("a" * 12), unsigned)
    store.put(path("b" * 12), sign(forged("b" * 12), domain="flightdeck journal entry"))
    store.put(path("c" * 12), store.get(path(good.id)))  # a copy under another name
    longer = store.get(path(good.id)).replace(b'"rate":100.0', b'"rate":999.0')
    assert b"999.0" in longer
    store.put(path("d" * 12), longer.replace(good.id.encode(), b"d" * 12))
    store.put(path("e" * 12), b"")
    found = keys.all_keys()
    assert ids(found) == {good.id}
    assert len(found.problems) == 5
    for each in "abcde":
        assert any(path(each * 12) in said for said in found.problems)


def test_a_key_of_another_tenant_opens_nothing_here(stack, monkeypatch):
    _, key = made()
    body = ObjectStore().get(path(key.id))
    monkeypatch.setenv("FLIGHTDECK_TENANT", f"{settings().tenant}x")
    settings.cache_clear()
    ObjectStore().put(path(key.id), body)
    found = keys.all_keys()
    assert ids(found) == set()
    assert "the document of access/" in found.problems[0]


def test_the_service_learns_of_a_new_and_of_a_revoked_key_within_seconds(service):
    _, early = made()
    service.start()
    known = lambda: {each.id for each in service.view().access} if service.view() else set()  # noqa: E731
    service.until(lambda: known() == {early.id}, seconds=20)
    _, late = made()
    service.until(lambda: known() == {early.id, late.id}, seconds=3)
    keys.revoke(early.id, who="operator", at=AT)
    service.until(lambda: known() == {late.id}, seconds=3)
    ObjectStore().put(path("a" * 12), json.dumps(forged("a" * 12)).encode())
    service.until(lambda: path("a" * 12) in service.view().problem, seconds=3)
    assert known() == {late.id}
    service.end()
    service.start(AWS_ENDPOINT_URL_S3="http://127.0.0.1:1")  # the keys of before hold where S3 is away
    service.until(lambda: service.view().problem.startswith("access") or "S3" in service.view().problem, seconds=20)
    assert known() == {late.id}
