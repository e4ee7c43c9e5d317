"""Signed documents: nothing but the signed text opens, and only in its own domain."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from include.errors import PermanentError
from include.governance.signatures import canonical, opened, sign
from include.settings import settings

DOCUMENT = {"who": "rené", "weights": [0.1, 1e-9], "nested": {"b": 1, "a": None}}


def test_signed_document_opens_with_its_signer() -> None:
    found = opened(sign(DOCUMENT, domain="one"), domain="one")

    assert {name: found[name] for name in DOCUMENT} == DOCUMENT
    assert len(found["signer"]) == 12


@pytest.mark.usefixtures("keys")
@given(place=some.integers(0, 10_000), bit=some.integers(0, 7))
def test_no_flipped_bit_opens(place: int, bit: int) -> None:
    body = bytearray(sign(DOCUMENT, domain="one"))
    body[place % len(body)] ^= 1 << bit

    with pytest.raises(ValueError, match=r"."):
        opened(bytes(body), domain="one")


def test_signature_of_another_domain_is_refused() -> None:
    with pytest.raises(ValueError, match="invalid signature"):
        opened(sign(DOCUMENT, domain="approval"), domain="entry")


def test_another_text_of_the_same_document_is_refused() -> None:
    body = sign(DOCUMENT, domain="one")

    with pytest.raises(ValueError, match="canonical"):
        opened(json.dumps(json.loads(body), indent=1).encode(), domain="one")


def test_another_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    body = sign(DOCUMENT, domain="one")
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", "a stranger's key")
    settings.cache_clear()

    with pytest.raises(ValueError, match="signed with the key"):
        opened(body, domain="one")


def test_key_of_the_store_may_not_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLIGHTDECK_JOURNAL_KEY", "the store's key")
    settings.cache_clear()

    with pytest.raises(PermanentError, match="equal to the secret key of S3"):
        sign(DOCUMENT, domain="one")


def test_a_number_that_json_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"value": float("nan")})
