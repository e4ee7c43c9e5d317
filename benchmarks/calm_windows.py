"""How often the drift detection cries over calm windows, beside what its peers' usual rules do.

A calm window is one that nothing has happened to: clients drawn without replacement, with the reference drawn anew for
each window; days of a grid or a shop against the same season without the days about them; made-up rows of one law. A
window is counted by the smallest share of calm windows that any of its looks comes to, so one pass serves every stated
rate. The drift detection runs as it comes, all columns together included where rows do not depend on each other.

``python -m benchmarks.calm_windows CELL FIRST LAST`` prints what it sees in some windows of a cell, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: threads would fight over two cores
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from scipy import stats
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import cross_val_predict

from benchmarks.harness import RESULTS, Goal, Measure, Peer, Say
from benchmarks.made_up import population
from include.data import gefcom, journey
from include.data.replay import credit_clients
from include.forecasting.panel import from_tidy
from include.monitor_ops.reference import Dated, watched, watched_hours, watched_lines
from include.monitoring.drift import detect, stability
from include.monitoring.profile import ReferenceProfile, build
from include.monitoring.window import WindowCounts, read
from include.recommend_ops.purchases import Purchases
from include.recommending.events import HOUSEHOLD, clean
from include.recommending.preparation import markets
from include.use_cases.credit_risk import SPEC as CREDIT
from include.use_cases.recommender import SPEC as SHOP

RATES = (0.02, 0.05, 0.1)
WINDOWS = 2000
_MIN_EFFECT, _PSI, _PEER_P = 0.1, 0.1, 0.05
_REFERENCE = 5000
_MANY, _MANY_NUMBERS, _MANY_NAMES = 100_000, 16, 4
_REAL_DRIFTS = ("load 4", "load 9", "load 10")  # an outage, an industrial customer, a grid that grew 2.7 times
_PROCESSES = 2


@dataclass(frozen=True)
class Seen:
    """One calm window.

    Args:
        significant: Smallest share of calm windows that a look at it comes to.
        drifted: The same of the looks whose effect matters.
        psi: The largest population stability index of a column, in ten ranges as is usual.
        p_value: The smallest of the columns' plain tests, Kolmogorov and Smirnov's or chi-square.
    """

    significant: float
    drifted: float
    psi: float
    p_value: float


@dataclass(frozen=True)
class Cell:
    """One kind of calm windows.

    Args:
        about: What they are.
        windows: Yields those of some numbers.
        apart: How many of all can be had that share no day; none where each window is drawn anew.
    """

    about: str
    windows: Callable[[range], Iterator[Seen]]
    apart: int | None = None


def alarm_measures(say: Say, *, windows: int = WINDOWS) -> Iterator[Measure]:
    """Yield for each cell and stated rate how often it was cried, and draw all of them."""
    found = {}
    for name, cell in CELLS.items():
        say(f"· {windows:,} calm windows of {name} …")
        found[name] = in_processes(name, windows)
        yield from _cell_measures(name, cell, found[name])
    _plot(found)


def _cell_measures(name: str, cell: Cell, seen: list[Seen]) -> Iterator[Measure]:
    plain = float(np.mean([each.p_value < _PEER_P for each in seen]))
    unstable = float(np.mean([each.psi > _PSI for each in seen]))
    for rate in RATES:
        called = [each.significant <= rate for each in seen]
        alarms = [each.drifted <= rate for each in seen]
        few = "" if cell.apart is None else f"; {cell.apart} of them share no day"
        yield Measure(
            name=f"{name}, stated {rate:.0%}: significant", value=100 * float(np.mean(called)), unit="%", digits=1,
            goal=Goal(kind="between", limit=50 * rate, upper=150 * rate, because="0.5 to 1.5 of the stated"),
            peer=Peer(name=f"a plain test below {_PEER_P:g} in any column", value=100 * plain),
            how=f"{len(seen):,} windows of {cell.about}{few}",
        )  # fmt: skip
        limit = 100 * upper_limit(sum(alarms), len(alarms))
        honest = "" if cell.apart is None else (
            f"; were there but {cell.apart} windows, it would be "
            f"{100 * upper_limit(float(np.mean(alarms)) * cell.apart, cell.apart):.1f} %")  # fmt: skip
        yield Measure(
            name=f"{name}, stated {rate:.0%}: alarm, upper limit", value=limit, unit="%", digits=1,
            goal=Goal(kind="at most", limit=150 * rate, because="1.5 of the stated"),
            peer=Peer(name=f"PSI above {_PSI:g} in any column", value=100 * unstable),
            how=f"95 % limit (Clopper & Pearson) of {100 * float(np.mean(alarms)):.2f} % of windows with an effect of "
            f"{_MIN_EFFECT:g} or more that is significant{honest}",
        )  # fmt: skip


def upper_limit(alarms: float, windows: int, *, confidence: float = 0.95) -> float:
    """Return the one-sided limit of a share by Clopper & Pearson (1934)."""
    return float(stats.beta.ppf(confidence, alarms + 1, windows - alarms)) if alarms < windows else 1.0


def in_processes(cell: str, windows: int) -> list[Seen]:
    """Return the windows 0 to ``windows`` of a cell, seen by processes of one thread each."""
    bounds = np.linspace(0, windows, _PROCESSES + 1).astype(int).tolist()
    argv = [sys.executable, "-m", "benchmarks.calm_windows", cell]
    started = [
        subprocess.Popen([*argv, str(first), str(last)], stdout=subprocess.PIPE, text=True)
        for first, last in pairwise(bounds)
    ]
    said = [process.communicate()[0] for process in started]
    assert not any(process.returncode for process in started), f"the calm windows of {cell} were not seen"
    return [Seen(**each) for text in said for each in json.loads(text)]


def _seen(profile: ReferenceProfile, window: WindowCounts, days: tuple[dt.date, dt.date] | None = None) -> Seen:
    first, last = days or (None, None)
    found = detect(profile, window, min_effect=_MIN_EFFECT, first_day=first, last_day=last)
    assert not found.not_judged, found.not_judged
    looks = [(each.adjusted_p, each.effect) for each in found.columns]
    looks += [(found.joint_adjusted_p, found.joint.effect)] if found.joint else []
    pairs = [(np.array(each.counts), window.columns[name], each.ordered) for name, each in profile.columns.items()]
    return Seen(
        significant=min(share for share, _ in looks),
        drifted=min((share for share, effect in looks if effect >= _MIN_EFFECT), default=1.0),
        psi=max(stability(in_tens(before, ordered), in_tens(now, ordered)) for before, now, ordered in pairs),
        p_value=min(plain_test(before, now, ordered=ordered) for before, now, ordered in pairs),
    )


def in_tens(counts: np.ndarray, ordered: bool) -> np.ndarray:
    """Return counts with two neighbouring ranges joined to one, what is missing apart; named cells as they are."""
    if not ordered:
        return counts
    return np.append(np.add.reduceat(counts[:-1], np.arange(0, len(counts) - 1, 2)), counts[-1])


def plain_test(before: np.ndarray, now: np.ndarray, *, ordered: bool) -> float:
    """Return the p-value that a peer would read off the values that are there.

    Kolmogorov and Smirnov's distance is looked for at the bounds of the ranges, so it is the true one at most.
    """
    before, now = before[:-1], now[:-1]
    sizes = int(before.sum()), int(now.sum())
    if not all(sizes):
        return 1.0
    if ordered:
        distance = np.abs(np.cumsum(before) / sizes[0] - np.cumsum(now) / sizes[1]).max()
        return float(stats.kstwo.sf(distance, max(1, round(sizes[0] * sizes[1] / sum(sizes)))))
    there = (before + now) > 0
    return float(stats.chi2_contingency([before[there], now[there]], correction=False).pvalue) if there.any() else 1.0


def _clients(rows: int, numbers: range) -> Iterator[Seen]:
    clients = credit_clients()
    learner = HistGradientBoostingClassifier(random_state=0)
    raw = clients[CREDIT.model_columns]
    scores = cross_val_predict(learner, raw, clients[CREDIT.contract.target], method="predict_proba")[:, 1]
    frame = watched(CREDIT, clients, scores)
    named = [column.name for column in CREDIT.contract.columns if column.categorical]
    for number in numbers:
        drawn = np.random.default_rng([rows, number]).permutation(len(frame))
        profile = build(frame.iloc[drawn[:_REFERENCE]], categorical=named)
        yield _seen(profile, read(profile, frame.iloc[drawn[_REFERENCE : _REFERENCE + rows]]))


def _made_up(numbers: range) -> Iterator[Seen]:
    for number in numbers:
        draw = np.random.default_rng([_MANY, number])
        one, other = (population(_MANY, draw, numbers=_MANY_NUMBERS, names=_MANY_NAMES) for _ in range(2))
        profile = build(one)
        yield _seen(profile, read(profile, other))


def _weeks_of_load(numbers: range) -> Iterator[Seen]:
    dated = watched_hours(from_tidy(gefcom.loads(), gefcom.temperatures()))
    rows = dated.rows.drop(columns=list(_REAL_DRIFTS))
    whole = dated.days.map(rows.notna().all(axis=1).groupby(dated.days.to_numpy()).all()).to_numpy()
    every, half = (build(some[whole], days=dated.days[whole], dependent=True) for some in (rows, rows.iloc[:, ::2]))
    weeks = _weeks(every.days)
    for number in numbers:
        round_, place = divmod(number, len(weeks))
        yield _run((every, half)[round_], *weeks[place], apart=180)


def _weeks_of_purchases(numbers: range) -> Iterator[Seen]:
    products = journey.products()
    cleaned = clean(journey.events(), products)
    dated = watched_lines(Purchases(cleaned, products, markets(cleaned.events, SHOP.store_bounds, SHOP.markets)))
    households = np.sort(cleaned.events[HOUSEHOLD].unique())
    size = len(_weeks(dated.days.unique()))
    for half, places in _by_half(numbers, size):
        draw = np.random.default_rng(half // 2)
        mine = draw.permutation(households)[half % 2 :: 2]
        rows = cleaned.events[HOUSEHOLD].isin(mine).to_numpy()
        profile = Dated(dated.rows[rows], dated.days[rows]).reference(SHOP)
        weeks = _weeks(profile.days)
        for place in places:
            yield _run(profile, *weeks[place], apart=13)


def _by_half(numbers: range, size: int) -> Iterator[tuple[int, list[int]]]:
    """Return the numbers of windows by the half of the households that they are of."""
    for half in sorted({number // size for number in numbers}):
        yield half, [number % size for number in numbers if number // size == half]


def _weeks(days: Iterable[dt.date]) -> list[tuple[dt.date, dt.date]]:
    """Return the first and last day of every run of seven days of which each is there: a shop is closed on some."""
    there = set(days)
    return [
        (first, first + dt.timedelta(days=6))
        for first in sorted(there)
        if all(first + dt.timedelta(days=day) in there for day in range(7))
    ]


def _run(profile: ReferenceProfile, first: dt.date, last: dt.date, *, apart: int) -> Seen:
    """Look at days of a profile, against the profile without them and the days about them.

    The bounds of its ranges are those of all days, so the window had a small part in them; it has none in the counts.
    """
    days = np.array(profile.days)
    far = (days < first - dt.timedelta(days=apart)) | (days > last + dt.timedelta(days=apart))
    within = (days >= first) & (days <= last)
    rest, inside = profile.daily[far].astype(np.int64), profile.daily[within].astype(np.int64).sum(axis=0)
    columns = {
        name: profile.columns[name].model_copy(update={"counts": tuple(rest[:, cells].sum(axis=0).tolist())})
        for name, cells in profile.starts.items()
    }
    before = profile.model_copy(update={"columns": columns, "days": tuple(days[far]), "daily": rest})
    counts = {name: inside[cells] for name, cells in profile.starts.items()}
    return _seen(before, WindowCounts(rows=int(next(iter(counts.values())).sum()), columns=counts), (first, last))


CELLS = {
    "100 clients": Cell("22 columns of credit clients, drawn without replacement", lambda some: _clients(100, some)),
    "1,000 clients": Cell("22 columns of credit clients, drawn without replacement", lambda some: _clients(1000, some)),
    "weeks of load": Cell(
        "weeks from every day of 17 zones, the total and 11 stations, and then of every other of these, against other "
        "years, half a year about them left out", _weeks_of_load, apart=235,
    ),
    "weeks of purchases": Cell(
        "weeks from every day of half of the households, in six halves, against the rest of the year, 13 days about "
        "them left out",
        _weeks_of_purchases, apart=52,
    ),
    "100,000 made-up rows": Cell(f"{_MANY_NUMBERS} numeric and {_MANY_NAMES} named columns", _made_up),
}  # fmt: skip


def _plot(found: dict[str, list[Seen]]) -> None:
    drawn, axes = plt.subplots(figsize=(9, 4.5))
    places = np.arange(len(found))
    bars: dict[str, Callable[[Seen], bool]] = {
        "any column's plain test below .05": lambda each: each.p_value < _PEER_P,
        "PSI above .1 in any column": lambda each: each.psi > _PSI,
        "ours, significant at 5 %": lambda each: each.significant <= 0.05,
        "ours, alarm at 5 %": lambda each: each.drifted <= 0.05,
    }
    for number, (label, called) in enumerate(bars.items()):
        heights = [100 * float(np.mean([called(each) for each in seen])) for seen in found.values()]
        shown = axes.bar(places + (number - 1.5) * 0.2, heights, 0.2, label=label)
        axes.bar_label(shown, fmt="%.1f", fontsize=7)
    axes.axhline(5, color="k", linewidth=0.8, linestyle="--", label="stated: 5 %")
    axes.set_xticks(places, list(found), fontsize=8)
    axes.set(ylabel="calm windows that are called drifted, %", ylim=(0, 108), title="False alarms of whole windows")
    axes.legend(fontsize=8, ncol=3, loc="upper center", bbox_to_anchor=(0.5, -0.09))
    drawn.savefig(RESULTS / "false_alarms.png", dpi=110, bbox_inches="tight")
    plt.close(drawn)


if __name__ == "__main__":
    cell, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sys.stdout.write(json.dumps([asdict(each) for each in CELLS[cell].windows(range(first, last))]))
