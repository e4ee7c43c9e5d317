"""Who may ask what, and how often: keys are known by their SHA-256 alone, and each has a bucket of its own."""

from __future__ import annotations

import datetime as dt
import hmac
import time
from collections.abc import Callable, Mapping

from starlette.types import Scope

from include.serving.answers import RefusedError
from include.serving.keys import PREFIX, hashed
from include.serving.view import AccessKey

_NOBODY = "0" * 64


class Bucket:
    """A token bucket: ``burst`` at once, ``rate`` a second for long. It asks a clock that never goes back."""

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._at = burst, now

    def take(self, now: float) -> float:
        """Take one token, and return 0; or return the seconds until there is one."""
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now
        if self._tokens < 1:
            return (1 - self._tokens) / self.rate
        self._tokens -= 1
        return 0.0


class Doorkeeper:
    """Lets requests in by their key.

    Args:
        workers: Processes behind one port. Each grants its share of a key's rate: connections are spread evenly over
            them, a single connection gets one share.
        clock: Monotonic seconds.
    """

    def __init__(self, workers: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._workers, self._clock = workers, clock
        self._buckets: dict[str, Bucket] = {}

    def admit(self, header: str, keys: Mapping[str, AccessKey], use_case: str, now: dt.datetime) -> AccessKey:
        """Return the key that a request came with.

        Args:
            header: The ``Authorization`` header; empty where there is none.
            keys: The keys that are known, by their id.
            use_case: What is asked for.
            now: Wall-clock time, for keys that expire.

        Raises:
            RefusedError: 401, 403 or 429.
        """
        scheme, _, secret = header.partition(" ")
        name = secret.removeprefix(f"{PREFIX}_").partition("_")[0]
        key = keys.get(name)
        # Compared also where there is no such key, so that time does not tell which ids there are.
        same = hmac.compare_digest(hashed(secret), key.sha256 if key else _NOBODY)
        if scheme.lower() != "bearer" or key is None or not same:
            raise RefusedError(401, "unauthorised", "send a valid key as `Authorization: Bearer fd_…`")
        if key.expires_at is not None and now >= key.expires_at:
            raise RefusedError(401, "key_expired", f"key {key.id} has expired; ask for a new one")
        if use_case not in key.scopes:
            raise RefusedError(403, "forbidden", f"key {key.id} does not open {use_case}")
        if wait := self._bucket(key).take(self._clock()):
            raise RefusedError(429, "too_many_requests", f"key {key.id} may make {key.rate:g} a second", after=wait)
        return key

    def _bucket(self, key: AccessKey) -> Bucket:
        rate, burst = key.rate / self._workers, max(1.0, key.burst / self._workers)
        bucket = self._buckets.get(key.id)
        if bucket is None or (bucket.rate, bucket.burst) != (rate, burst):
            bucket = self._buckets[key.id] = Bucket(rate, burst, self._clock())
        return bucket


def header(scope: Scope, name: bytes) -> str:
    """Return a request's header, empty where it has none."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value, "latin-1")
    return ""
