"""Signs in a column that no change of the world leaves: a unit, a constant, another spelling, values that are gone.

The world moves amounts by a part of their spread and many columns at once. A program that changed moves nearly all of
one column's values to where none was, or to one place, or swaps a name for another that nobody has seen.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from include.monitoring.drift import ColumnDrift
from include.monitoring.sketch import ColumnSketch, Counts

Kind = Literal["delivery", "values"]
_GONE = 0.03  # rise of the share without a value
_OUTSIDE = 0.08  # of values beyond all that the reference has
_UNHEARD = 0.04  # of values by a name that the reference does not have
_LOST = 0.02  # share that a name had which has vanished
_ONE = 0.98  # of values in one cell
_CROWDED = 0.35  # rise of the share in the cells at one end, beyond what a shift by a standard deviation brings
_ALONE = 0.6  # effect of a column that moved alone


def fault(
    sketch: ColumnSketch, counts: Counts, drift: ColumnDrift, *, free_level: bool = False
) -> tuple[Kind, str] | None:
    """Return the sign that a drifted column bears, and in which of the two ways it is a fault.

    Args:
        sketch: The column in the reference.
        counts: Its cells in the window.
        drift: What was found.
        free_level: Whether amounts may take another level for good.
    """
    before, now = np.array(sketch.counts, dtype=float), counts.astype(float)
    gone = drift.missing_now - drift.missing_before
    if gone > _GONE:
        return "delivery", f"{drift.missing_now:.1%} of its values are missing, {drift.missing_before:.1%} were before"
    before, now = before[:-1] / max(before[:-1].sum(), 1), now[:-1] / max(now[:-1].sum(), 1)
    if now.max(initial=0) >= _ONE > before.max(initial=0) + 0.05:
        return "values", f"nearly all of its values are {sketch.labels[int(now.argmax())]}"
    if sketch.ordered and free_level:
        return None
    said = _amounts(sketch, before, now) if sketch.ordered else _names(sketch, before, now)
    return ("values", said) if said else None


def alone(drifted: list[ColumnDrift]) -> ColumnDrift | None:
    """Return the one column that moved far while no other did, none where others moved as well."""
    far = [each for each in drifted if each.effect >= _ALONE]
    return far[0] if len(far) == 1 == len(drifted) else None


def _amounts(sketch: ColumnSketch, before: np.ndarray, now: np.ndarray) -> str:
    below, above = now[0] - before[0], now[-1] - before[-1]
    if below + above > _OUTSIDE:
        low, high = sketch.edges[0], sketch.edges[-1]
        return f"{below + above:.0%} of its values lie outside of {low:g} to {high:g}, where all were before"
    if len(now) < 6:
        return ""
    quarter = max(len(now) // 4, 2)
    for end, name in ((slice(0, quarter), "lowest"), (slice(len(now) - quarter, None), "highest")):
        if (rise := now[end].sum() - before[end].sum()) > _CROWDED and now[end].sum() > 0.85:
            return f"{rise:.0%} of its values moved to the {name} that there were, as by another unit"
    return ""


def _names(sketch: ColumnSketch, before: np.ndarray, now: np.ndarray) -> str:
    unheard = now[-1] - before[-1]
    lost = [name for name, was, left in zip(sketch.names, before, now, strict=False) if was > _LOST and left < was / 20]
    if unheard > _UNHEARD:
        away = f", while {', '.join(lost)} has vanished" if lost else ""
        return f"{unheard:.0%} of its values have a name that was never seen{away}"
    return f"{', '.join(lost)} has vanished, and others took its share" if lost else ""
