"""Where the services are: read once from the environment, in one place.

The embedded platform and the many-machine deployment differ in these values alone.
"""

from __future__ import annotations

import datetime as dt
import os
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from include.errors import PermanentError
from include.scenario import CALM, ScenarioName


class Settings(BaseModel):
    """The addresses and secrets of one deployment."""

    model_config = ConfigDict(frozen=True)

    s3_endpoint: str = Field(description="URL of the S3 service, e.g. http://127.0.0.1:8333")
    s3_access_key: str = Field(description="S3 access key id")
    s3_secret_key: SecretStr = Field(description="S3 secret access key")
    s3_region: str = Field(default="us-east-1", description="S3 region; SeaweedFS takes any")
    bucket: str = Field(default="flightdeck", description="bucket of tables, journal and approvals")
    mlflow_url: str = Field(description="URL of the MLflow tracking server")
    mlflow_page_url: str = Field(default="", description="URL of MLflow's pages, where a browser needs another one")
    airflow_url: str = Field(default="", description="URL of Airflow's pages, for links in reports and messages")
    journal_key: SecretStr = Field(description="HMAC key that signs journal, approvals, access keys; never S3's")
    tenant: str = Field(default="main", description="whose use cases these are; first part of every path and name")
    replay_start: dt.date | None = Field(default=None, description="day on which replays go live, behind their history")
    scenario: ScenarioName = Field(default=CALM, description="what happens to the recordings that are replayed")
    scenario_from: dt.date = Field(default=dt.date.min, description="first day to which it happens")
    cache_dir: Path = Field(description="local folder for downloaded, checksummed data wheels")


_VARIABLES = {
    "s3_endpoint": "AWS_ENDPOINT_URL_S3",
    "s3_access_key": "AWS_ACCESS_KEY_ID",
    "s3_secret_key": "AWS_SECRET_ACCESS_KEY",
    "s3_region": "AWS_REGION",
    "bucket": "FLIGHTDECK_BUCKET",
    "mlflow_url": "MLFLOW_TRACKING_URI",
    "mlflow_page_url": "FLIGHTDECK_MLFLOW_URL",
    "airflow_url": "FLIGHTDECK_AIRFLOW_URL",
    "journal_key": "FLIGHTDECK_JOURNAL_KEY",
    "tenant": "FLIGHTDECK_TENANT",
    "replay_start": "FLIGHTDECK_REPLAY_START",
    "scenario": "FLIGHTDECK_SCENARIO",
    "scenario_from": "FLIGHTDECK_SCENARIO_FROM",
    "cache_dir": "FLIGHTDECK_CACHE_DIR",
}


@cache
def settings() -> Settings:
    """Return the deployment's settings from the environment.

    Raises:
        PermanentError: a variable without a default is not set; the sentence names all that are missing.
    """
    given = {field: os.environ[variable] for field, variable in _VARIABLES.items() if os.environ.get(variable)}
    missing = [
        _VARIABLES[name] for name, field in Settings.model_fields.items() if field.is_required() and name not in given
    ]
    if missing:
        raise PermanentError(
            expected="the environment to say where the services are",
            seen=f"no value for {', '.join(missing)}",
            where="settings",
            next_step="run inside the platform (`./flightdeck up`), or set the variables as docker-compose.yaml does",
        )
    return Settings.model_validate(given)
