"""What the supervisor takes over from the journal, and what it does not: real S3, MLflow and processes."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
import uuid

import numpy as np
import pandas as pd
import pytest

from include.data.objects import ObjectStore
from include.data.tables import Table
from include.deployment import controls, lists
from include.deployment.controls import Asked
from include.deployment.entries import KeyState, object_key
from include.deployment.journal import Journal
from include.deployment.lists import ItemRule
from include.deployment.promotion import mirror
from include.forecast_ops.rows import BANDS, FORECASTS
from include.models import tracking
from include.models.folders import digest_of_folder
from include.naming import DEFAULT_KEY, model_name
from include.serving import forecasts
from include.settings import settings
from include.use_cases.credit_risk import SPEC
from include.use_cases.load_forecast import SPEC as GRID
from tests.faults import FaultProxy
from tests.services.deployment.helpers import AT, change_to, ref, registered, said
from tests.services.serving.helpers import Service

KEY = DEFAULT_KEY
DAY = dt.date(2008, 1, 4)
SOON = 3.0  # seconds in which a change must have reached the workers' file


def promote(ref):
    journal = Journal(SPEC.name)
    entry = journal.append(change_to(ref), request_id=str(uuid.uuid4()), **said())
    mirror(SPEC, journal)
    return entry


def asked(why="a test"):
    return Asked(who="operator", why=why, request_id=str(uuid.uuid4()), at=AT)


def decides(service, ref):
    return lambda: (key := service.key()) is not None and key.decides == ref


def taken(service, condition):
    """Return how long it takes until a condition holds."""
    began = time.monotonic()
    service.until(condition, seconds=SOON)
    return time.monotonic() - began


def model_files(ref):
    """Return the paths below the bucket of a model's artifacts on S3."""
    return [each for each in ObjectStore("mlflow").list_from("") if ref.run_id in each and "/model/" in each]


def test_a_promotion_a_rollback_and_the_switch_are_followed_within_seconds(service):
    first, second = registered(), registered(fresh_rows=4000)
    promote(first)
    service.start()
    service.until(decides(service, first), seconds=20)
    folder = service.home / "models" / first.digest
    assert digest_of_folder(folder) == first.digest
    assert service.view().use_cases[SPEC.name].problem == ""

    entry = promote(second)
    taken(service, decides(service, second))
    assert service.key().sequence == service.view().use_cases[SPEC.name].sequence == entry.sequence

    promote(first)
    taken(service, decides(service, first))

    off = controls.switch(SPEC, [KEY], on=False, asked=asked("too many declines")).entry
    taken(service, lambda: not service.key().switch_on)
    assert (service.key().switch_reason, service.key().sequence) == ("too many declines", off.sequence)
    controls.switch(SPEC, [KEY], on=True, asked=asked())
    taken(service, lambda: service.key().switch_on)
    assert service.key().decides == first


def test_the_rules_about_items_come_whole_with_their_days(service):
    promote(ref := registered())
    service.start()
    service.until(decides(service, ref), seconds=20)
    rule = ItemRule(item="17", kind="block", until=dt.date(2026, 5, 9), who="operator", why="recalled", since=AT.date())
    controls.add_rules(SPEC, [KEY], [rule], asked=asked())
    taken(service, lambda: service.key().rules == (rule,))


def slow(*values):
    """Return parameters for the slow tests."""
    return [pytest.param(each, marks=pytest.mark.slow) for each in values]


@pytest.mark.parametrize("harm", ["swapped", *slow("truncated", "missing")])
def test_a_model_that_is_not_the_journals_is_not_taken_over_but_the_off_switch_is(service, harm):
    promote(first := registered())
    service.start()
    service.until(decides(service, first), seconds=20)
    second = registered(fresh_rows=4000)
    (weights,) = [each for each in model_files(second) if each.endswith("weights")]
    store = ObjectStore("mlflow")
    if harm == "missing":
        store.delete(weights)
    else:
        store.put(weights, b"another model" if harm == "swapped" else store.get(weights)[:-1])
    promote(second)
    service.until(lambda: f"v{second.version}" in service.problem() and "digest" in service.problem())
    before = service.key()
    assert before.decides == first
    assert not (service.home / "models" / second.digest).exists()
    assert service.view().use_cases[SPEC.name].sequence == 1

    off = controls.switch(SPEC, [KEY], on=False, asked=asked("look at it first")).entry
    taken(service, lambda: not service.key().switch_on)
    assert service.key() == before.model_copy(
        update={"switch_on": False, "switch_reason": "look at it first", "sequence": off.sequence}
    )
    controls.switch(SPEC, [KEY], on=True, asked=asked())
    time.sleep(SOON)
    assert not service.key().switch_on, "switched on with models that the journal does not name"

    promote(first)
    service.until(lambda: service.problem() == "" and service.key().switch_on)
    assert service.key().decides == first


