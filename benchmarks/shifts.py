"""What the drift detection sees of a shift in one of fifty columns, beside the peers at the same rate of false alarms.

Every window has a shifted twin of each kind, and only the column that shifts is changed in it: what the other columns
come to is the calm window's. A peer's alarm is its largest column beyond a limit; the limit is set on the calm windows,
so that 5 % of them are beyond it. Ours stands there twice: as it comes, and with its limit set in the same way.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.harness import RESULTS, Measure, Peer, Say
from benchmarks.made_up import population
from benchmarks.peers.environments import ask
from include.monitoring.drift import detect
from include.monitoring.profile import ReferenceProfile, build

Flags = NDArray[np.bool_]
Change = Callable[[pd.Series, np.random.Generator], pd.Series]
WINDOWS = 400
_REFERENCE, _ROWS, _RATE, _MIN_EFFECT = 5000, 1000, 0.05, 0.1
_NEEDED, _OF = 2, 3
_OURS, _OURS_EQUAL = "ours, as it comes", "ours, limit set as the peers'"
_PEERS = ("evidently", "nannyml", "alibi_detect")
_BLUE = 0.35  # share of the name that is made less


def _moved(by: float) -> Change:
    return lambda values, draw: values + by


def _mixed(share: float) -> Change:
    return lambda values, draw: values.mask((values == "blue") & (draw.random(len(values)) < share / _BLUE), "red")


def _emptied(share: float) -> Change:
    return lambda values, draw: values.mask(draw.random(len(values)) < share / values.notna().mean())


SHIFTS: dict[str, tuple[str, Change]] = {
    "0.1 standard deviations": ("number_0", _moved(0.1)),
    "0.2 standard deviations": ("number_0", _moved(0.2)),
    "0.5 standard deviations": ("number_0", _moved(0.5)),
    "5 % of a mix": ("name_0", _mixed(0.05)),
    "10 % of a mix": ("name_0", _mixed(0.1)),
    "20 % of a mix": ("name_0", _mixed(0.2)),
    "5 points more missing": ("number_3", _emptied(0.05)),
    "another unit": ("number_1", lambda values, draw: values * 100),
}


def power_measures(say: Say, *, windows: int = WINDOWS) -> Iterator[Measure]:
    """Yield how often each shift is seen and after how many windows it is confirmed; draw it."""
    draw = np.random.default_rng(0)
    reference = population(_REFERENCE, draw)
    calm = [population(_ROWS, draw) for _ in range(windows)]
    twins = [{shift: change(rows[column], draw) for shift, (column, change) in SHIFTS.items()} for rows in calm]
    flags = _ours(build(reference), calm, twins)
    with tempfile.TemporaryDirectory(prefix="flightdeck-bench-") as folder:
        write(Path(folder), reference, calm, twins)
        for peer in _PEERS:
            say(f"· {windows} windows and their {len(SHIFTS)} shifted twins by {peer} …")
            for method, columns in ask(peer, "scores", folder).items():
                flags[method] = at_rate(*_largest(columns), rate=_RATE)
    yield from _measures(flags, windows)
    yield from _together(build(reference), draw, windows // 4)
    _plot(flags)


def write(folder: Path, reference: pd.DataFrame, calm: list[pd.DataFrame], twins: list[dict[str, pd.Series]]) -> None:
    """Write reference and windows for the peers; a shifted column stands beside the calm ones, under its shift."""
    more = {shift: reference[column] for shift, (column, _) in SHIFTS.items()}
    reference.assign(**more).to_parquet(folder / "reference.parquet")
    whole = [rows.assign(**twin, window=number) for number, (rows, twin) in enumerate(zip(calm, twins, strict=True))]
    pd.concat(whole, ignore_index=True).to_parquet(folder / "windows.parquet")


def at_rate(calm: np.ndarray, shifted: dict[str, np.ndarray], *, rate: float) -> dict[str, Flags]:
    """Return which windows lie beyond the limit that ``rate`` of the calm ones do, by shift; the calm ones as ``""``.

    Args:
        calm: What each calm window comes to, shape (windows,); more is more drift.
        shifted: The same of their shifted twins.
        rate: Share of calm windows.
    """
    limit = np.sort(calm)[-1 - int(rate * len(calm))]
    return {name: values > limit for name, values in {"": calm, **shifted}.items()}


def delay(flags: Flags, *, needed: int = _NEEDED, of: int = _OF) -> float:
    """Return after how many windows on average ``needed`` of the last ``of`` are flagged, from any window on.

    What follows on the last window is the first one; infinite where it never happens.
    """
    twice = np.concatenate([flags, flags])
    counts = np.convolve(twice, np.ones(of, dtype=int))[: len(twice)]
    waits = []
    for start in range(len(flags)):
        early = np.cumsum(twice[start : start + of - 1])
        later = counts[start + of - 1 : start + len(flags)]
        reached = np.flatnonzero(np.concatenate([early, later]) >= needed)
        if not len(reached):
            return float("inf")
        waits.append(int(reached[0]) + 1)
    return float(np.mean(waits))


def _largest(columns: dict[str, list[float]]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return what windows come to by their largest column, calm ones and shifted ones."""
    values = {name: np.nan_to_num(np.array(each), nan=-np.inf) for name, each in columns.items()}
    own = [name for name in values if name not in SHIFTS]
    calm = np.max([values[name] for name in own], axis=0)
    shifted = {}
    for shift, (column, _) in SHIFTS.items():
        others = np.max([values[name] for name in own if name != column], axis=0)
        shifted[shift] = np.maximum(others, values[shift])
    return calm, shifted


