"""Parts of a worker by themselves: the bucket, and what a process takes into its memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from include.serving.access import Bucket
from tests.served import CASE, KEY, ROOT, environment

ASKING = """
import sys
from pathlib import Path
import httpx
from include.serving.app import create_app
from include.use_cases.credit_risk import SPEC as CREDIT
from include.use_cases.load_forecast import SPEC as LOAD
from include.use_cases.recommender import SPEC as SHOP
from tests.asking import serving

with serving(create_app(Path(sys.argv[1]), [CREDIT, LOAD, SHOP])) as url:
    answer = httpx.post(f"{url}/v1/credit_risk/predict", content=sys.argv[3], headers={"Authorization": sys.argv[2]})
print(answer.json()["variant"], *sorted({each.partition(".")[0] for each in sys.modules}))
"""


def test_a_bucket_lets_its_burst_through_and_then_its_rate():
    bucket = Bucket(rate=10, burst=5, now=0)
    assert [bucket.take(0) for _ in range(5)] == [0] * 5
    assert bucket.take(0) == pytest.approx(0.1)
    assert bucket.take(0.05) == pytest.approx(0.05)
    assert bucket.take(0.11) == 0
    taken = sum(bucket.take(0.11 + second / 100) == 0 for second in range(1000))
    assert taken in (99, 100)
    assert [bucket.take(1000) for _ in range(5)] == [0] * 5
    assert bucket.take(1000) > 0


def test_a_worker_needs_no_library_that_models_are_trained_with(home):
    home.view(17, decides=home.model(3))
    done = subprocess.run(
        [sys.executable, "-c", ASKING, str(home.path), f"Bearer {KEY}", json.dumps(CASE)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    variant, *modules = done.stdout.split()
    assert variant == "champion"
    assert not {"mlflow", "sklearn", "pandas", "scipy", "skops", "airflow", "deltalake", "pyarrow"} & set(modules)
