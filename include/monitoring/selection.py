"""Did only the mix of groups move: then the reference, with its groups weighted as the window's are, looks like it.

Weighting by one column predicts the others, those that should move with it and those that should not. What is left of
all differences, that column's own among them, tells whether it is the whole story (reweighting to the target's mix:
Deming & Stephan, 1940).
"""

from __future__ import annotations

import numpy as np
from pydantic import Field

from include.monitoring.profile import Groups, ReferenceProfile
from include.monitoring.sketch import Counts
from include.monitoring.smooth_test import compare
from include.monitoring.window import WindowCounts
from include.records import Record


class Mix(Record):
    """How far another mix of one column's groups explains a window."""

    column: str
    explained: float = Field(description="share of all columns' squared effects that is gone with the window's mix")
    moved: tuple[str, ...] = Field(description="groups whose share moved most, with their shares before and now")


def best_mix(profile: ReferenceProfile, seen: WindowCounts) -> Mix | None:
    """Return the column whose groups explain most of a window, none where the reference has no groups."""
    mixes = [
        _mix(profile, seen, name, groups)
        for name, groups in profile.groups.items()
        if name in seen.columns and seen.columns[name].sum() > 0
    ]
    return max(mixes, key=lambda mix: mix.explained, default=None)


def _mix(profile: ReferenceProfile, seen: WindowCounts, name: str, groups: Groups) -> Mix:
    of_cell, count = np.array(groups.of_cell), len(groups.labels)
    now = np.bincount(of_cell, weights=seen.columns[name], minlength=count)
    before = np.bincount(of_cell, weights=profile.columns[name].counts, minlength=count)
    now, before = now / now.sum(), before / before.sum()
    ratio = np.where(before > 0, now / np.where(before > 0, before, 1), 0.0)
    weighted = ratio @ groups.counts
    starts = profile.starts
    plain, left = 0.0, 0.0
    for column, counts in seen.columns.items():
        if not counts.sum():
            continue
        ordered, cells = profile.columns[column].ordered, starts[column]
        plain += _effect(np.array(profile.columns[column].counts), counts, ordered=ordered) ** 2
        left += _effect(np.rint(weighted[cells]).astype(np.int64), counts, ordered=ordered) ** 2
    moved = sorted(range(count), key=lambda each: -abs(now[each] - before[each]))[:2]
    return Mix(
        column=name,
        explained=1 - left / plain if plain else 0.0,
        moved=tuple(f"{groups.labels[each]}: {before[each]:.0%} before, {now[each]:.0%} now" for each in moved),
    )


def _effect(before: Counts, now: Counts, *, ordered: bool) -> float:
    return compare(before, now, ordered=ordered).effect if before.sum() else 0.0
