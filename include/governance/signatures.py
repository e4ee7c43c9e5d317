"""Signatures of what people and gates decided: HMAC-SHA256 over canonical JSON, with a key that S3 does not know.

A chain of hashes alone proves little: whoever holds the store's key can write the whole chain anew. The signing key is
therefore another one, and each kind of document has its own domain, so that an approval never passes as an entry.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from include.errors import PermanentError
from include.settings import settings


def canonical(document: dict[str, Any]) -> bytes:
    """Return the one JSON text of a document: keys sorted, no spaces, ASCII only.

    Raises:
        ValueError: the document holds a number that JSON cannot say (NaN, infinity).
    """
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest(body: bytes) -> str:
    """Return the SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def sign(document: dict[str, Any], *, domain: str) -> bytes:
    """Return the canonical bytes of a document with its ``signer`` and ``signature`` added."""
    key = _key()
    signed = {**document, "signer": _fingerprint(key)}
    return canonical({**signed, "signature": _seal(signed, domain, key)})


def opened(body: bytes, *, domain: str) -> dict[str, Any]:
    """Return the document in signed bytes.

    The bytes must be exactly the canonical form of what they say, so that no second text carries the same signature.

    Raises:
        ValueError: the bytes are not what was signed, or not signed with the deployment's key; says which.
    """
    document = json.loads(body)
    if not isinstance(document, dict) or canonical(document) != body:
        raise ValueError("bytes that are not the canonical JSON of a document")
    key = _key()
    signature = document.pop("signature", None)
    if not isinstance(signature, str) or not signature.isascii():
        raise ValueError("no signature")
    if not hmac.compare_digest(signature, _seal(document, domain, key)):
        signer = document.get("signer")
        other = f", signed with the key {signer}, not with {_fingerprint(key)}" if signer != _fingerprint(key) else ""
        raise ValueError(f"an invalid signature{other}")
    return document


def _key() -> bytes:
    config = settings()
    key = config.journal_key.get_secret_value()
    if key == config.s3_secret_key.get_secret_value():
        raise PermanentError(
            expected="a signing key of its own",
            seen="FLIGHTDECK_JOURNAL_KEY equal to the secret key of S3",
            where="settings",
            next_step="generate another FLIGHTDECK_JOURNAL_KEY, or whoever can write to S3 can sign as well",
        )
    return key.encode()


def _fingerprint(key: bytes) -> str:
    return digest(b"flightdeck signer\n" + key)[:12]


def _seal(document: dict[str, Any], domain: str, key: bytes) -> str:
    return hmac.new(key, domain.encode() + b"\n" + canonical(document), hashlib.sha256).hexdigest()
