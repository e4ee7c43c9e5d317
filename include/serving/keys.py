"""API keys: made by who runs the platform, shown once, known to the service by their hash alone.

A key is a signed document on S3, and so is its revocation beside it; neither is ever changed. Who has only S3's key can
therefore add none and copy none to another tenant. Such a person could remove a revocation, so a running service keeps
what it has seen revoked, and a key that may leak is given an end date.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import AwareDatetime, Field, ValidationError

from include.data.objects import ObjectStore
from include.errors import PermanentError
from include.governance.signatures import digest, opened, sign
from include.naming import tenant
from include.records import Record
from include.serving.view import AccessKey

DOMAIN, REVOKED_DOMAIN = "flightdeck access key", "flightdeck access key revoked"
PREFIX = "fd"
RATE, BURST = 100.0, 200
_DOCUMENT, _REVOKED = ".json", ".revoked.json"


class Issued(AccessKey):
    """One key, as it stands on S3."""

    tenant: str
    who: str = Field(min_length=1, description="who made it")
    at: AwareDatetime = Field(description="when, UTC")


class Revoked(Record):
    """The end of a key, as it stands on S3."""

    id: str
    tenant: str
    who: str = Field(min_length=1, description="who ended it")
    at: AwareDatetime = Field(description="when, UTC")


@dataclass(frozen=True)
class Found:
    """All keys of a tenant.

    Args:
        keys: Those that were issued, in the order of their ids.
        revoked: The ends that were written, by id.
        problems: Documents that were not taken, and why.
    """

    keys: tuple[Issued, ...] = ()
    revoked: dict[str, Revoked] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def valid(self) -> tuple[AccessKey, ...]:
        """Return what the workers must know of the keys that nobody has revoked; end dates they check themselves."""
        fields = set(AccessKey.model_fields)
        return tuple(AccessKey(**each.model_dump(include=fields)) for each in self.keys if each.id not in self.revoked)


class Keyring:
    """The keys as they stand on S3; keep the object, and a look costs one LIST while nothing changes."""

    def __init__(self) -> None:
        self._keys: dict[str, Issued] = {}
        self._revoked: dict[str, Revoked] = {}
        self._refused: dict[str, str] = {}

    def look(self) -> Found:
        """Return all keys.

        Raises:
            TransientError: the store is away.
        """
        paths = ObjectStore().list_from(_folder())
        for path in paths:
            if path not in self._keys and path not in self._refused and not self._ended(path):
                self._read(path)
        present = set(paths)
        keys = tuple(key for path, key in sorted(self._keys.items()) if path in present)
        problems = tuple(why for path, why in sorted(self._refused.items()) if path in present)
        return Found(keys, dict(self._revoked), problems)

    def _ended(self, path: str) -> bool:
        return path.endswith(_REVOKED) and path.removeprefix(_folder()).removesuffix(_REVOKED) in self._revoked

    def _read(self, path: str) -> None:
        body = ObjectStore().get(path)
        if body is None:  # removed since the listing
            return
        try:
            if path.endswith(_REVOKED):
                end = Revoked.model_validate(opened(body, domain=REVOKED_DOMAIN))
                _same(path, end.tenant, f"{end.id}{_REVOKED}")
                self._revoked[end.id] = end
            else:
                key = Issued.model_validate(opened(body, domain=DOMAIN))
                _same(path, key.tenant, f"{key.id}{_DOCUMENT}")
                self._keys[path] = key
        except (ValueError, ValidationError) as error:
            self._refused[path] = f"access key {path} was not taken: {' '.join(str(error).split())}"


def create(
    scopes: Sequence[str],
    *,
    rate: float = RATE,
    burst: int = BURST,
    expires: dt.datetime | None = None,
    who: str,
    at: dt.datetime,
) -> tuple[str, AccessKey]:
    """Make a key, and return it with what is kept of it; the key itself is told this once and never again.

    Args:
        scopes: The use cases that it opens.
        rate: Requests a second that it may make for long.
        burst: Requests that it may make at once.
        expires: When it ends by itself; none: when it is revoked.
        who: Who makes it.
        at: When.

    Raises:
        PermanentError: no scope, or a limit that lets nothing through.
        TransientError: the store is away.
    """
    while True:
        id_ = secrets.token_hex(6)
        plain = f"{PREFIX}_{id_}_{secrets.token_urlsafe(32)}"
        try:
            made = Issued(
                id=id_, sha256=hashed(plain), scopes=tuple(dict.fromkeys(scopes)), rate=rate, burst=burst,
                expires_at=expires, tenant=tenant(), who=who, at=at.astimezone(dt.UTC),
            )  # fmt: skip
        except ValidationError as error:
            said = (f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise _wrong("limits above zero, and who makes the key", "; ".join(said)) from error
        if not made.scopes:
            raise _wrong("at least one use case that the key opens", "none")
        if expires is not None and expires <= at:
            raise _wrong("a key that ends later than it begins", f"an end at {expires}")
        body = sign(made.model_dump(mode="json"), domain=DOMAIN)
        if ObjectStore().put_if_absent(f"{_folder()}{id_}{_DOCUMENT}", body):
            return plain, AccessKey(**made.model_dump(include=set(AccessKey.model_fields)))


def revoke(id_: str, *, who: str, at: dt.datetime) -> Revoked:
    """End a key for good; ending it twice changes nothing.

    Raises:
        PermanentError: there is no such key.
        TransientError: the store is away.
    """
    found = all_keys()
    if id_ in found.revoked:
        return found.revoked[id_]
    if id_ not in {each.id for each in found.keys}:
        raise PermanentError(
            expected="the id of a key", seen=f"'{id_}'", where="access keys",
            next_step="look the ids up with `./flightdeck key list`",
        )  # fmt: skip
    end = Revoked(id=id_, tenant=tenant(), who=who, at=at.astimezone(dt.UTC))
    ObjectStore().put(f"{_folder()}{id_}{_REVOKED}", sign(end.model_dump(mode="json"), domain=REVOKED_DOMAIN))
    return end


def all_keys() -> Found:
    """Return all keys as they stand on S3 now.

    Raises:
        TransientError: the store is away.
    """
    return Keyring().look()


def hashed(plain: str) -> str:
    """Return what is kept of a key; its 256 random bits need no salt and no slow hash."""
    return digest(plain.encode())


def _folder() -> str:
    return f"access/{tenant()}/"


def _same(path: str, whose: str, name: str) -> None:
    if path != f"access/{whose}/{name}":
        raise ValueError(f"the document of access/{whose}/{name}")


def _wrong(expected: str, seen: str) -> PermanentError:
    return PermanentError(
        expected=expected, seen=seen, where="access key", next_step="call again with what is missing; nothing was made"
    )
