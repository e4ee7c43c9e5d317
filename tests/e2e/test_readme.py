"""What the README tells a newcomer to type works as it stands there."""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess

import pytest

from include.platform.components import urls
from include.platform.nights import replay_nights
from include.platform.replay import replay
from include.serving import keys
from include.use_cases.load_forecast import SPEC as LOAD_FORECAST
from include.use_cases.recommender import SPEC as RECOMMENDER
from tests.platform_fixtures import ROOT, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
SECTION = re.compile(r"## Ask the models\n.*?```\n(.*?)```", re.DOTALL)
SHIPPED_PORT = "127.0.0.1:28095"


@pytest.fixture(scope="module")
def three_live(platform, life):
    """Have a champion of each use case, as `up` and the README's two commands do."""
    replay_nights(platform, RECOMMENDER, nights=1)
    replay(platform, LOAD_FORECAST, days=1)


@pytest.fixture(scope="module")
def said(three_live, platform):
    """Give the answers to the README's requests, sent by curl as they are written but for the port."""
    section = SECTION.search((ROOT / "README.md").read_text())[1]
    scopes = re.findall(r"--scope (\w+)", section)
    key, _ = keys.create(scopes, rate=100, burst=200, who="operator", at=dt.datetime.now(dt.UTC))
    requests = section[section.index("curl") :].strip().split("\n\n")
    host = urls(platform.state)["serving"].removeprefix("http://")

    def ask():
        answers = []
        for each in requests:
            done = subprocess.run(
                ["bash", "-c", each.replace(SHIPPED_PORT, host)],
                env={"KEY": key, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
            )  # fmt: skip
            answers.append(json.loads(done.stdout))
        return answers if all("error" not in answer for answer in answers) else None

    return until(ask, seconds=60)


def test_every_use_case_answers_by_its_champion(said):
    credit, recommended, load = said
    assert credit["decision"] in ("accept", "review", "decline")
    assert 0 < credit["score"] < 1
    assert credit["variant"] == recommended["variant"] == "champion"
    assert len(recommended["items"]) == 5
    assert load["use_case"] == "load_forecast"
    assert len(load["hours"]) == 24
