"""Signs in a column that no change of the world leaves: a unit, a constant, another spelling, values that are gone.

The world moves amounts by a part of their spread, all of them a little, and many columns at once. A program that
changed takes values from everywhere in a column alike, puts them where few or none were, and leaves the others as they
are; or it swaps a name for another that nobody has seen.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from include.monitoring.drift import ColumnDrift
from include.monitoring.sketch import ColumnSketch, Counts
from include.monitoring.smooth_test import compare

_GONE = 0.03  # rise of the share without a value
_OUTSIDE = 0.03  # of values beyond all that the reference has
_UNHEARD = 0.02  # of values by a name that the reference does not have
_LOST = 0.02  # share that a name had which has vanished
_ONE = 0.98  # of values that are one
_PUT = 0.1  # share of values that were taken from everywhere and put to one place
_PLACE = 0.25  # of the cells that are one place, at most
_HELD = 0.8  # of all gains that this place must hold
_AS_BEFORE = 0.12  # effect among the other cells up to which they look as before
_FINE = 12  # cells from which a place is a small part of the column
_DENSER = 1.6  # times the values that this place had
_ALONE, _COMPANIONS = 0.5, 0.2  # effect of one or two columns that moved alone, and of all others
_MANY = 6  # columns from which two of them are few
_MOST = 0.5  # of columns, or of a column's values


@dataclass(frozen=True)
class Sign:
    """What is wrong with a column.

    Args:
        said: In words, with numbers.
        gone: Whether values did not come; they are wrong otherwise.
        shape: Whether only the shape of the column tells; what the world does may by chance leave such a one.
    """

    said: str
    gone: bool = False
    shape: bool = False


def fault(
    sketch: ColumnSketch,
    counts: Counts,
    drift: ColumnDrift,
    *,
    held: tuple[float, int] = (0.0, 0),
    free_level: bool = False,
    all_moved: bool = False,
) -> Sign | None:
    """Return the sign that a drifted column bears, none if it bears none.

    Args:
        sketch: The column in the reference.
        counts: Its cells in the window, shape (cells,).
        drift: What was found.
        held: Of an ordered column its commonest value in the window, and how many have it.
        free_level: Whether amounts may take another level for good.
        all_moved: Whether most columns have moved. What the world moves in all of them leaves the range of a small
            reference, too, so then most of a column's values must lie outside of it.
    """
    if drift.missing_now - drift.missing_before > _GONE:
        said = f"{drift.missing_now:.1%} of its values are missing, {drift.missing_before:.1%} were before"
        return Sign(said, gone=True)
    reference, window = np.array(sketch.counts[:-1]), counts[:-1]
    if not reference.sum() or not window.sum():
        return None
    before, now = reference / reference.sum(), window / window.sum()
    if sign := one_value(sketch, counts, held, usual_up_to=_ONE - 0.05):
        return sign
    if sketch.ordered and free_level:
        return None
    if sketch.ordered:
        return _outside(sketch, before, now, all_moved=all_moved) or (
            None if all_moved else _taken(sketch, reference, window)
        )
    return _names(sketch, before, now)


def one_value(
    sketch: ColumnSketch, counts: Counts, held: tuple[float, int], *, usual_up_to: float = _MOST
) -> Sign | None:
    """Return the sign of a column whose values are one, none if they differ.

    Where no cell of the reference has more than half, chance does not bring it about, so no test is asked whether the
    column has drifted: a meter that is stuck at a usual reading differs little from a quiet week.

    Args:
        sketch: The column in the reference.
        counts: Its cells in the window, shape (cells,).
        held: Of an ordered column its commonest value in the window, and how many have it.
        usual_up_to: Share that one cell of the reference may have.
    """
    reference, window = np.array(sketch.counts[:-1]), counts[:-1]
    if not reference.sum() or not window.sum():
        return None
    one, share = f"{held[0]:g}", held[1] / window.sum()
    if not sketch.ordered:
        one, share = sketch.labels[int(window.argmax())], window.max() / window.sum()
    usual = reference.max() / reference.sum()
    return Sign(f"{share:.0%} of its values are one: {one}") if share >= _ONE and usual < usual_up_to else None


def most_moved(drifted: list[ColumnDrift], *, of: int) -> bool:
    """Return whether of so many columns most have moved, and not a little."""
    return sum(each.effect >= _COMPANIONS for each in drifted) > max(_MOST * of, 2)


def alone(drifted: list[ColumnDrift], *, of: int) -> list[ColumnDrift]:
    """Return the one or two columns of so many that moved far while the others did not; none where others did."""
    moved = [each for each in drifted if each.effect >= _COMPANIONS]
    few = len(moved) <= (2 if of >= _MANY else 1)
    return moved if few and all(each.effect >= _ALONE for each in moved) else []


def _outside(
    sketch: ColumnSketch, before: NDArray[np.float64], now: NDArray[np.float64], *, all_moved: bool
) -> Sign | None:
    outside = now[0] - before[0] + now[-1] - before[-1]
    if outside <= (_MOST if all_moved else _OUTSIDE) or not sketch.edges:
        return None
    low, high = sketch.edges[0], sketch.edges[-1]
    return Sign(f"{outside:.0%} of its values lie outside of {low:g} to {high:g}, where all were before")


def _taken(sketch: ColumnSketch, reference: Counts, window: Counts) -> Sign | None:
    before, now = reference / reference.sum(), window / window.sum()
    if ((before > 0) | (now > 0)).sum() < _FINE:
        return None
    gains = np.maximum(now - before, 0)
    for place in _places(gains):
        put, rest = gains[place].sum(), ~place
        if put < max(_PUT, _HELD * gains.sum(), (_DENSER - 1) * before[place].sum()):
            continue
        if _as_before(reference[rest], window[rest]):
            labels = np.array(sketch.labels[:-1])[place]
            where = labels[0] if len(labels) == 1 else f"{labels[0]} … {labels[-1]}"
            return Sign(f"{put:.0%} of its values were taken from everywhere alike and are now at {where}", shape=True)
    return None


def _places(gains: NDArray[np.float64]) -> list[NDArray[np.bool_]]:
    """Return the places where values may have been put, the smallest first: the fullest cell, or an end."""
    cells = np.arange(len(gains))
    ends = [cells < size for size in range(1, int(_PLACE * len(gains)) + 1)]
    return [cells == gains.argmax(), *(each for low in ends for each in (low, low[::-1]))]


def _as_before(reference: Counts, window: Counts) -> bool:
    if not reference.sum() or not window.sum():
        return True
    return compare(np.append(reference, 0), np.append(window, 0), ordered=True).effect < _AS_BEFORE


def _names(sketch: ColumnSketch, before: NDArray[np.float64], now: NDArray[np.float64]) -> Sign | None:
    unheard = now[-1] - before[-1]
    lost = [name for name, was, left in zip(sketch.names, before, now, strict=False) if was > _LOST and left < was / 20]
    if unheard > _UNHEARD:
        away = f", while {', '.join(lost)} has vanished" if lost else ""
        return Sign(f"{unheard:.0%} of its values have a name that was never seen{away}")
    gains = np.maximum(now - before, 0)
    if not lost or gains.max() < _HELD * gains.sum():
        return None  # a group that stays away leaves its share to all others
    return Sign(f"{', '.join(lost)} has vanished, and {sketch.labels[int(gains.argmax())]} took its share")
