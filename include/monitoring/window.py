"""A window as the reference sees it: counts in the reference's cells, read once, in parts if it is large."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from include.monitoring.profile import ReferenceProfile, group_codes, group_counts
from include.monitoring.sketch import Counts, codes, count, held, unreadable

_SAMPLE = 1000


@dataclass
class WindowCounts:
    """What a window holds.

    Args:
        rows: How many rows it has.
        columns: Counts in the cells of each column that it has.
        held: Of an ordered column most of whose values lie in one cell: its commonest value, and how many have it. A
            cell is wide, so its count alone cannot tell a meter that is stuck from one that has another level.
        groups: Rows by group and by cell of all columns, for each column that makes groups.
        sample: Cells of some of its rows, as the reference's sample.
        problems: What is wrong with a column, by its name; the others are compared all the same.
    """

    rows: int = 0
    columns: dict[str, Counts] = field(default_factory=dict)
    held: dict[str, tuple[float, int]] = field(default_factory=dict)
    groups: dict[str, Counts] = field(default_factory=dict)
    sample: np.ndarray = field(default_factory=lambda: np.empty((0, 0), np.uint8))
    problems: dict[str, str] = field(default_factory=dict)


def read(profile: ReferenceProfile, window: pd.DataFrame | Iterable[pd.DataFrame], *, seed: int = 0) -> WindowCounts:
    """Read a window, as one frame or as parts that are looked at one after another.

    Args:
        profile: The reference.
        window: Rows with the reference's columns; what is missing or new becomes a problem, not an error.
        seed: Of the sample.
    """
    found = WindowCounts()
    draw, keys = np.random.default_rng(seed), np.empty(0)
    values: dict[str, Counter[float]] = {}
    infinite: dict[str, int] = {}
    strange: dict[str, int] = {}
    for part in _parts(window):
        found.rows += len(part)
        for name, column in profile.columns.items():
            if name not in part:
                found.problems[name] = "column is not there"
                continue
            counts = count(column, part[name])
            found.columns[name] = found.columns.get(name, 0) + counts
            if column.ordered and counts[:-1].max() > counts[:-1].sum() / 2:
                value, rows = held(column, part[name])
                values.setdefault(name, Counter())[value] += rows
            if part[name].dtype.kind == "f":
                infinite[name] = infinite.get(name, 0) + int(np.isinf(part[name].to_numpy()).sum())
            strange[name] = strange.get(name, 0) + unreadable(column, part[name])
        for name in part.columns.difference(list(profile.columns)):
            found.problems[str(name)] = "column is new: the reference knows nothing of it"
        _group(profile, part, found)
        keys = _sampled(profile, part, found, keys, draw)
    found.held = {name: each.most_common(1)[0] for name, each in values.items()}
    found.problems |= {name: f"{each} of {found.rows} values are infinite" for name, each in infinite.items() if each}
    found.problems |= {
        name: f"{each} of {found.rows} values are no numbers; the reference has numbers"
        for name, each in strange.items()
        if each
    }
    return found


def _parts(window: pd.DataFrame | Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    yield from [window] if isinstance(window, pd.DataFrame) else window


def _group(profile: ReferenceProfile, part: pd.DataFrame, found: WindowCounts) -> None:
    for name, groups in profile.groups.items():
        if name in part:
            place = group_codes(profile.columns[name], groups, part[name])
            counts = group_counts(profile.columns, part, place, len(groups.labels))
            found.groups[name] = found.groups.get(name, 0) + counts


def _sampled(
    profile: ReferenceProfile, part: pd.DataFrame, found: WindowCounts, keys: np.ndarray, draw: np.random.Generator
) -> np.ndarray:
    """Keep the rows with the smallest of some random numbers: a draw without replacement from a stream."""
    if any(name not in part for name in profile.sampled) or not profile.sampled:
        return keys
    drawn = draw.random(len(part))
    limit = np.sort(np.concatenate([keys, drawn]))[:_SAMPLE][-1] if len(keys) + len(drawn) else 0.0
    chosen = part.iloc[np.flatnonzero(drawn <= limit)]
    cells = np.column_stack([codes(profile.columns[name], chosen[name]) for name in profile.sampled])
    kept = keys <= limit
    found.sample = np.vstack([found.sample[kept], cells]) if len(keys) else cells
    return np.concatenate([keys[kept], drawn[drawn <= limit]])
