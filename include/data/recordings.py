"""Fetch the recorded data that the use cases replay into a folder: for images whose containers reach no package index.

`python -m include.data.recordings FOLDER`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from include.settings import settings


def fetch() -> None:
    """Fetch what is not there yet, and make the tables that are kept of it."""
    from include.data import gefcom, journey
    from include.data.replay import credit_clients

    credit_clients()
    gefcom.loads()
    gefcom.temperatures()
    gefcom.holidays()
    journey.fetch()


def main(folder: Path) -> None:
    """Fetch into a folder, where no service is known yet."""
    nowhere = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_URI")
    os.environ.update(dict.fromkeys((*nowhere, "FLIGHTDECK_JOURNAL_KEY"), "none"))
    os.environ["FLIGHTDECK_CACHE_DIR"] = str(folder)
    settings.cache_clear()
    fetch()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
