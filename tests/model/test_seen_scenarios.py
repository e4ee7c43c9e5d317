"""What the monitors of the grid and of the shop say of each scenario's second week, on the recordings themselves.

A whole replay in Airflow takes a quarter of an hour; what its inputs show takes a minute.
"""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from include.catalog import resolve
from include.data.grid_replay import recorded_day as grid_day
from include.data.journey_replay import recorded_day as shop_day
from include.data.scenarios import grid, shop
from include.forecasting.panel import from_tidy
from include.monitor_ops.inputs import known_of
from include.monitor_ops.reference import Dated, watched_hours, watched_lines
from include.monitor_ops.windows import newest_windows
from include.monitoring.causes import diagnose
from include.platform.scenarios import planned
from include.recommend_ops.purchases import Purchases
from include.recommending.events import TIME, clean
from include.recommending.preparation import markets
from include.scenario import CALM
from include.use_cases.load_forecast import SPEC as LOAD
from include.use_cases.recommender import SPEC as SHOP

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ONE, WEEK = dt.timedelta(days=1), 7


def seen(spec, dated, plan):
    """Return what is said of the first week of the change, by a reference of all that landed before it."""
    last = plan.changed_from + (WEEK - 1) * ONE
    before = (dated.days < plan.changed_from).to_numpy()
    reference = Dated(dated.rows[before], dated.days[before]).reference(spec)
    newest = newest_windows(spec, reference, dated, last)[-1]
    assert not newest.drift.not_judged
    return diagnose(reference, newest.seen, newest.drift, **known_of(spec))


def landed(plan, fetch, change):
    """Return the frames of each day up to the end of the change's first week."""
    first, last = plan.history[0], plan.changed_from + (WEEK - 1) * ONE
    for day in (each.date() for each in pd.date_range(first, last)):
        frames = fetch(day)
        yield frames if plan.scenario == CALM or day < plan.changed_from else change(plan.scenario, day, frames)


@pytest.mark.parametrize(
    ("scenario", "cause", "column"),
    [
        ("calm", "none", None),
        ("drift", "environment", "load 9"),
        ("data-fault", "values", "load 3"),
        ("selection-bias", "selection", "load 8"),
        ("concept-change", "none", None),
    ],
)
def test_the_grids_inputs_show_what_they_can(scenario, cause, column):
    plan = planned(LOAD, scenario)
    days = list(
        landed(
            plan,
            lambda day: grid_day(day, gate_closure_hour=LOAD.gate_closure_hour, horizon_days=LOAD.horizon_days),
            lambda name, day, frames: grid(LOAD, name, day, frames),
        )
    )
    load, temperature = (
        pd.concat([each[name] for each in days], ignore_index=True) for name in ("load", "temperature")
    )
    found = seen(LOAD, watched_hours(from_tidy(load, temperature)), plan)
    assert found.cause == cause, found.said
    assert column is None or column in found.columns


@pytest.mark.parametrize(
    ("scenario", "cause", "column"),
    [
        ("calm", "none", None),
        ("drift", "environment", "sales"),
        ("selection-bias", "selection", "market"),
        ("concept-change", "none", None),
    ],
)
def test_the_shops_lines_show_what_they_can(scenario, cause, column):
    plan, products = planned(SHOP, scenario), resolve(SHOP.items)()
    days = landed(plan, open_day, lambda name, day, frames: shop(SHOP, name, day, frames) if frames else frames)
    lines = pd.concat([each["purchases"] for each in days if each]).sort_values(TIME, kind="stable", ignore_index=True)
    cleaned = clean(lines, products)
    dated = watched_lines(Purchases(cleaned, products, markets(cleaned.events, SHOP.store_bounds, SHOP.markets)))
    found = seen(SHOP, dated, plan)
    assert found.cause == cause, found.said
    assert column is None or column in found.columns


def open_day(day):
    return {} if day in SHOP.closed else shop_day(day)
