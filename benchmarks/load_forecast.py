"""A day-ahead forecast of twenty zones and their total: how far off, against the simple ones, and what it costs.

GEFCom2012, January to June 2008, with a new fit each month on all that was known by then. The weights of the models
were chosen on 2006 and 2007; 2008 had no part in it. "With" is with the recorded temperature of the target day, which
is a perfect forecast; "as known" is with one that has the error of ``include.forecasting.weather``, in training too.
"""

from __future__ import annotations

import dataclasses
import os
import resource
import time
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: threads would fight over two cores
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from benchmarks import competition, in_airflow, intervals
from benchmarks.harness import Goal, Measure, Peer, Say
from include.data import gefcom
from include.forecasting.backtest import Backtest, Temperature, backtest, mape, training_days
from include.forecasting.calendar import Calendar
from include.forecasting.comparison import choose
from include.forecasting.families import FAMILIES, family
from include.forecasting.panel import TOTAL, Array, Panel, from_tidy
from include.forecasting.samples import actual_temperature, measured, observe, view
from include.forecasting.weather import ForecastError, forecast
from include.forecasting.windows import Horizon

BEFORE = pd.date_range("2007-01-01", "2007-12-31", tz="UTC")
DAYS = pd.date_range("2008-01-01", "2008-06-29", tz="UTC")
ORIGIN = {12: "noon of the day before", 0: "midnight"}
SIMPLE = [each.name for each in FAMILIES if each.simple]
MODELS = [each.name for each in FAMILIES if not each.simple]
# Goal and a plain ridge's number for the total, %; goal for the median of the zones.
GOALS = {
    Horizon(12, False): (6.4, 7.54, None),
    Horizon(12, True): (3.4, 3.78, None),
    Horizon(0, False): (4.3, 4.55, 6.8),
    Horizon(0, True): (2.9, 3.06, 4.5),
}
_COPIES = (20, 200, 1000)
_AT_ONCE = 25
_GIB = 2**20


def measures(say: Say) -> Iterator[Measure]:
    """Yield errors by horizon, champions, bands, the competition's own task, the cost of training, and of the DAGs."""
    calendar = Calendar(gefcom.special_days(), gefcom.CLOCK)
    panel = from_tidy(gefcom.loads(), gefcom.temperatures())
    zones = [name for name in panel.names if name != TOTAL]
    for horizon, (goal, ridge, of_zones) in GOALS.items():
        where = f"origin {ORIGIN[horizon.lead]}, {'with' if horizon.temperature else 'without'} temperature"
        champion, found = _total(panel, calendar, horizon, say)
        yield Measure(
            name=f"total, {where}", value=mape(found.actual, found.forecasts[champion]), unit="% MAPE",
            how=f"{len(DAYS)} days, by the champion of a backtest over 2007: {champion}",
            goal=Goal(kind="at most", limit=goal),
            peer=Peer(name="a plain ridge, measured before", value=ridge),
        )  # fmt: skip
        yield from _of_zones(panel, zones, calendar, horizon, where, of_zones, found, say)
    yield from _as_known(panel, calendar)
    yield from intervals.coverages(panel, calendar, _forecast_temperature(intervals.HORIZON), say)
    yield from competition.errors(say)
    yield from _cost(panel, zones, calendar)
    yield from in_airflow.dags(say)


def _total(panel: Panel, calendar: Calendar, horizon: Horizon, say: Say) -> tuple[str, Backtest]:
    before = backtest(panel, [TOTAL], FAMILIES, horizon, calendar, BEFORE, temperature=actual_temperature)[TOTAL]
    choice = choose(before.losses(), simple=SIMPLE, models=MODELS)
    found = backtest(panel, [TOTAL], FAMILIES, horizon, calendar, DAYS, temperature=actual_temperature)[TOTAL]
    for name, values in found.forecasts.items():
        say(f"    {name:12} {mape(found.actual, values):6.2f} %   fit {found.seconds[name]:.2f} CPU s")
    say(f"    chosen on 2007: {choice.reason}")
    return choice.champion, found