def _ours(
    profile: ReferenceProfile, calm: list[pd.DataFrame], twins: list[dict[str, pd.Series]]
) -> dict[str, dict[str, Flags]]:
    seen = np.array([_share(profile, rows) for rows in calm])
    moved = {
        shift: np.array([
            _share(profile, rows.assign(**{column: twin[shift]})) for rows, twin in zip(calm, twins, strict=True)
        ])
        for shift, (column, _) in SHIFTS.items()
    }  # fmt: skip
    as_it_comes = {name: shares <= _RATE for name, shares in {"": seen, **moved}.items()}
    equal = at_rate(-seen, {name: -shares for name, shares in moved.items()}, rate=_RATE)
    return {_OURS: as_it_comes, _OURS_EQUAL: equal}


def _share(profile: ReferenceProfile, rows: pd.DataFrame) -> float:
    """Return the smallest share of calm windows that a column comes to whose effect matters."""
    found = detect(profile, rows, joint=False)
    return min((each.adjusted_p for each in found.columns if each.effect >= _MIN_EFFECT), default=1.0)


def _measures(flags: dict[str, dict[str, Flags]], windows: int) -> Iterator[Measure]:
    others = [method for method in flags if not method.startswith("ours")]
    for shift in SHIFTS:
        rates = {method: 100 * float(found[shift].mean()) for method, found in flags.items()}
        waits = {method: delay(found[shift]) for method, found in flags.items()}
        best = max(others, key=lambda method: rates[method])
        said = "; ".join(f"{method}: {rates[method]:.0f} %, {_windows(waits[method])}" for method in flags)
        yield Measure(
            name=f"{shift}: seen", value=rates[_OURS], unit="% of windows", digits=0,
            peer=Peer(name=best, value=rates[best]),
            how=f"{windows} windows of {_ROWS:,} rows against {_REFERENCE:,}, in 1 of 50 columns; how often seen, "
            f"and windows until {_NEEDED} of {_OF} have: {said}",
        )  # fmt: skip
    yield Measure(
        name="… of the same windows when calm", value=100 * float(flags[_OURS][""].mean()), unit="% of windows",
        digits=1, peer=Peer(name="every peer, by its limit", value=100 * float(flags[others[0]][""].mean())),
        how=f"ours by the stated {_RATE:.0%} and an effect of {_MIN_EFFECT:g}, without a look at such windows before",
    )  # fmt: skip


def _windows(wait: float) -> str:
    return "never confirmed" if wait == float("inf") else f"{wait:.1f} windows"


def _together(profile: ReferenceProfile, draw: np.random.Generator, windows: int) -> Iterator[Measure]:
    """Yield how often columns are seen that look as before each, but have turned round against the others."""
    symmetric = [name for number, name in enumerate(profile.columns) if number % 4 == 0 and name.startswith("number")]
    for some in (symmetric[:1], symmetric):
        seen = []
        for _ in range(windows):
            rows = population(_ROWS, draw)
            rows[some] = -rows[some]
            found = detect(profile, rows)
            seen.append((found.joint_drifted, any(each.drifted for each in found.columns)))
        together, alone = (100 * float(np.mean(each)) for each in zip(*seen, strict=True))
        yield Measure(
            name=f"{len(some)} of 50 columns turned: seen together", value=together, unit="% of windows", digits=0,
            peer=Peer(name="the columns one by one", value=alone),
            how=f"{windows} windows of {_ROWS:,} rows; each column is distributed as before, and its correlation with "
            "the others of .2 is −.2",
        )  # fmt: skip


def _plot(flags: dict[str, dict[str, Flags]]) -> None:
    drawn, (sizes, mixes, rest) = plt.subplots(1, 3, figsize=(13, 4.2), sharey=True)
    shifts = list(SHIFTS)
    for axes, chosen, amounts, label in (
        (sizes, shifts[:3], [0, 0.1, 0.2, 0.5], "shift in standard deviations"),
        (mixes, shifts[3:6], [0, 5, 10, 20], "share of a mix that moves, %"),
    ):
        for method, found in flags.items():
            heights = [100 * float(found[name].mean()) for name in ("", *chosen)]
            axes.plot(amounts, heights, marker="o", linewidth=2.5 if method.startswith("ours") else 1, label=method)
        axes.set(xlabel=label)
    width = 0.8 / len(flags)
    for number, found in enumerate(flags.values()):
        heights = [100 * float(found[name].mean()) for name in shifts[6:]]
        rest.bar(np.arange(2) + number * width, heights, width)
    rest.set_xticks(np.arange(2) + 0.4, shifts[6:])
    sizes.set(ylabel="windows in which it is seen, %", ylim=(0, 103))
    sizes.legend(fontsize=7)
    drawn.suptitle(f"In 1 of 50 columns, {_ROWS:,} rows a window; every limit lets 5 % of calm windows pass")
    drawn.savefig(RESULTS / "power.png", dpi=110, bbox_inches="tight")
    plt.close(drawn)