@pytest.mark.parametrize("harm", ["truncated", *slow("swapped", "missing")])
def test_a_local_file_that_was_touched_is_brought_again(service, harm):
    promote(ref := registered())
    service.start()
    service.until(decides(service, ref), seconds=20)
    folder = service.home / "models" / ref.digest
    weights = next(folder.rglob("weights"))
    if harm == "missing":
        weights.unlink()
    else:
        weights.write_bytes(b"another" if harm == "swapped" else weights.read_bytes()[:-1])
    assert digest_of_folder(folder) != ref.digest
    service.until(lambda: folder.exists() and digest_of_folder(folder) == ref.digest)
    service.until(lambda: service.problem() == "")
    assert service.key().decides == ref


def test_a_list_that_is_not_the_journals_holds_the_state_before(service):
    promote(ref := registered())
    service.start()
    service.until(decides(service, ref), seconds=20)
    rule = ItemRule(item="17", kind="block", who="operator", why="recalled", since=AT.date())
    named = lists.store(SPEC.name, lists.ItemLists(rules=(rule,)))
    path = f"lists/{settings().tenant}/{SPEC.name}/{named}.json"
    ObjectStore().put(path, ObjectStore().get(path).replace(b"17", b"18"))
    journal = Journal(SPEC.name)
    journal.append(
        lambda state: state.with_key(KEY, state.of(KEY).model_copy(update={"lists": named})),
        request_id=str(uuid.uuid4()), **said(action="block"),
    )  # fmt: skip
    service.until(lambda: "lists of items" in service.problem())
    assert (service.key().rules, service.key().sequence) == ((), 1)


def test_an_entry_that_was_edited_is_not_followed(service):
    promote(first := registered())
    second = registered(fresh_rows=4000)
    service.start()
    service.until(decides(service, first), seconds=20)
    service.end()
    journal = Journal(SPEC.name)
    entry = journal.append(change_to(second), request_id=str(uuid.uuid4()), **said())
    path = object_key(journal.prefix, entry.sequence)
    body = ObjectStore().get(path)
    ObjectStore().put(path, body.replace(b"reviewer", b"somebody"))
    service.start()
    service.until(lambda: "signature" in service.problem(), seconds=20)
    assert service.key().decides == first
    ObjectStore().put(path, body)
    service.until(decides(service, second))
    service.until(lambda: service.problem() == "")


@pytest.mark.slow
def test_entries_that_were_cut_off_do_not_bring_the_state_before_back(service):
    promote(first := registered())
    promote(second := registered(fresh_rows=4000))
    service.start()
    service.until(decides(service, second), seconds=20)
    service.end()
    journal = Journal(SPEC.name)
    ObjectStore().delete(object_key(journal.prefix, 2))
    service.start(MLFLOW_TRACKING_URI="http://127.0.0.1:1")  # so that no anchor tells of it
    service.until(lambda: "cut off" in service.problem(), seconds=30)
    assert service.key().decides == second
    service.end()
    shutil.rmtree(service.home)  # nor does the service's own memory now, but the anchor
    service.start()
    service.until(lambda: "cut off" in service.problem(), seconds=20)
    assert service.key() is None
    assert first != second


@pytest.mark.slow
def test_s3_that_is_away_keeps_the_last_view_and_says_so_also_after_a_restart(service):
    promote(first := registered())
    with FaultProxy(settings().s3_endpoint) as proxy:
        service.start(AWS_ENDPOINT_URL_S3=proxy.url)
        service.until(decides(service, first), seconds=20)
        service.until(lambda: service.view().confirmed_at is not None)
        for mode in ("down", "blackhole"):
            proxy.mode = mode
            proxy.reset()
            service.until(lambda: service.problem() != "", seconds=20)
            confirmed = service.view().confirmed_at
            written = service.view().written_at
            service.until(lambda before=written: service.view().written_at > before + dt.timedelta(seconds=2))
            assert service.view().confirmed_at == confirmed
            assert service.key().decides == first
            assert service.pids()

            service.end()
            service.start(AWS_ENDPOINT_URL_S3=proxy.url)
            service.until(service.pids)
            service.until(lambda before=written: service.view().written_at > before + dt.timedelta(seconds=4))
            service.until(lambda: service.problem() != "", seconds=20)
            assert service.key().decides == first
            assert service.view().confirmed_at == confirmed

            proxy.mode = "ok"
            service.until(lambda before=confirmed: service.view().confirmed_at > before, seconds=40)
            service.until(lambda: service.problem() == "")


