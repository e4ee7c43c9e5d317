"""A recorded day's delivery as it would come in a scenario, for replays that show what the loop does about it.

Pure, and the same again for the same day: lots are drawn by the spec's seed and the day. Where inputs move, the outcome
follows as the recording has it, so that a drift is no hidden change of the relation.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd

from include.catalog import resolve
from include.data.sources import Batch
from include.recommendation import Recommendation
from include.scenario import ScenarioName
from include.spec import UseCase

Frames = Mapping[str, pd.DataFrame]

_LATE = 2  # months of delay that most clients have who are late at all
_DEFAULT_RATE = {"paid duly": 0.14, "two months late": 0.69}  # in the recording, by PAY_0
_FALL_LATE, _BILLS, _PAYMENTS = 0.2, 1.3, 0.6
_GRADUATES_LEFT, _THOUSAND = 0.2, 1000
_NEAR_LIMIT, _NOW_DEFAULT, _NOW_PAY = 0.5, 0.4, 0.5
_CONSUMER, _SWITCHED, _PER_DEGREE, _MILD = 1.6, 0.4, 0.02, 65.0
_STUCK_KW = 190_000.0  # about what the zone takes in the mean
_PRICES, _DELISTED, _STAY_AWAY = 1.3, 3, 3
_AGAIN = 10**12  # above every recorded basket


def credit(spec: UseCase, scenario: ScenarioName, day: dt.date, batch: Batch) -> Batch:
    """Return a day of card clients as it would come in a scenario.

    - drift: bills are 1.3 times as high and payments 0.6 times; of those who paid duly a fifth is two months late, and
      fails to pay as often as such clients do in the recording.
    - data-fault: limits come in thousands.
    - selection-bias: of five clients with graduate school four stay away; the others are as before.
    - concept-change: who paid duly, but owes more than half of the limit, now fails in four of ten cases more; of those
      late who would have failed half pay.
    """
    lots = np.random.default_rng([spec.seed, day.toordinal()])
    change = {"drift": _harder_times, "data-fault": _in_thousands, "selection-bias": _fewer_graduates,
              "concept-change": _other_debtors}[scenario]  # fmt: skip
    return change(batch, lots)


def grid(spec: UseCase, scenario: ScenarioName, day: dt.date, frames: Frames) -> Frames:
    """Return a day of a grid's readings as it would come in a scenario; temperatures and forecasts are as recorded.

    - drift: every third zone has new consumers, and takes 1.6 times its load.
    - data-fault: the meter of zone 3 is stuck, and sends the same reading every hour.
    - selection-bias: lines are switched: 0.4 of what zones 1, 4, 7, … supplied is supplied by the zone behind them. The
      total is as before, and nobody consumes otherwise.
    - concept-change: heating and cooling run on electricity: each degree Fahrenheit away from 65 adds 2 % to a load.
    """
    change = {"drift": _new_consumers, "data-fault": _stuck_meter, "selection-bias": _switched_lines,
              "concept-change": _electric_heating}[scenario]  # fmt: skip
    return {**frames, "load": change(frames)}


def shop(spec: Recommendation, scenario: ScenarioName, day: dt.date, frames: Frames) -> Frames:
    """Return a day of a shop's purchases as it would come in a scenario.

    - drift: prices are 1.3 times as high, and every third product has gone: its buyers take the next of its category.
    - data-fault: everything comes twice, the second time under other basket numbers.
    - selection-bias: of three households two no longer come to the first group of stores; the others are as before.
    - concept-change: households 2k − 1 and 2k have exchanged what they like: the same is bought, by others.
    """
    change = {"drift": _other_goods, "data-fault": _all_twice, "selection-bias": _fewer_in_one_market,
              "concept-change": _exchanged_tastes}[scenario]  # fmt: skip
    return {**frames, "purchases": change(spec, frames["purchases"])}


def _harder_times(batch: Batch, lots: np.random.Generator) -> Batch:
    rows = batch.rows.copy()
    bills = [name for name in rows if name.startswith("BILL_AMT")]
    paid = [name for name in rows if name.startswith("PAY_AMT")]
    rows[bills], rows[paid] = rows[bills] * _BILLS, rows[paid] * _PAYMENTS
    fall = ((rows["PAY_0"] <= 0) & (lots.random(len(rows)) < _FALL_LATE)).to_numpy()
    rows.loc[fall, ["PAY_0", "PAY_2"]] = _LATE
    before, then = _DEFAULT_RATE["paid duly"], _DEFAULT_RATE["two months late"]
    fails = fall & (lots.random(len(rows)) < (then - before) / (1 - before))
    return Batch(rows=rows, truth=batch.truth.assign(default=np.where(fails, 1, batch.truth["default"])))


def _in_thousands(batch: Batch, lots: np.random.Generator) -> Batch:
    return Batch(rows=batch.rows.assign(LIMIT_BAL=batch.rows["LIMIT_BAL"] / _THOUSAND), truth=batch.truth)


def _fewer_graduates(batch: Batch, lots: np.random.Generator) -> Batch:
    come = ((batch.rows["EDUCATION"] != 1) | (lots.random(len(batch.rows)) < _GRADUATES_LEFT)).to_numpy()
    return Batch(rows=batch.rows[come].reset_index(drop=True), truth=batch.truth[come].reset_index(drop=True))


def _other_debtors(batch: Batch, lots: np.random.Generator) -> Batch:
    rows, failed, chance = batch.rows, batch.truth["default"].to_numpy(), lots.random(len(batch.rows))
    duly = (rows["PAY_0"] <= 0).to_numpy()
    deep = (rows["BILL_AMT1"] > _NEAR_LIMIT * rows["LIMIT_BAL"]).to_numpy()
    failed = np.where(duly & deep & (chance < _NOW_DEFAULT), 1, failed)
    failed = np.where(~duly & (chance < _NOW_PAY), 0, failed)
    return Batch(rows=rows, truth=batch.truth.assign(default=failed))


def _new_consumers(frames: Frames) -> pd.DataFrame:
    load = frames["load"]
    return load.assign(load_kw=load["load_kw"] * np.where(load["zone"] % 3 == 0, _CONSUMER, 1.0))


def _stuck_meter(frames: Frames) -> pd.DataFrame:
    load = frames["load"]
    return load.assign(load_kw=load["load_kw"].where(load["zone"] != 3, _STUCK_KW))


def _switched_lines(frames: Frames) -> pd.DataFrame:
    load = frames["load"]
    lost = load["load_kw"].where((load["zone"] % 3 == 1) & (load["zone"] < load["zone"].max()), 0.0) * _SWITCHED
    behind = pd.Series(lost.to_numpy(), index=[load["zone"] + 1, load["time"]])
    won = behind.reindex(pd.MultiIndex.from_frame(load[["zone", "time"]])).fillna(0.0).to_numpy()
    return load.assign(load_kw=load["load_kw"] - lost + won)


def _electric_heating(frames: Frames) -> pd.DataFrame:
    load, degrees = frames["load"], frames["temperature"].groupby("time")["temperature_f"].mean()
    away = (load["time"].map(degrees) - _MILD).abs().fillna(0.0)
    return load.assign(load_kw=load["load_kw"] * (1 + _PER_DEGREE * away))


def _other_goods(spec: Recommendation, rows: pd.DataFrame) -> pd.DataFrame:
    goods = resolve(spec.items)().sort_values(["category", "product"])
    following = goods.groupby("category")["product"].shift(-1).fillna(goods["product"]).astype(int)
    gone = pd.Series(following.to_numpy(), index=goods["product"].to_numpy()).iloc[::_DELISTED]
    taken = rows["product"].map(gone).fillna(rows["product"]).astype(int)
    other = rows.assign(product=taken, sales=rows["sales"] * _PRICES)
    return other.drop_duplicates(spec.dataset("purchases").contract.keys, ignore_index=True)


def _all_twice(spec: Recommendation, rows: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([rows, rows.assign(basket=rows["basket"] + _AGAIN)], ignore_index=True)


def _fewer_in_one_market(spec: Recommendation, rows: pd.DataFrame) -> pd.DataFrame:
    away = (rows["store"] <= spec.store_bounds[0]) & (rows["household"] % _STAY_AWAY != 0)
    return rows.loc[~away].reset_index(drop=True)


def _exchanged_tastes(spec: Recommendation, rows: pd.DataFrame) -> pd.DataFrame:
    return rows.assign(household=rows["household"] + np.where(rows["household"] % 2 == 1, 1, -1))
