"""What the workers of the scoring service know: one local file, written whole by the supervisor and by nobody else.

A worker asks no network about anything, so a store that is away costs no request a millisecond. The file says what is
live by journal and key, whose access keys are valid, and since when the supervisor could not renew it.
"""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from pydantic import Field

from include.deployment.lists import ItemRule
from include.records import ModelRef, Record

FILE = "view.json"


class AccessKey(Record):
    """One key to the service, as it is kept: the key itself is known to its holder alone."""

    id: str = Field(description="public part; names the key in logs and when it is revoked")
    sha256: str = Field(description="SHA-256 of the whole key")
    scopes: tuple[str, ...] = Field(description="use cases that it opens")
    rate: float = Field(gt=0, description="requests a second that it may make for long")
    burst: int = Field(gt=0, description="requests that it may make at once")
    expires_at: dt.datetime | None = None


class ViewOfKey(Record):
    """What is live for one key (a zone, a market) of a use case."""

    sequence: int = Field(default=0, description="journal sequence whose state this is; answers and log carry it")
    decides: ModelRef | None = Field(description="the pinned version, else the champion")
    challenger: ModelRef | None = None
    shadow: ModelRef | None = None
    fallback: ModelRef | None = None
    canary_weight: float = 0.0
    salt: str = ""
    switch_on: bool = True
    switch_reason: str = ""
    rules: tuple[ItemRule, ...] = Field(default=(), description="all rules about items; the day decides which hold")


class ViewOfUseCase(Record):
    """One use case, as its journal says."""

    sequence: int = Field(description="sequence that all keys have reached; 0 where there is no entry yet")
    keys: dict[str, ViewOfKey] = Field(default_factory=dict)
    today: dt.date | None = Field(
        default=None, description="business day of a recording, by which rules about items hold; none: the clock's"
    )
    problem: str = Field(default="", description="why the newest state could not be taken over; the one before holds")


class View(Record):
    """All that the workers serve by."""

    written_at: dt.datetime
    confirmed_at: dt.datetime | None = Field(description="when all journals were last read without a problem")
    use_cases: dict[str, ViewOfUseCase] = Field(default_factory=dict)
    access: tuple[AccessKey, ...] = ()
    problem: str = Field(default="", description="what is wrong beside the journals: access keys, shipping, disk")

    def write(self, home: Path) -> None:
        """Put the view in the place of the one before, whole or not at all."""
        new = home / f".{FILE}.{os.getpid()}"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self.model_dump_json())
        os.replace(new, home / FILE)


def read_view(home: Path) -> View | None:
    """Return the view of a service's home, none where none was written yet."""
    try:
        return View.model_validate_json((home / FILE).read_text())
    except FileNotFoundError:
        return None
