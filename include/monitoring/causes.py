"""Why a window differs: one of five kinds of cause, told by the signs that the others do not leave.

The order is that of harm done by a wrong answer: a fault that is taken for a change of the world gets a model that has
learned the fault. So faults are looked for first, and only what bears no sign of one is a change; the relation itself
is blamed where inputs do not explain what the truth shows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from include.monitoring.delivery import Delivery
from include.monitoring.diagnosis import Diagnosis, Promise
from include.monitoring.drift import SCORE, ColumnDrift, WindowDrift
from include.monitoring.faults import alone, fault, most_moved, one_value
from include.monitoring.profile import ReferenceProfile
from include.monitoring.selection import Mix, best_mix, exchanged
from include.monitoring.window import WindowCounts

_EXPLAINED = 0.5  # share of the effects that another mix must explain
_SMALL = 0.2  # largest effect of inputs that cannot be what broke a promise
_BYSTANDERS = 3  # columns that moved without any sign, beside which the shape of another one is no sign either
_FAR = 1.5  # excess of a broken promise over what another mix may do to it
_NAMED = 5  # columns in a sentence


def diagnose(
    profile: ReferenceProfile,
    seen: WindowCounts,
    drift: WindowDrift,
    *,
    delivery: Delivery | None = None,
    promises: Sequence[Promise] = (),
    free_levels: bool = False,
    parts: Collection[str] = (),
    whole: str = "",
) -> Diagnosis:
    """Return why a window differs from the reference.

    Args:
        profile: The reference.
        seen: The window's counts.
        drift: What differs.
        delivery: How its rows came; none where that is not known.
        promises: What was expected of its quality, and what the labels said; none before they are there.
        free_levels: Whether amounts of one column may take another level for good, as a zone with a new consumer does;
            such a level is then no sign of a fault.
        parts: Columns that add up to one, as the zones of a grid do: where some took what others gave, the mix moved.
        whole: That column.
    """
    gone, wrong = _signs(profile, seen, drift, free_levels=free_levels)
    left = [each for each in drift.drifted if each.column not in gone | wrong]
    faulty = bool(gone or wrong)
    silent = {*gone, *wrong, *([SCORE] if faulty else [])}  # scores of faulty columns say nothing either
    mix = best_mix(profile, seen, [each.column for each in left], without=silent) if left else None
    explained = mix is not None and mix.explained >= _EXPLAINED
    lone = [] if faulty or explained or free_levels else alone(_inputs(left), of=len(seen.columns))
    # Names of which none is new or gone come in another mix; an amount that moves alone has another unit.
    other_mix = [each for each in lone if each.column in profile.groups and not profile.columns[each.column].ordered]
    wrong |= {
        each.column: f"moved by {each.effect:.2f} standard deviations while the other columns did not"
        for each in lone
        if each not in other_mix
    }
    late, broken = (delivery.faults, delivery.broken) if delivery else ([], [])
    faults = [
        Diagnosis(cause="delivery", evidence=(*late, *_named(gone)), columns=tuple(gone)),
        Diagnosis(cause="values", evidence=(*_named(wrong), *broken), columns=tuple(wrong)),
    ]
    left = [each for each in _inputs(left) if each.column not in wrong]
    faulty = faulty or bool(wrong)
    mixed = None if explained else _mixed(drift, other_mix, set(parts) - gone.keys() - wrong.keys(), whole)
    changes = _changes(drift, left, mix, promises, faulty=faulty, mixed=mixed)
    found = [*(each for each in faults if each.evidence), *changes]
    notes = tuple(f"{name}: {said}" for name, said in drift.problems.items() if name not in profile.columns)
    first, *others = found or [Diagnosis(cause="none")]
    return first.model_copy(
        update={
            "evidence": (*first.evidence, *notes),
            "not_judged": drift.not_judged,
            "runner_up": others[0].cause if others else None,
        }
    )


def _signs(
    profile: ReferenceProfile, seen: WindowCounts, drift: WindowDrift, *, free_levels: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what is wrong with columns: those whose values did not come, and those whose values are others."""
    problems = {name: said for name, said in drift.problems.items() if name in profile.columns}
    gone = {name: said for name, said in problems.items() if name not in seen.columns}
    wrong = {name: said for name, said in problems.items() if name in seen.columns}
    moved, signs = _inputs(drift.drifted), {}
    all_moved = most_moved(moved, of=len(_inputs(drift.columns)))
    for each in _inputs(drift.columns):
        sketch, counts = profile.columns[each.column], seen.columns[each.column]
        held = seen.held.get(each.column, (0.0, 0))
        if each.drifted:
            sign = fault(sketch, counts, each, held=held, free_level=free_levels, all_moved=all_moved)
        else:
            sign = one_value(sketch, counts, held)
        if sign and each.column not in wrong:  # a text among numbers is not gone, though it has no number
            signs[each.column] = sign
    others = sum(each.column not in signs for each in moved)
    by_shape = sum(each.shape for each in signs.values())
    for name, sign in signs.items():
        if not (sign.shape and others >= max(_BYSTANDERS, by_shape)):
            (gone if sign.gone else wrong)[name] = sign.said
    return gone, wrong


