"""Did only the mix of groups move: then the reference, with its groups weighted as the window's are, looks like it.

Weighting by one column predicts the others, those that should move with it and those that should not. What is left of
their effects tells whether the mix is the whole story (reweighting to the target's mix: Deming & Stephan, 1940). The
column that makes the groups is no witness for itself: its own shares are met whatever has happened.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from pydantic import Field

from include.monitoring.drift import ColumnDrift
from include.monitoring.profile import Groups, ReferenceProfile
from include.monitoring.smooth_test import compare
from include.monitoring.window import WindowCounts
from include.records import Record

_LEFT = 0.01  # p-value below which what is left of a column's effect is no chance
_PART, _STILL = 0.5, 0.2  # effect of a part that took or gave much, and of a whole that stands still
_SURE = 0.001  # the same of a column that stood still, and so contradicts the mix: it should have moved with it


class Mix(Record):
    """How far another mix of one column's groups explains a window."""

    column: str
    explained: float = Field(description="share of the other columns' effects that is gone with the window's mix")
    moved: tuple[str, ...] = Field(description="groups whose share moved most, with their shares before and now")


def best_mix(
    profile: ReferenceProfile, seen: WindowCounts, moved: Collection[str], *, without: Collection[str] = ()
) -> Mix | None:
    """Return the column whose groups explain most of a window, none where the reference has no groups.

    Args:
        profile: The reference.
        seen: The window.
        moved: Columns that have drifted.
        without: Columns that say nothing, for their values are wrong.
    """
    mixes = [
        _mix(profile, seen, name, groups, moved, without)
        for name, groups in profile.groups.items()
        if name not in without and name in seen.columns and seen.columns[name].sum() > 0
    ]
    return max(mixes, key=lambda mix: (mix.explained, mix.column in moved), default=None)


def _mix(
    profile: ReferenceProfile,
    seen: WindowCounts,
    name: str,
    groups: Groups,
    moved: Collection[str],
    without: Collection[str],
) -> Mix:
    of_cell, count = np.array(groups.of_cell), len(groups.labels)
    now = np.bincount(of_cell, weights=seen.columns[name], minlength=count)
    before = np.bincount(of_cell, weights=profile.columns[name].counts, minlength=count)
    now, before = now / now.sum(), before / before.sum()
    ratio = np.where(before > 0, now / np.where(before > 0, before, 1), 0.0)
    # Rows that are weighted unequally tell as much as fewer rows that are not (Kish, 1965).
    weighted = ratio @ groups.counts * (ratio @ before) ** 2 / (ratio**2 @ before)
    plain, left = 0.0, 0.0
    for column, cells in profile.starts.items():
        counts, predicted = seen.columns.get(column), np.rint(weighted[cells]).astype(np.int64)
        if column == name or column in without or counts is None or not counts.sum() or not predicted.sum():
            continue
        sketch = profile.columns[column]
        # Rows of a day depend: a test of rows finds something left in every week, so a column that stood still by the
        # test of days is taken to be as before.
        still = profile.in_blocks and column not in moved
        rest = compare(predicted, np.array(sketch.counts) if still else counts, ordered=sketch.ordered)
        if column in moved:
            plain += compare(np.array(sketch.counts), counts, ordered=sketch.ordered).effect ** 2
        if rest.p_value < (_LEFT if column in moved else _SURE) and not (still and rest.effect < _STILL):
            left += rest.effect**2
    most = sorted(range(count), key=lambda each: -abs(now[each] - before[each]))[:2]
    return Mix(
        column=name,
        explained=1 - float(np.sqrt(left / plain)) if plain else float(name in moved and not left),
        moved=tuple(f"{groups.labels[each]}: {before[each]:.0%} before, {now[each]:.0%} now" for each in most),
    )


def exchanged(columns: Sequence[ColumnDrift], parts: Collection[str], whole: str) -> tuple[list[str], list[str]]:
    """Return the parts of a whole that took, and those that gave, where the whole stands still; none otherwise.

    Args:
        columns: What was found of each column.
        parts: Columns that add up to the whole.
        whole: Its column.
    """
    far = [each for each in columns if each.column in parts and each.effect >= _PART]
    took = [each.column for each in far if each.shift > 0]
    gave = [each.column for each in far if each.shift < 0]
    still = any(each.column == whole and each.effect < _STILL for each in columns)
    return (took, gave) if took and gave and still else ([], [])
