"""What an image carries of the recorded data: all that any use case reads, for no index may be in reach."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
READ = """
import datetime as dt
from include.data import journey
from include.use_cases import credit_risk, load_forecast, recommender

days = {credit_risk: dt.date(2026, 1, 1), load_forecast: dt.date(2008, 1, 1), recommender: dt.date(2017, 12, 1)}
for module, day in days.items():
    module.fetch(module.SPEC, day)
assert recommender.campaigns(dt.date(2017, 12, 1))
assert len(journey.products()) and len(journey.demographics()) and len(journey.redemptions())
"""


@pytest.mark.slow
def test_all_that_a_use_case_reads_is_there_where_no_index_is(tmp_path):
    nowhere = ("AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "MLFLOW_TRACKING_URI")
    unused = dict.fromkeys((*nowhere, "FLIGHTDECK_JOURNAL_KEY"), "none")
    ran("-m", "include.data.recordings", str(tmp_path))
    ran(
        "-c", READ, **unused, PIP_NO_INDEX="1", FLIGHTDECK_CACHE_DIR=str(tmp_path), FLIGHTDECK_REPLAY_START="2026-01-01"
    )


def ran(*arguments, **more):
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env={**os.environ, **more}, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
