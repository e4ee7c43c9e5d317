"""Small objects on S3: the journal, approvals and carriers go through here, and nowhere else is boto3 called.

One thing is subtle. A conditional write whose answer is lost is sent again, by botocore itself, and the second attempt
finds the first one's object: "it exists already" may therefore mean "it is ours". Only the caller can tell, by reading.
"""

from __future__ import annotations

import hashlib
import os
import random
import socket
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as StoreConnectionError

from include.errors import PermanentError, TransientError
from include.settings import settings

# SeaweedFS goes on to refuse writes after its disk was full, also when there is room again.
SEE_STORE = (
    "see that S3 runs (`./flightdeck status`, in containers `docker compose ps s3`) "
    "and its disk has space; after a full one restart it "
    "(`./flightdeck down` and `up`, in containers `docker compose restart s3`)"
)
SKEWED = "RequestTimeTooSkewed"  # what S3 says to whose clock is more than a quarter of an hour away from its own
REFUSED_STEP = "check the bucket's name, the access key and what it may do, and this machine's clock"
_ANSWER = TypeVar("_ANSWER")
_CONFLICT_TRIES = 6
_CHUNK = 2**20
_PAGE = 1000
_AWAY = (StoreConnectionError, HTTPClientError, IncompleteReadError)


class ObjectStore:
    """The objects of one bucket; cheap to make, for clients are shared within a process."""

    def __init__(self, bucket: str | None = None, *, endpoint: str | None = None) -> None:
        self.bucket = bucket or settings().bucket
        self.endpoint = endpoint or settings().s3_endpoint

    def get(self, key: str) -> bytes | None:
        """Return an object's bytes, or none where there is no such object."""
        found = self.get_with_etag(key)
        return found[0] if found else None

    def get_with_etag(self, key: str) -> tuple[bytes, str] | None:
        """Return an object's bytes and its entity tag, or none where there is no such object."""

        def call(client: Any) -> tuple[bytes, str] | None:
            answer = client.get_object(Bucket=self.bucket, Key=key)
            return answer["Body"].read(), answer["ETag"]

        return self._ask("GET", key, call, absent=None)

    def put(self, key: str, body: bytes) -> None:
        """Write an object, whatever was there before."""
        self._ask("PUT", key, lambda client: client.put_object(Bucket=self.bucket, Key=key, Body=body))

    def put_if_absent(self, key: str, body: bytes) -> bool:
        """Write an object only where there is none, and return whether the store said that it did.

        False means that an object is there. It can be our own, where an answer was lost: read it before deciding.

        Raises:
            TransientError: the store is away; the object may have been written nevertheless.
        """

        def call(client: Any) -> bool:
            client.put_object(Bucket=self.bucket, Key=key, Body=body, IfNoneMatch="*")
            return True

        for attempt in range(_CONFLICT_TRIES):
            try:
                return self._ask("PUT if absent", key, call)
            except _ExistsError:
                return False
            except _ConflictError:
                time.sleep(random.uniform(0.01, 0.05) * 2**attempt)  # noqa: S311
        raise self._away("PUT if absent", key, f"{_CONFLICT_TRIES} answers of 409, each a conflict with another writer")

    def list_from(self, prefix: str, start_after: str = "") -> list[str]:
        """Return the keys under a prefix in order, beginning behind ``start_after``."""

        return list(self.sizes(prefix, start_after))

    def sizes(self, prefix: str = "", start_after: str = "") -> dict[str, int]:
        """Return the keys under a prefix in order, beginning behind ``start_after``, and the bytes that each has."""

        def call(client: Any) -> dict[str, int]:
            pages = client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=prefix, StartAfter=start_after, PaginationConfig={"PageSize": _PAGE}
            )
            return {each["Key"]: int(each["Size"]) for page in pages for each in page.get("Contents", [])}

        return self._ask("LIST", prefix, call)

    def download(self, key: str, path: Path) -> tuple[int, str] | None:
        """Write an object into a file piece by piece, and return its size and SHA-256; none where there is none."""

        def call(client: Any) -> tuple[int, str]:
            total, size = hashlib.sha256(), 0
            body = client.get_object(Bucket=self.bucket, Key=key)["Body"]
            with path.open("wb") as file:
                for part in body.iter_chunks(_CHUNK):
                    total.update(part)
                    size += file.write(part)
            return size, total.hexdigest()

        return self._ask("GET", key, call, absent=None)

    def upload(self, key: str, path: Path) -> None:
        """Write a file as an object, in parts where it is large; nothing of it is held in memory as a whole."""

        def call(client: Any) -> None:
            with path.open("rb") as file:
                client.upload_fileobj(file, self.bucket, key, Config=TransferConfig(use_threads=False))

        self._ask("PUT", key, call)

    def exists(self, key: str) -> bool:
        """Return whether there is an object."""

        def call(client: Any) -> bool:
            client.head_object(Bucket=self.bucket, Key=key)
            return True

        return bool(self._ask("HEAD", key, call, absent=False))

    def delete(self, key: str) -> None:
        """Remove an object; it is no error where there is none."""
        self._ask("DELETE", key, lambda client: client.delete_object(Bucket=self.bucket, Key=key))

    def _ask(
        self, operation: str, key: str, call: Callable[[Any], _ANSWER], *, absent: Any = PermanentError
    ) -> _ANSWER:
        """Call the store, and translate what goes wrong into the house's errors."""
        config = settings()
        client = _client(self.endpoint, config.s3_access_key, config.s3_secret_key.get_secret_value(), config.s3_region)
        try:
            return call(client)
        except _AWAY as error:
            raise self._away(operation, key, str(error)) from error
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            code = error.response.get("Error", {}).get("Code", "")
            if status == 404 and code != "NoSuchBucket" and absent is not PermanentError:
                return absent
            if status in _CONDITIONAL:
                raise _CONDITIONAL[status] from error
            if status >= 500 or status == 429:
                raise self._away(operation, key, str(error)) from error
            if code == SKEWED:
                raise wrong_clock(f"{operation} s3://{self.bucket}/{key}") from error
            raise self._refused(operation, key, f"{status} {code}: {error}") from error
        except BotoCoreError as error:
            raise self._refused(operation, key, str(error)) from error

    def _away(self, operation: str, key: str, seen: str) -> TransientError:
        return TransientError(
            expected=f"an answer from S3 at {self.endpoint}",
            seen=seen,
            where=f"{operation} s3://{self.bucket}/{key}",
            next_step=f"{SEE_STORE}, then repeat the same step",
        )

    def _refused(self, operation: str, key: str, seen: str) -> PermanentError:
        return PermanentError(
            expected=f"S3 at {self.endpoint} to accept the call",
            seen=seen,
            where=f"{operation} s3://{self.bucket}/{key}",
            next_step=REFUSED_STEP,
        )


def wrong_clock(where: str) -> PermanentError:
    """Return the error of a call that S3 refuses for its time.

    It is not for a retry: the moment of that would be reckoned from the wrong clock.
    """
    host = socket.gethostname()
    return PermanentError(
        expected="a clock that is near S3's",
        seen=f"{SKEWED}: the clock of {host}, or of S3, is more than 15 minutes wrong",
        where=where,
        next_step=f"compare `date` on {host} and on S3's machine, set the wrong one, see that its time service runs, "
        "and clear the task",
    )


class _ExistsError(Exception):
    """412: there is an object already."""


class _ConflictError(Exception):
    """409: two conditional writes met; S3 asks to send it again."""


_CONDITIONAL: dict[int, type[Exception]] = {412: _ExistsError, 409: _ConflictError}


@cache
def _client(endpoint: str, access_key: str, secret_key: str, region: str) -> Any:
    """Return a client of a session of its own, for boto3's default session is not safe to share between threads."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        region_name=region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=3,
            read_timeout=10,
            retries={"mode": "standard", "total_max_attempts": 3},
            max_pool_connections=32,
        ),
    )


# A forked child must not share its parent's open connections.
os.register_at_fork(after_in_child=_client.cache_clear)
