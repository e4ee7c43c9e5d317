"""Objects on a real S3 server."""

from __future__ import annotations

import pytest

from include.data.objects import ObjectStore
from include.errors import PermanentError, TransientError
from include.platform.stores import free_ports


@pytest.fixture
def store(tenant: str) -> ObjectStore:
    return ObjectStore()


def test_object_is_read_as_written_and_gone_when_deleted(store: ObjectStore, tenant: str) -> None:
    key = f"{tenant}/one"
    assert store.get(key) is None
    assert not store.exists(key)

    store.put(key, b"first")
    store.put(key, b"second")

    assert store.get(key) == b"second"
    assert store.exists(key)
    store.delete(key)
    store.delete(key)
    assert store.get(key) is None


def test_put_if_absent_never_overwrites(store: ObjectStore, tenant: str) -> None:
    key = f"{tenant}/one"

    assert store.put_if_absent(key, b"first")
    assert not store.put_if_absent(key, b"second")

    assert store.get(key) == b"first"


def test_list_begins_behind_the_given_key(store: ObjectStore, tenant: str) -> None:
    for number in (3, 1, 2):
        store.put(f"{tenant}/{number:04d}", b"")

    assert store.list_from(f"{tenant}/", f"{tenant}/0001") == [f"{tenant}/0002", f"{tenant}/0003"]
    assert store.list_from(f"{tenant}/") == [f"{tenant}/000{number}" for number in (1, 2, 3)]
    assert store.list_from(f"{tenant}/", f"{tenant}/0003") == []


def test_list_reads_every_page(store: ObjectStore, tenant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        store.put(f"{tenant}/{number}", b"")
    monkeypatch.setattr("include.data.objects._PAGE", 3)

    assert len(store.list_from(f"{tenant}/")) == 7


def test_absent_store_is_transient_and_named(tenant: str) -> None:
    endpoint = f"http://127.0.0.1:{free_ports(1)[0]}"

    with pytest.raises(TransientError) as caught:
        ObjectStore(endpoint=endpoint).put_if_absent("journal/one", b"")

    assert endpoint in str(caught.value)
    assert "PUT if absent s3://flightdeck/journal/one" in str(caught.value)


def test_unknown_bucket_is_permanent(tenant: str) -> None:
    with pytest.raises(PermanentError, match="no-such-bucket"):
        ObjectStore("no-such-bucket").get("one")
