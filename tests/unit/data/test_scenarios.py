"""What a scenario does to a day: the same each time, only what it says, and rows that the contract still takes."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.data import scenarios
from include.data.contracts import check, whole
from include.data.ingest import row_columns
from include.data.sources import Batch, fetch, fetch_datasets
from include.errors import PermanentError
from include.platform.components import service_env
from include.platform.state import State
from include.scenario import CALM, SCENARIOS
from include.settings import settings
from include.use_cases.credit_risk import SPEC as CREDIT
from tests import small_grid, small_shop

DAY = dt.date(2026, 3, 2)
CHANGES = [name for name in SCENARIOS if name != CALM]
CLIENTS = 4000
GRID = small_grid.SPEC.model_copy(
    update={"source": small_grid.SPEC.source.model_copy(update={"scenarios": "include.data.scenarios:grid"})}
)
SHOP = small_shop.SPEC.model_copy(
    update={"source": small_shop.SPEC.source.model_copy(update={"scenarios": "include.data.scenarios:shop"})}
)


def clients():
    lots = np.random.default_rng(5)
    rows = {column.name: lots.integers(0, 2, CLIENTS) for column in CREDIT.contract.columns}
    rows |= {name: lots.integers(-2, 3, CLIENTS) for name in CREDIT.gates.raises_risk}
    rows |= {f"BILL_AMT{month}": lots.uniform(0, 1e5, CLIENTS) for month in range(1, 7)}
    rows |= {f"PAY_AMT{month}": lots.uniform(0, 1e4, CLIENTS) for month in range(1, 7)}
    rows |= {"ID": np.arange(1, CLIENTS + 1), "AGE": lots.integers(20, 70, CLIENTS)}
    rows |= {"EDUCATION": lots.integers(1, 4, CLIENTS), "LIMIT_BAL": lots.uniform(1e4, 2e5, CLIENTS)}
    every = pd.DataFrame(rows)
    return Batch(rows=every[row_columns(CREDIT)], truth=every[["ID", "default"]].assign(day=DAY))


@pytest.fixture
def load():
    return small_grid.fetch(small_grid.SPEC, small_grid.START)


@pytest.fixture
def sold():
    return small_shop.fetch(small_shop.SPEC, small_shop.START)


@pytest.mark.parametrize("scenario", CHANGES)
def test_a_day_of_clients_is_the_same_again_and_keeps_its_contract(scenario):
    first, again = (scenarios.credit(CREDIT, scenario, DAY, clients()) for _ in range(2))
    pd.testing.assert_frame_equal(first.rows, again.rows)
    pd.testing.assert_frame_equal(first.truth, again.truth)
    columns = row_columns(CREDIT)
    rows = whole(CREDIT.contract, first.rows, columns=columns, where="test")
    checked = check(CREDIT.contract, rows, columns=columns, days=pd.Series(DAY, index=rows.index), where="test")
    assert len(checked.broken) == 0
    assert first.rows["ID"].tolist() == first.truth["ID"].tolist()
    assert set(first.rows["ID"]) <= set(clients().rows["ID"])


def test_in_a_drift_who_falls_late_fails_as_such_clients_do():
    before, now = clients(), scenarios.credit(CREDIT, "drift", DAY, clients())
    assert now.rows["BILL_AMT3"].sum() == pytest.approx(1.3 * before.rows["BILL_AMT3"].sum())
    fell = (before.rows["PAY_0"] <= 0) & (now.rows["PAY_0"] == 2)
    assert fell.sum() == pytest.approx(0.2 * (before.rows["PAY_0"] <= 0).sum(), rel=0.1)
    assert now.truth["default"][~fell].tolist() == before.truth["default"][~fell].tolist()
    would_pay = fell & (before.truth["default"] == 0)
    assert now.truth["default"][would_pay].mean() == pytest.approx(0.64, abs=0.06)


def test_a_unit_is_taken_for_another_in_one_column_alone():
    before, now = clients(), scenarios.credit(CREDIT, "data-fault", DAY, clients())
    pd.testing.assert_series_equal(now.rows["LIMIT_BAL"] * 1000, before.rows["LIMIT_BAL"])
    pd.testing.assert_frame_equal(now.rows.drop(columns="LIMIT_BAL"), before.rows.drop(columns="LIMIT_BAL"))
    pd.testing.assert_frame_equal(now.truth, before.truth)


def test_another_mix_of_clients_leaves_each_of_them_as_it_was():
    before, now = clients(), scenarios.credit(CREDIT, "selection-bias", DAY, clients())
    left = now.rows["EDUCATION"].value_counts() / before.rows["EDUCATION"].value_counts()
    assert left[1] == pytest.approx(0.2, abs=0.05)
    assert left[[2, 3]].tolist() == [1, 1]
    same = before.rows.set_index("ID").loc[now.rows["ID"]].reset_index()[list(now.rows)]
    pd.testing.assert_frame_equal(same, now.rows)


def test_a_concept_changes_and_no_input_does():
    before, now = clients(), scenarios.credit(CREDIT, "concept-change", DAY, clients())
    pd.testing.assert_frame_equal(now.rows, before.rows)
    late = before.rows["PAY_0"] > 0
    deep = ~late & (before.rows["BILL_AMT1"] > 0.5 * before.rows["LIMIT_BAL"])
    rates = [now.truth["default"][who].mean() / before.truth["default"][who].mean() for who in (late, deep)]
    assert rates == [pytest.approx(0.5, abs=0.06), pytest.approx(1.4, abs=0.1)]
    others = ~late & ~deep
    assert now.truth["default"][others].tolist() == before.truth["default"][others].tolist()


@pytest.mark.parametrize(
    ("scenario", "ratios"),
    [("drift", [1, 1, 1.6]), ("selection-bias", [0.6, None, 1]), ("data-fault", [1, 1, None])],
)
def test_zones_change_as_the_scenario_says(load, scenario, ratios):
    now = scenarios.grid(small_grid.SPEC, scenario, small_grid.START, load)
    ratio = now["load"].groupby("zone")["load_kw"].sum() / load["load"].groupby("zone")["load_kw"].sum()
    for seen, expected in zip(ratio, ratios, strict=True):
        assert expected is None or seen == pytest.approx(expected, rel=1e-9)
    spread = now["load"].groupby("zone")["load_kw"].nunique()
    assert spread.tolist() == [24, 24, 1 if scenario == "data-fault" else 24]
    pd.testing.assert_frame_equal(now["load"].drop(columns="load_kw"), load["load"].drop(columns="load_kw"))
    assert now["temperature"] is load["temperature"]
    assert now["weather"] is load["weather"]


def test_switched_lines_leave_the_total_as_it_is(load):
    now = scenarios.grid(small_grid.SPEC, "selection-bias", small_grid.START, load)
    totals = [frames["load"].groupby("time")["load_kw"].sum() for frames in (now, load)]
    np.testing.assert_allclose(totals[0], totals[1])


def test_electric_heating_adds_the_more_the_further_it_is_from_mild(load):
    now = scenarios.grid(small_grid.SPEC, "concept-change", small_grid.START, load)
    degrees = load["load"]["time"].map(load["temperature"].groupby("time")["temperature_f"].mean())
    added = now["load"]["load_kw"] / load["load"]["load_kw"] - 1
    np.testing.assert_allclose(added, 0.02 * (degrees - 65).abs())


def test_a_shop_sells_other_goods_at_other_prices(sold):
    now, before = scenarios.shop(SHOP, "drift", small_shop.START, sold)["purchases"], sold["purchases"]
    assert now["sales"].unique().tolist() == pytest.approx([2.5 * 1.3])
    assert before["product"].nunique() - now["product"].nunique() >= 20
    assert set(now["product"]) <= set(small_shop.products()["product"])
    assert not now.duplicated(["household", "basket", "product"]).any()


def test_a_shop_sends_everything_twice_under_other_numbers(sold):
    now = scenarios.shop(SHOP, "data-fault", small_shop.START, sold)["purchases"]
    assert len(now) == 2 * len(sold["purchases"])
    assert not now.duplicated(["household", "basket", "product"]).any()


def test_fewer_households_come_to_one_group_of_stores(sold):
    now, before = scenarios.shop(SHOP, "selection-bias", small_shop.START, sold)["purchases"], sold["purchases"]
    left = now.groupby("store")["household"].nunique() / before.groupby("store")["household"].nunique()
    assert left[2] == 1
    assert left[1] == pytest.approx(1 / 3, abs=0.1)


def test_households_exchange_what_they_like_in_pairs(sold):
    now, before = scenarios.shop(SHOP, "concept-change", small_shop.START, sold)["purchases"], sold["purchases"]
    assert ((now["household"] + 1) // 2).tolist() == ((before["household"] + 1) // 2).tolist()
    assert (now["household"] != before["household"]).all()
    pd.testing.assert_frame_equal(now.drop(columns="household"), before.drop(columns="household"))


@pytest.fixture
def deployed(monkeypatch, tmp_path):
    """Give a function that sets the scenario of the deployment, as a platform does for its processes."""

    def deploy(**fields):
        secrets = dict.fromkeys(("s3_access", "s3_secret", "journal"), "not used here")
        state = State(replay_start=DAY, secrets=secrets, passwords={}, **fields)
        for name, value in service_env(state, tmp_path).items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield deploy
    monkeypatch.undo()
    settings.cache_clear()


def test_a_scenario_begins_on_its_day_and_not_before(deployed):
    day, before = small_grid.START, small_grid.START - dt.timedelta(days=1)
    deployed(scenario="drift", scenario_from=day)
    for each, changed in ((before, False), (day, True)):
        recorded, given = (
            frame["load"]["load_kw"] for frame in (small_grid.fetch(GRID, each), fetch_datasets(GRID, each))
        )
        assert given.equals(recorded) != changed


def test_a_platform_that_replays_nothing_in_particular_changes_nothing(deployed):
    deployed()
    assert fetch_datasets(GRID, small_grid.START)["load"].equals(small_grid.fetch(GRID, small_grid.START)["load"])


def test_a_source_without_scenarios_is_named(deployed):
    deployed(scenario="drift", scenario_from=small_grid.START)
    with pytest.raises(PermanentError, match="no 'scenarios' in the spec's source"):
        fetch_datasets(small_grid.SPEC, small_grid.START)


def test_a_batch_of_clients_passes_the_same_place(deployed):
    from tests.second_use_case.tumours import SPEC as TUMOURS

    deployed(scenario="drift", scenario_from=DAY)
    with pytest.raises(PermanentError, match="no 'scenarios' in the spec's source"):
        fetch(TUMOURS, DAY)
