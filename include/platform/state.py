"""What the embedded platform remembers: ports, secrets, the replay's first day, and what it has started."""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import secrets
from pathlib import Path
from typing import Self

from pydantic import BaseModel, Field

from include.scenario import CALM, ScenarioName

FIRST_PORT = 28080
NAMES = ("airflow", "mlflow", "s3", "s3.grpc", "master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc",
         "admin", "admin.grpc", "worker_logs", "trigger_logs", "scheduler_health", "serving")  # fmt: skip
# The accounts of every platform, with the nearest role of SimpleAuthManager; what each may do on many machines says
# plugins.access.roles.
USERS = {"admin": "ADMIN", "operator": "OP", "engineer": "OP", "reviewer": "USER", "auditor": "VIEWER"}


class Started(BaseModel):
    """A process by its id and the moment it began, so that a reused id is never taken for it."""

    pid: int
    began: int = Field(description="start time in clock ticks since boot, from /proc")


class State(BaseModel):
    """The content of ``state.json``; readable by its owner alone."""

    first_port: int = FIRST_PORT
    replay_start: dt.date = Field(description="the day of the first start; recorded history lies before it")
    scenario: ScenarioName = Field(default=CALM, description="what happens to the recordings that it replays")
    scenario_from: dt.date = Field(default=dt.date.min, description="first day to which it happens")
    secrets: dict[str, str]
    passwords: dict[str, str]
    started: dict[str, Started] = Field(default_factory=dict)

    @property
    def ports(self) -> dict[str, int]:
        """Return each service's port."""
        return {name: self.first_port + place for place, name in enumerate(NAMES)}


class Home:
    """The folder of one embedded platform."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "state.json"

    def load(self) -> State | None:
        """Return what is remembered, none on a new machine."""
        return State.model_validate_json(self.file.read_text()) if self.file.exists() else None

    def load_or_make(self, *, today: dt.date) -> State:
        """Return what is remembered, or new ports, secrets and a replay that goes live today.

        An account that came with a newer version gets its password here; Airflow would make one and print it.
        """
        passwords = {user: secrets.token_urlsafe(12) for user in USERS}
        if found := self.load():
            return found.model_copy(update={"passwords": {**passwords, **found.passwords}})
        return State(
            replay_start=today,
            secrets={
                "s3_access": secrets.token_hex(8),
                "s3_secret": secrets.token_urlsafe(32),
                "journal": secrets.token_urlsafe(48),
                "jwt": secrets.token_urlsafe(64),
                "api": secrets.token_urlsafe(32),
                "fernet": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            },
            passwords=passwords,
        )

    def save(self, state: State) -> Self:
        """Write the state so that it is whole or not there, and nobody else can read it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        private_file(self.file, state.model_dump_json(indent=1))
        private_file(self.folder / "passwords.json", json.dumps(state.passwords))
        return self


def private_file(path: Path, text: str) -> None:
    """Write a file with mode 600, in one step."""
    fresh = path.with_suffix(".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    os.replace(fresh, path)