def _of_zones(
    panel: Panel, zones: list[str], calendar: Calendar, horizon: Horizon, where: str, goal: float | None,
    total: Backtest, say: Say,
) -> Iterator[Measure]:  # fmt: skip
    some = [each for each in FAMILIES if each.name != "boosting"]  # it costs seven times as much, and wins nowhere
    models = [each.name for each in some if not each.simple]
    found = backtest(panel, zones, some, horizon, calendar, DAYS, temperature=actual_temperature)
    choices = {name: choose(each.losses(), simple=SIMPLE, models=models) for name, each in found.items()}
    errors = {name: mape(each.actual, each.forecasts["kernel"]) for name, each in found.items()}
    say("    zones, kernel and champion: " + ", ".join(f"{z} {errors[z]:.1f} {choices[z].champion}" for z in zones))
    simple = {name: min(mape(each.actual, each.forecasts[one]) for one in SIMPLE) for name, each in found.items()}
    yield Measure(
        name=f"median of the zones, {where}",
        value=float(np.median(list(errors.values()))),
        unit="% MAPE",
        how=f"the kernel; it would be champion in {sum(c.champion == 'kernel' for c in choices.values())} of 20 zones",
        goal=Goal(kind="at most", limit=goal) if goal else None,
        peer=Peer(name="each zone's best simple one", value=float(np.median(list(simple.values())))),
    )
    summed = np.sum([each.forecasts["kernel"] for each in found.values()], axis=0)
    yield Measure(
        name=f"sum of the zones' forecasts, {where}", value=mape(total.actual, summed), unit="% MAPE",
        how="against the total; not yet reconciled",
        peer=Peer(name="its mean with the total's own", value=mape(
            total.actual, (summed + total.forecasts["kernel"]) / 2)),
    )  # fmt: skip
    if not horizon.lead and horizon.temperature:
        seconds = [each.seconds["kernel"] for each in found.values()]
        yield Measure(
            name="training, a zone and fit", value=max(seconds), unit="CPU s",
            how="the slowest zone's mean over six fits", goal=Goal(kind="at most", limit=1.5),
            peer=Peer(name="boosting of the total", value=total.seconds["boosting"]),
        )  # fmt: skip


def _as_known(panel: Panel, calendar: Calendar) -> Iterator[Measure]:
    for lead, origin in ORIGIN.items():
        horizon = Horizon(lead, True)
        found = backtest(
            panel, [TOTAL], [family("kernel")], horizon, calendar, DAYS, temperature=_forecast_temperature(horizon)
        )[TOTAL]
        yield Measure(
            name=f"total, origin {origin}, temperature as known",
            value=mape(found.actual, found.forecasts["kernel"]), unit="% MAPE",
            how=f"with temperatures that are off by {ForecastError().spread(np.array(lead + 12.0)):.1f} °F at midday",
        )  # fmt: skip


def _forecast_temperature(horizon: Horizon) -> Temperature:
    def given(panel: Panel, days: pd.DatetimeIndex) -> Array:
        return forecast(actual_temperature(panel, days), days, horizon, ForecastError())

    return given


def _cost(panel: Panel, zones: list[str], calendar: Calendar) -> Iterator[Measure]:
    """Yield what training and forecasting of noisy copies cost, in batches as a mapped task would take them."""
    horizon = Horizon(12, True)
    per_series: dict[int, float] = {}
    for count in _COPIES:
        begun = time.process_time()
        for start in range(0, count, _AT_ONCE):
            _train(_copies(panel, zones, range(start, min(start + _AT_ONCE, count))), calendar, horizon)
        per_series[count] = (time.process_time() - begun) / count
        yield Measure(
            name=f"train and forecast {count} series", value=per_series[count] * count, unit="CPU s",
            how="noisy copies of the zones, features included, 25 at once", digits=1,
            peer=Peer(name="a series, times the number", value=per_series[_COPIES[0]] * count),
        )  # fmt: skip
    yield Measure(
        name="cost of a series at 1,000 over that at 20", value=per_series[1000] / per_series[20], unit="",
        how="1 is linear", goal=Goal(kind="at most", limit=1.2),
    )  # fmt: skip
    yield Measure(
        name="memory at most", value=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _GIB, unit="GiB",
        how="of the whole benchmark's process", goal=Goal(kind="at most", limit=3.0),
    )  # fmt: skip


def _copies(panel: Panel, zones: list[str], numbers: range) -> Panel:
    noise = np.random.default_rng(numbers.start)
    source = [panel.series(zones[number % len(zones)]) for number in numbers]
    load = panel.load[:, source] * np.exp(noise.normal(0, 0.02, (len(panel.times), len(source))))
    names = tuple(f"copy {number}" for number in numbers)
    return dataclasses.replace(panel, names=names, load=load, known=panel.known[:, source])


def _train(panel: Panel, calendar: Calendar, horizon: Horizon) -> None:
    origin = horizon.origin(DAYS[0])
    known = panel.known_at(origin)
    past = training_days(known, origin)
    looks = view(known, horizon, calendar, names=panel.names)
    train = observe(known, past, looks, names=panel.names, target=actual_temperature(known, past))
    ahead = observe(known, DAYS[:1], looks, names=panel.names, target=actual_temperature(panel, DAYS[:1]))
    for name in panel.names:
        model = family("kernel").build(horizon, 0).fit(train[name], measured(known, past, name))
        assert (model.predict(ahead[name]) > 0).all()
