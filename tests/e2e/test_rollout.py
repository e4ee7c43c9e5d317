"""A new model takes real requests over in a real Airflow: shadow, 10 %, 50 %, all; or back, where it does harm."""

from __future__ import annotations

import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import httpx
import pytest

from include.data.tables import Table
from include.deployment.assignment import variant_of
from include.deployment.journal import Journal
from include.naming import DEFAULT_KEY
from include.platform.components import urls
from include.platform.life import live, woken
from include.serving import keys
from tests.e2e.use_cases.careful import SPEC
from tests.platform_fixtures import finished, until
from tests.second_use_case.tumours import MEASURES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
ROLLOUT = "careful_rollout"
TYPICAL = dict(zip(MEASURES, (14.0, 19.0, 0.1, 0.08, 0.18, 880.0), strict=True))
_UNITS = count(1)


def state():
    return Journal(SPEC.name).state().of(DEFAULT_KEY)


@pytest.fixture(scope="module")
def ask(platform):
    """Give a function that sends a case to the service, and returns its answer."""
    key, _ = keys.create([SPEC.name], rate=1e5, burst=10**5, who="operator", at=dt.datetime.now(dt.UTC))
    url = f"{urls(platform.state)['serving']}/v1/{SPEC.name}/predict"
    client = httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=20)

    def send(unit, **values):
        answer = client.post(url, json={"biopsy": unit, **TYPICAL, **values})
        return answer.json() if answer.status_code == 200 else None

    until(lambda: send(0), seconds=60)
    yield send
    client.close()


@pytest.fixture(scope="module")
def first(platform):
    """Give the first champion, and the day of its training."""
    life = live(platform, SPEC, approve_as="reviewer", ask=False)
    run = platform.airflow().run(f"{SPEC.name}_deploy", life.runs[f"{SPEC.name}_deploy"])
    return state().champion, run["partition_key"]


def begun(platform, day):
    """Train a candidate, reject it for the deploy DAG, and start its rollout with the reviewer's approval."""
    airflow, since = platform.airflow("operator"), dt.datetime.now(dt.UTC)
    airflow.trigger(f"{SPEC.name}_retraining", partition_key=day, conf={"reason": "a rollout"})
    deploy = woken(airflow, f"{SPEC.name}_deploy", dt.date.fromisoformat(day), since)
    answered(platform, f"{SPEC.name}_deploy", deploy, "Reject")
    assert finished(airflow, f"{SPEC.name}_deploy", deploy) == "success"
    run_id = airflow.trigger(ROLLOUT, partition_key=day)
    answered(platform, ROLLOUT, run_id, "Approve")
    return run_id


def answered(platform, dag_id, run_id, choice):
    airflow = platform.airflow()
    until(lambda: airflow.task(dag_id, run_id, "approve")["state"] == "awaiting_input")
    platform.airflow("reviewer").answer(
        dag_id, run_id, "approve", choice, comment="a test", override="", unattended=True
    )


def traffic(ask, condition, *, spoil=lambda unit: {}):
    """Send cases until something is true."""
    with ThreadPoolExecutor(4) as senders:

        def batch():
            units = [next(_UNITS) for _ in range(100)]
            list(senders.map(lambda unit: ask(unit, **spoil(unit)), units))
            return condition()

        return until(batch, seconds=400, every=1)


def test_a_model_goes_from_the_shadow_over_shares_to_the_champions_place(platform, first, ask):
    old, day = first
    run_id = begun(platform, day)
    airflow = platform.airflow()

    traffic(ask, lambda: airflow.run(ROLLOUT, run_id)["state"] in ("success", "failed"))

    assert airflow.run(ROLLOUT, run_id)["state"] == "success", airflow.failure(ROLLOUT, run_id)
    made = [(entry.action, entry.state.of(DEFAULT_KEY).canary_weight) for entry in Journal(SPEC.name).entries()]
    assert made == [("promote", 0), ("shadow", 0), ("split", 0.1), ("split", 0.5), ("promote", 0)]
    assert state().champion != old
    assert state().previous == old
    until(lambda: (said := ask(next(_UNITS))) and said["model_version"] == state().champion.version, seconds=20)


def test_every_request_in_the_log_has_the_variant_that_its_hash_says(platform, first, ask):
    rows = Table(SPEC.name, "requests").read()
    entries = {entry.sequence: entry.state.of(DEFAULT_KEY) for entry in Journal(SPEC.name).entries()}
    assert rows["request_id"].is_unique
    assert {"champion", "challenger", "shadow"} <= set(rows["variant"])
    for row in rows.loc[rows["variant"].isin(["champion", "challenger"])].itertuples():
        now = entries[row.sequence]
        wanted = variant_of(row.unit, salt=now.salt, use_case=SPEC.name, key=row.key, weight=now.canary_weight)
        assert row.variant == wanted, row
        model = now.challenger if wanted == "challenger" else now.champion
        assert row.model_version == model.version, row
    shadowed = rows.loc[rows["variant"] == "shadow"]
    assert json.loads(shadowed.iloc[0]["shadow"])["variant"] == "champion"


def test_a_broken_guardrail_gives_all_requests_back_and_tells_the_on_call(platform, first, ask):
    before, day = state().champion, first[1]
    run_id = begun(platform, day)
    airflow = platform.airflow()

    def spoil(unit):
        """Let the challenger's cases be the ones with strange values."""
        now = state()
        side = variant_of(str(unit), salt=now.salt, use_case=SPEC.name, key=DEFAULT_KEY, weight=now.canary_weight)
        return {"worst_area": 99_999.0} if now.canary_weight and side == "challenger" else {}

    traffic(ask, lambda: airflow.run(ROLLOUT, run_id)["state"] in ("success", "failed"), spoil=spoil)

    assert airflow.run(ROLLOUT, run_id)["state"] == "failed"
    said = airflow.failure(ROLLOUT, run_id)
    assert "expected no guardrail to break, but saw broken" in said
    assert "flagged: broken" in said
    head = Journal(SPEC.name).head()
    assert head.action == "abort"
    assert (state().champion, state().challenger, state().canary_weight) == (before, None, 0)
    assert airflow.task(ROLLOUT, run_id, "promote")["state"] == "upstream_failed"
    until(lambda: (said := ask(next(_UNITS))) and said["variant"] == "champion", seconds=20)