@pytest.mark.slow
def test_mlflow_that_is_away_at_the_start_leaves_the_models_at_hand_in_service(service):
    promote(first := registered())
    second = registered(fresh_rows=4000)
    third = registered(fresh_rows=3000)
    promote(second)
    promote(first)  # `second` is at hand as the one before
    service.start()
    service.until(decides(service, first), seconds=20)
    promote(second)
    service.until(decides(service, second))
    service.end()
    with FaultProxy(tracking.settings().mlflow_url) as proxy:
        proxy.mode = "down"
        service.start(MLFLOW_TRACKING_URI=proxy.url)
        service.until(lambda: "anchor" in service.problem(), seconds=30)
        promote(first)
        taken(service, decides(service, first))
        confirmed = service.view().confirmed_at
        promote(third)
        service.until(lambda: f"v{third.version}" in service.problem())
        assert service.key().decides == first
        controls.switch(SPEC, [KEY], on=False, asked=asked("no registry"))
        taken(service, lambda: not service.key().switch_on)
        assert service.view().confirmed_at == confirmed
        proxy.mode = "ok"
        controls.switch(SPEC, [KEY], on=True, asked=asked())
        service.until(decides(service, third), seconds=30)
        service.until(lambda: service.problem() == "" and service.key().switch_on)


def test_half_a_view_from_a_loss_of_power_does_not_stop_the_next_start(service):
    promote(ref := registered())
    service.home.mkdir(parents=True)
    (service.home / "view.json").write_text('{"written_at": "2026-')
    (service.home / "models" / ".half").mkdir(parents=True)
    service.start()
    service.until(lambda: "cannot be read" in service.log.read_text(), seconds=20)
    service.until(lambda: (service.home / "workers.json").exists() and decides(service, ref)(), seconds=20)
    assert not (service.home / "models" / ".half").exists()
    assert os.stat(service.home / "view.json").st_mode & 0o077 == 0


def test_an_issued_forecast_is_handed_on_and_its_models_are_not_brought(tmp_path, stack):
    service = Service(tmp_path, serves=(GRID.name,))
    journal = Journal(GRID.name)
    model = ref(3, name=model_name(GRID.name, "7"))
    journal.append(lambda state: state.with_key("7", KeyState(champion=model)), request_id=str(uuid.uuid4()), **said())
    issue(DAY, load=1000.0)
    try:
        service.start()
        service.until(lambda: (found := forecasts.read(service.home, GRID.name)) and found.as_of == DAY, seconds=20)
        service.until(lambda: service.key(GRID.name, "7"))
        assert service.key(GRID.name, "7").decides == model
        assert service.problem(GRID.name) == ""
        assert list((service.home / "models").iterdir()) == []
        issue(DAY, load=2000.0)  # the same gate closure anew
        hours = lambda: forecasts.read(service.home, GRID.name).series["7"].days[DAY + dt.timedelta(days=1)]  # noqa: E731
        service.until(lambda: hours()[0].load_kw == 2000.0)
        assert hours()[0].bands["q10"] is None
    finally:
        service.close()


def issue(day, *, load):
    """Write two hours of one series as the forecast DAG does."""
    start = pd.Timestamp(day + dt.timedelta(days=1), tz="UTC")
    rows = pd.DataFrame(
        {
            "day": day, "series": "7", "time": [start, start + pd.Timedelta(hours=1)], "load_kw": load,
            **dict.fromkeys(BANDS, np.nan), "family": "ridge", "model_version": 3, "fallback": "", "filled_hours": 0,
            "sequence": 1,
        }
    ).astype({"time": "datetime64[us, UTC]"})  # fmt: skip
    Table(GRID.name, FORECASTS).update(day, day, lambda present: rows, run="a test")
