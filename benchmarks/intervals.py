"""How honest and how coherent the bands are that the product issues at gate closure, January to June 2008.

Zones and total are forecast by the kernel from noon of the day before, with temperatures that err as
``include.forecasting.weather`` says, in training too. Each day's paths are fitted, day by day, to the errors that were
known at its gate closure: those of 2007's backtest first, then 2008's own up to the day before yesterday. All of it is
the product's code, but for a zone's training after a jump, which no replay by months has.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.harness import Goal, Measure, Peer, Say
from include.forecasting.backtest import Backtest, Temperature, backtest
from include.forecasting.calendar import Calendar
from include.forecasting.families import family
from include.forecasting.hierarchy import MAX_GAP, Hierarchy, tree
from include.forecasting.panel import TOTAL, Array, Panel
from include.forecasting.paths import LEVELS, fit_paths
from include.forecasting.reconciliation import MAX_DAYS
from include.forecasting.scores import coverage, pinball
from include.forecasting.windows import Horizon

HORIZON = Horizon(12, True)
GAP_DAYS = (
    2  # at noon, the day before yesterday's forecast is the newest with its whole truth: two days from the target
)
FIRST = pd.Timestamp("2008-01-01", tz="UTC")
DAYS = pd.date_range("2007-01-01", "2008-06-29", tz="UTC")
JUMPED = "10"  # its load is 2.7 times as large from 1 January 2008 on
SIMPLE = "similar_day"  # the best of the simple ones for the total
_SEED = 0


@dataclass(frozen=True)
class Bands:
    """What was issued on each day, and what came.

    Args:
        hierarchy: Names and sums.
        days: Target days, shape (n,).
        actual: kW, shape (n, series, 24).
        quantiles: kW, shape (levels, n, series, 24).
        gap: Largest difference of the total and the sum of its zones in any path or point forecast, over that sum.
    """

    hierarchy: Hierarchy
    days: pd.DatetimeIndex
    actual: Array
    quantiles: Array
    gap: float

    @property
    def inside(self) -> Array:
        """Return where the 80 % interval was right, shape (n, series, 24)."""
        return (self.quantiles[0] <= self.actual) & (self.actual <= self.quantiles[-1])

    def covered(self, by: str) -> pd.Series:
        """Return the coverage by series or by hour."""
        table = coverage(
            self.actual, self.quantiles[0], self.quantiles[-1], self.hierarchy.names,
            by="series" if by == "series" else "hour",
        )  # fmt: skip
        return table.set_index(by)["covered"]


def coverages(panel: Panel, calendar: Calendar, temperature: Temperature, say: Say) -> Iterator[Measure]:
    """Yield coverage, pinball loss and coherence of the bands.

    Args:
        panel: Everything that was measured.
        calendar: Special days.
        temperature: Gives the temperature of target days as it was forecast at the gate closure.
        say: Tells of progress.
    """
    hierarchy = tree({TOTAL: [name for name in panel.names if name != TOTAL]})
    found = backtest(panel, hierarchy.names, [family("kernel")], HORIZON, calendar, DAYS, temperature=temperature)
    bands = issued(hierarchy, found, FIRST)
    series, hours = bands.covered("series"), bands.covered("hour")
    zones = series.drop(TOTAL)
    say("    coverage by series: " + _listed(series))
    all_of_it = coverage(bands.actual, bands.quantiles[0], bands.quantiles[-1], hierarchy.names).iloc[0]
    yield Measure(
        name="80 % interval at gate closure, all", value=float(all_of_it["covered"]), unit="covered", digits=3,
        goal=Goal(kind="between", limit=0.77, upper=0.83),
        how=f"{len(bands.days)} days, temperature as known, reconciled sample paths fitted anew each day; between "
        f"{all_of_it['low']:.3f} and {all_of_it['high']:.3f} with 95 % confidence; by hour of the day from 1: "
        f"{_listed(hours)}",
    )  # fmt: skip
    later = bands.inside[bands.days.month > 1, hierarchy.names.index(JUMPED)].mean()
    yield Measure(
        name="80 % interval at gate closure, lowest zone", value=float(zones.min()), unit="covered", digits=3,
        goal=Goal(kind="at least", limit=0.7),
        how=f"zone {zones.idxmin()}; zone {JUMPED}, which jumps on 1 January and is trained anew on the first of each "
        f"month alone: {zones[JUMPED]:.2f}, without January {later:.2f}; by series: {_listed(series)}",
    )  # fmt: skip
    yield Measure(
        name="pinball loss of the total, 10 to 90 %",
        value=float(pinball(bands.actual[:, -1], bands.quantiles[:, :, -1], LEVELS).mean()), unit="kW", digits=0,
        how="mean over nine quantiles; beside it the similar day, of the same temperatures, with the quantiles by hour "
        f"of its own relative errors in the {MAX_DAYS} days that were known",
        peer=Peer(name="the similar day's", value=_simple_pinball(panel, calendar, temperature)),
    )  # fmt: skip
    yield Measure(
        name="gap between the total and the sum of its zones", value=bands.gap * 1e15, unit="× 10⁻¹⁵",
        goal=Goal(kind="at most", limit=MAX_GAP * 1e15),
        how="largest relative one of all hours of all point forecasts and sample paths, added up here once more",
    )  # fmt: skip


def issued(hierarchy: Hierarchy, found: dict[str, Backtest], first: pd.Timestamp) -> Bands:
    """Return the bands from a day on, each from the errors that were known at its gate closure.

    Args:
        hierarchy: Names and sums.
        found: The kernel's backtest of each series.
        first: The first day with a band; the days before give the first errors.
    """
    days = found[TOTAL].days
    base = np.stack([found[name].forecasts["kernel"] for name in hierarchy.names], axis=1)
    actual = np.stack([found[name].actual for name in hierarchy.names], axis=1)
    start = int(days.get_loc(first))
    quantiles, gap = [], 0.0
    for day in range(start, len(days)):
        end = day - GAP_DAYS + 1
        model = fit_paths(hierarchy, base[:end], actual[:end, : hierarchy.bottom], gap_days=GAP_DAYS)
        drawn = model.draw(base[day], origin=HORIZON.origin(days[day]).to_pydatetime(), seed=_SEED)
        quantiles.append(drawn.quantiles(LEVELS))
        gap = max(gap, _gap(drawn.point[None]), _gap(drawn.paths))
    return Bands(hierarchy, days[start:], actual[start:], np.stack(quantiles, axis=1), gap)


def _simple_pinball(panel: Panel, calendar: Calendar, temperature: Temperature) -> float:
    """Return the total's pinball loss of the best simple forecast with the quantiles of its known relative errors."""
    found = backtest(panel, [TOTAL], [family(SIMPLE)], HORIZON, calendar, DAYS, temperature=temperature)[TOTAL]
    forecast, start = found.forecasts[SIMPLE], int(DAYS.get_loc(FIRST))
    ratio = found.actual / forecast
    quantiles = [
        forecast[day] * np.quantile(ratio[max(0, day - GAP_DAYS + 1 - MAX_DAYS) : day - GAP_DAYS + 1], LEVELS, axis=0)
        for day in range(start, len(DAYS))
    ]
    return float(pinball(found.actual[start:], np.stack(quantiles, axis=1), LEVELS).mean())


def _gap(values: Array) -> float:
    """Return the largest relative difference of the last series and the sum of the others, in plain addition."""
    summed = values[:, :-1].sum(axis=1)
    return float((np.abs(values[:, -1] - summed) / np.maximum(summed, np.finfo(float).tiny)).max())


def _listed(shares: pd.Series) -> str:
    return ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