def _changes(
    drift: WindowDrift,
    left: list[ColumnDrift],
    mix: Mix | None,
    promises: Sequence[Promise],
    *,
    faulty: bool,
    mixed: Diagnosis | None,
) -> list[Diagnosis]:
    """Return what may have changed beside faulty columns, the likeliest first.

    A faulty column moves the scores, breaks promises and is told apart by itself; so nothing is read from these then.
    """
    moved = mixed or _moved(drift, left, mix) if left or (drift.alarm and not faulty) else None
    broken = [each for each in promises if each.broken and not faulty]
    if not broken:
        return [moved] if moved else []
    said = tuple(each.said for each in broken)
    columns = tuple(each.column for each in left)
    if moved is None:
        return [Diagnosis(cause="concept", evidence=(*said, "no input has moved"), columns=columns)]
    small = all(each.effect < _SMALL for each in left)
    far = max(each.excess for each in broken) > _FAR
    if small or (far and moved.cause == "selection"):
        evidence = (*said, "the inputs do not explain it", *moved.evidence)
        return [Diagnosis(cause="concept", evidence=evidence, columns=columns), moved]
    beside = Diagnosis(cause="concept", evidence=said, columns=columns)
    return [moved.model_copy(update={"evidence": (*moved.evidence, *said)}), beside]


def _mixed(
    drift: WindowDrift, alone_in_moving: Sequence[ColumnDrift], parts: Collection[str], whole: str
) -> Diagnosis | None:
    """Return another mix that weighting by groups does not show: there is nothing beside it that it could explain."""
    took, gave = exchanged(drift.columns, parts, whole)
    if took:
        said = f"{whole} stands still, while {', '.join(took)} took and {', '.join(gave)} gave"
        return Diagnosis(cause="selection", evidence=(said,), columns=(*took, *gave))
    if alone_in_moving:
        said = " and ".join(f"{each.column} by {each.effect:.2f}" for each in alone_in_moving)
        evidence = (f"its groups have other shares, and no other column moved far: {said}",)
        return Diagnosis(cause="selection", evidence=evidence, columns=tuple(each.column for each in alone_in_moving))
    return None


def _moved(drift: WindowDrift, left: list[ColumnDrift], mix: Mix | None) -> Diagnosis:
    """Return in which way inputs moved that bear no sign of a fault."""
    columns = tuple(each.column for each in left)
    if mix is not None and mix.explained >= _EXPLAINED:
        said = f"the mix of {mix.column} explains {mix.explained:.0%} of all that moved ({'; '.join(mix.moved)})"
        others = tuple(name for name in columns if name != mix.column)
        return Diagnosis(cause="selection", evidence=(said,), columns=(mix.column, *others))
    moved = [f"{each.column} by {each.effect:.2f}" for each in left[:_NAMED]]
    if not moved:
        moved = ["all columns together" if drift.joint_drifted else "the scores"]
    rest = [f"no mix of groups explains it (best: {mix.column}, {max(mix.explained, 0):.0%})"] if mix else []
    return Diagnosis(
        cause="environment", evidence=(f"moved without a sign of a fault: {', '.join(moved)}", *rest), columns=columns
    )


def _inputs(columns: Sequence[ColumnDrift]) -> list[ColumnDrift]:
    return [each for each in columns if each.column != SCORE]


def _named(found: dict[str, str]) -> list[str]:
    return [f"{name}: {said}" for name, said in found.items()]
