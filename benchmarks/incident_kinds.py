"""What happens to windows of card clients: five kinds of incident, each in several ways, columns and sizes.

The limits of the diagnosis were set on ``TRIED`` alone. ``MEASURED`` has more columns, other factors, and ways that
were never tried, so it also says what the diagnosis makes of an incident that nobody thought of. Sizes start where a
careful person with the window at hand would be sure, and are drawn evenly up to what nobody could miss:

* delivery: a day away, half of it or less there, twice there, repeated or late; 6 % or more of some columns missing
* values: 20 % or more of a column's values by another unit, name, sign or type, or filled with one value
* selection: weights that differ by 2.2 times or more between the ends of a column, or a group that is three times as
  frequent or gone
* environment: amounts of two or more families by a fifth or more, or 8 % or more of clients that pay later; not alike
  for all, for clients differ
* concept: default rate or AUC moves by about four standard errors or more, in the median by eight; where late payers'
  outcomes are reversed by 1.5 or more, in the median by three

Not among them: a mix of a column that makes no groups, which is told as a change of the world at best; a change of the
world that puts many clients to one value, such as months without payment, which looks like a fault; two at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from include.models.metrics import Array
from include.monitoring.kinds import Cause
from include.use_cases.credit_risk import SPEC

KINDS: tuple[Cause, ...] = ("delivery", "values", "selection", "environment", "concept")
TARGET = SPEC.contract.target
BILLS, PAID = ([f"{name}_AMT{month}" for month in range(1, 7)] for name in ("BILL", "PAY"))
DELAYS = ["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"]
Draw = np.random.Generator


@dataclass(frozen=True)
class Scope:
    """What incidents are drawn from: ways of each kind, columns, factors of units.

    Args:
        delivery: Ways of faults in the delivery, as below.
        values: Ways of faults in the values.
        selection: Ways in which the mix may change.
        environment: Ways in which the world may; two or more happen together.
        concept: Ways in which the relation may.
        amounts: Columns that may get another unit, sign or filling.
        names: Columns that may get another name for a value.
        factors: Of another unit.
    """

    delivery: tuple[str, ...]
    values: tuple[str, ...]
    selection: tuple[str, ...]
    environment: tuple[str, ...]
    concept: tuple[str, ...]
    amounts: tuple[str, ...]
    names: tuple[str, ...]
    factors: tuple[float, ...]


TRIED = Scope(
    delivery=("missing", "absent", "part", "double"),
    values=("unit", "constant", "spelling", "sign", "merged"),
    selection=("slope",),
    environment=("bills", "payments", "delays"),
    concept=("turned", "worse", "random"),
    amounts=("LIMIT_BAL", *BILLS[:3], *PAID[:3]),
    names=("EDUCATION", *DELAYS[:3]),
    factors=(0.001, 0.01, 30.0, 1000.0),
)
MEASURED = Scope(
    delivery=(*TRIED.delivery, "repeated", "late"),
    values=(*TRIED.values, "filled", "swapped", "text"),
    selection=(*TRIED.selection, "frequent", "gone"),
    environment=(*TRIED.environment, "limits", "crisis"),
    concept=(*TRIED.concept, "better", "one group", "reversed"),
    amounts=("LIMIT_BAL", *BILLS, *PAID),
    names=("EDUCATION", *DELAYS),
    factors=(0.001, 0.01, 1 / 32, 12.0, 100.0, 1000.0),
)


@dataclass(frozen=True)
class Happened:
    """A window as it came.

    Args:
        rows: Its rows, with their outcomes.
        days: Day of each row, from 0; shape (rows,).
        length: Its days, those without rows too.
        what: What was done to it.
        repeated: Rows whose key the day had already, by day.
        late: Days after its own that a day came.
    """

    rows: pd.DataFrame
    days: Array
    length: int
    what: str = "nothing"
    repeated: dict[int, int] = field(default_factory=dict)
    late: dict[int, int] = field(default_factory=dict)


def calm(clients: pd.DataFrame, draw: Draw, a_day: int) -> Happened:
    """Return 6 to 12 days of clients, drawn without replacement."""
    sizes = draw.poisson(a_day, size=int(draw.integers(6, 13)))
    rows = clients.iloc[draw.choice(len(clients), sizes.sum(), replace=False)].reset_index(drop=True)
    return Happened(rows, np.repeat(np.arange(len(sizes)), sizes), len(sizes))


def incident(kind: Cause, scope: Scope, clients: pd.DataFrame, draw: Draw, a_day: int) -> Happened:
    """Return a window to which something of a kind has happened; ``none`` leaves it as it is."""
    before = calm(clients, draw, a_day)
    if kind == "none":
        return before
    if kind == "selection":
        return _selection(before, scope, clients, draw)
    ways: dict[Cause, Callable[[Happened, Scope, Draw], Happened]] = {
        "delivery": _delivery, "values": _values, "environment": _environment, "concept": _concept,
    }  # fmt: skip
    return ways[kind](before, scope, draw)


def _delivery(window: Happened, scope: Scope, draw: Draw) -> Happened:
    rows, days, what = window.rows, window.days, str(draw.choice(scope.delivery))
    day = int(draw.integers(0, window.length))
    here = days == day
    if what == "missing":
        columns = list(draw.choice(SPEC.model_columns, int(draw.integers(1, 5)), replace=False))
        lost = draw.random(len(rows)) < draw.uniform(0.06, 0.5)
        gone = {name: rows[name].astype(float).where(~lost) for name in columns}
        return replace(window, rows=rows.assign(**gone), what=f"{lost.mean():.0%} missing in {columns}")
    if what == "late":
        return replace(window, late={day: int(draw.integers(1, 6))}, what=what)
    if what == "repeated":
        return replace(window, repeated={day: int(here.sum() * draw.uniform(0.2, 1))}, what=what)
    if what == "double":
        place = np.append(np.arange(len(rows)), np.flatnonzero(here))
        return replace(window, rows=rows.iloc[place].reset_index(drop=True), days=days[place], what=what)
    share = 1.0 if what == "absent" else draw.uniform(0.5, 0.9)
    kept = ~here | (draw.random(len(rows)) >= share)
    return replace(window, rows=rows.loc[kept].reset_index(drop=True), days=days[kept], what=f"{what} {share:.0%}")


def _values(window: Happened, scope: Scope, draw: Draw) -> Happened:
    rows, what = window.rows, str(draw.choice(scope.values))
    hit = draw.random(len(rows)) < draw.uniform(0.2, 1.0)
    amount = str(draw.choice(scope.amounts))
    changed: dict[str, pd.Series] = {}
    if what == "unit":
        factor = float(draw.choice(scope.factors))
        family = [name for name in scope.amounts if name[:8] == amount[:8]] if draw.random() < 0.3 else [amount]
        changed = {name: rows[name].where(~hit, rows[name] * factor) for name in family}
        said = f"{family} × {factor:g}"
    elif what == "constant":
        name = str(draw.choice(SPEC.model_columns))
        changed, said = {name: rows[name] * 0 + rows[name].median()}, f"{name} constant"
    elif what in ("spelling", "merged"):
        name = str(draw.choice(scope.names)) if what == "spelling" else "EDUCATION"
        often = rows[name].value_counts().index
        old = often[int(draw.integers(0, 2))]
        new, moved = (old + 90, hit) if what == "spelling" else (often[2], np.ones(len(rows), dtype=bool))
        changed, said = {name: rows[name].where(~(moved & (rows[name] == old)), new)}, f"{name}: {old} is {new}"
    elif what == "sign":
        name = str(draw.choice([name for name in scope.amounts if name not in PAID]))
        changed, said = {name: rows[name].where(~hit, -rows[name])}, f"{name} has another sign"
    elif what == "filled":
        changed = {amount: rows[amount].where(~hit, float(draw.choice([0, 1, 99_999, rows[amount].median()])))}
        said = f"{amount} is filled"
    elif what == "swapped":
        other = str(draw.choice(PAID if amount not in PAID else ["LIMIT_BAL", *BILLS]))
        changed, said = {amount: rows[other], other: rows[amount]}, f"{amount} and {other} swapped"
    else:
        wrote = rows[amount].map("NT$ {:,.0f}".format)
        changed, said = {amount: rows[amount].astype(object).where(~hit, wrote)}, f"{amount} is text"
    return replace(window, rows=rows.assign(**changed), what=f"{said}, {hit.mean():.0%}")


def _selection(window: Happened, scope: Scope, clients: pd.DataFrame, draw: Draw) -> Happened:
    name, what = str(draw.choice(SPEC.monitoring.groups)), str(draw.choice(scope.selection))
    ranks = clients[name].rank(pct=True).to_numpy()
    if what == "slope":
        slope = draw.choice([-1, 1]) * draw.uniform(0.8, 2.5)
        weight, said = np.exp(slope * ranks), f"{slope:.1f}"
    else:
        band = np.minimum((ranks * 4).astype(int), 3) if name == "LIMIT_BAL" else clients[name].to_numpy()
        known, counts = np.unique(band, return_counts=True)
        chosen = draw.choice(known[counts > 0.1 * len(band)])
        factor = draw.uniform(3, 6) if what == "frequent" else 0.0
        weight, said = np.where(band == chosen, factor, 1.0), f"{chosen} × {factor:.1f}"
    rows = clients.iloc[draw.choice(len(ranks), len(window.rows), replace=False, p=weight / weight.sum())]
    return replace(window, rows=rows.reset_index(drop=True), what=f"mix of {name}, {what} {said}")


def _environment(window: Happened, scope: Scope, draw: Draw) -> Happened:
    rows, said = window.rows, []
    changed: dict[str, pd.Series] = {}
    ways = list(draw.permutation(scope.environment)[: int(draw.integers(2, 4))])
    crisis = "crisis" in ways
    own = draw.normal(1, 0.3, len(rows))  # clients are not hit alike
    factors = {"bills": (BILLS, 1.2, 1.6), "payments": (PAID, 1.25, 2.0), "limits": (["LIMIT_BAL"], 1.2, 1.6)}
    for way, (columns, low, high) in factors.items():
        if way in ways or (crisis and way != "limits"):
            sense = draw.choice([-1, 1]) if not crisis else -1 if way == "payments" else 1
            factor = draw.uniform(low, high) ** sense
            changed |= {name: (rows[name] * factor**own).round() for name in columns}
            said.append(f"{way} × {factor:.2f}")
    if crisis or "delays" in ways:
        share = draw.uniform(0.08, 0.25)
        likely = np.where(rows["PAY_0"] < 0, 0.6, 1.2) * share  # who owes nothing is seldom late
        later = draw.random(len(rows)) < likely
        changed |= {name: rows[name].where(~later, (rows[name].clip(lower=0) + 1).clip(upper=8)) for name in DELAYS[:3]}
        said.append(f"{later.mean():.0%} pay later")
    return replace(window, rows=rows.assign(**changed), what=", ".join(said))


def _concept(window: Happened, scope: Scope, draw: Draw) -> Happened:
    rows, outcomes, what = window.rows, window.rows[TARGET].to_numpy(), str(draw.choice(scope.concept))
    drawn, anew = draw.random(len(rows)), (draw.random(len(rows)) < outcomes.mean()).astype(int)
    low, high = {"turned": (0.1, 0.3), "worse": (0.08, 0.25), "random": (0.25, 0.6), "better": (0.4, 0.8),
                 "one group": (0.6, 1.0), "reversed": (0.4, 0.9)}[what]  # fmt: skip
    share = draw.uniform(low, high)
    late = (rows["PAY_0"] > 0).to_numpy()
    group = (rows["LIMIT_BAL"].rank(pct=True) > 0.5).to_numpy() == (draw.random() < 0.5)
    turned = {
        "turned": np.where(~late, 1 - outcomes, outcomes), "worse": np.ones_like(outcomes), "random": anew,
        "better": np.zeros_like(outcomes), "one group": np.where(group, anew, outcomes),
        "reversed": np.where(late, 1 - outcomes, outcomes),
    }[what]  # fmt: skip
    return replace(
        window, rows=rows.assign(**{TARGET: np.where(drawn < share, turned, outcomes)}), what=f"{what} {share:.0%}"
    )
