"""Three hundred incidents of five kinds, made from real clients, and how often their cause is named right.

Each is a window of 1,000 to 2,000 clients over some days, changed in one way whose kind, column and size are drawn. The
sizes go from what a careful person would notice to what nobody could miss; smaller ones are no incidents. The limits of
the diagnosis were set on other seeds than those that are counted here.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pandas as pd

from benchmarks.harness import Goal, Measure, Peer
from include.data.replay import credit_clients
from include.models.fitting import fit_calibrated
from include.models.metrics import Array, all_metrics, estimate, resamples
from include.monitor_ops.reference import reference_of, watched
from include.monitoring.causes import Cause, Diagnosis, Promise, diagnose
from include.monitoring.delivery import Delivery
from include.monitoring.drift import detect
from include.monitoring.estimate import Reliability, expected
from include.monitoring.profile import ReferenceProfile
from include.monitoring.window import read
from include.use_cases.credit_risk import SPEC

KINDS: tuple[Cause, ...] = ("delivery", "values", "selection", "environment", "concept")
A_KIND, GOAL, FIRST_SEED = 60, 0.9, 10_000  # seeds below 10,000 are for setting limits
_TRAINED, _FRESH, _A_DAY = 12_000, 5_000, 167
_PARAMS = {"max_leaf_nodes": 8, "l2_regularization": 1.0}
_TARGET, _KEY = SPEC.contract.target, SPEC.contract.key
_BILLS, _PAID = ([f"{name}_AMT{month}" for month in range(1, 7)] for name in ("BILL", "PAY"))
_DELAYS = ["PAY_0", "PAY_2", "PAY_3", "PAY_4", "PAY_5", "PAY_6"]
_FIRST = dt.date(2026, 1, 1)
Draw = np.random.Generator


@dataclass(frozen=True)
class World:
    """What stands before an incident: a model, its reference, and the clients that it has not seen."""

    score: Callable[[pd.DataFrame], Array]
    reference: ReferenceProfile
    reliability: Reliability
    later: pd.DataFrame


@dataclass(frozen=True)
class Incident:
    """A window as it came, the days of its rows, and what was done to it."""

    rows: pd.DataFrame
    days: Array
    what: str = "nothing"


@cache
def world() -> World:
    """Return a model of 12,000 clients, judged on 5,000 fresh ones; the others are still to come."""
    clients = credit_clients().sample(frac=1, random_state=SPEC.seed % 2**32, ignore_index=True)
    model, _ = fit_calibrated(SPEC, "boosting", _PARAMS, clients.head(_TRAINED), SPEC.seed)

    def score(rows: pd.DataFrame) -> Array:
        found: Array = model.predict(rows[SPEC.model_columns])
        return found

    fresh = clients.iloc[_TRAINED : _TRAINED + _FRESH]
    scores = score(fresh)
    reliability = Reliability.of(scores, fresh[_TARGET].to_numpy(dtype=float))
    return World(score, reference_of(SPEC, fresh, scores), reliability, clients.iloc[_TRAINED + _FRESH :])


def named(kind: Cause, seed: int) -> tuple[Diagnosis, str]:
    """Return what is said of an incident, and what was done."""
    draw = np.random.default_rng([KINDS.index(kind) if kind in KINDS else len(KINDS), seed])
    calm = _calm(world().later, draw)
    happened = {"none": lambda given, _: given, "delivery": _delivery, "values": _values, "selection": _selection,
                "environment": _environment, "concept": _concept}[kind](calm, draw)  # fmt: skip
    return judged(happened, seed), happened.what


def judged(happened: Incident, seed: int) -> Diagnosis:
    """Return what the diagnosis says of a window, as a monitor would ask it."""
    here, rows = world(), happened.rows
    scores = here.score(rows)
    seen = read(here.reference, watched(SPEC, rows, scores), seed=seed)
    drift = detect(here.reference, seen, rate=SPEC.monitoring.false_alarm_rate, seed=seed)
    counts = np.bincount(happened.days.astype(int), minlength=int(happened.days.max()) + 1)
    delivery = Delivery(rows={_FIRST + dt.timedelta(days=day): int(count) for day, count in enumerate(counts)},
                        usual=_A_DAY, spread=13)  # fmt: skip
    outcomes, metrics = rows[_TARGET].to_numpy(dtype=float), _metrics()
    said = expected(scores, here.reliability.read(scores), metrics, seed=seed)
    weights = resamples(len(rows), seed)
    promises = [
        Promise(metric=name, expected=said[name], seen=estimate(metric(outcomes, scores, weights), 0.95))
        for name, metric in metrics.items()
    ]
    return diagnose(here.reference, seen, drift, delivery=delivery, promises=promises)


def incident_measures(say: Callable[[str], None]) -> Iterator[Measure]:
    """Yield how often the cause is named right, by kind, and what is said of calm windows."""
    table: dict[Cause, Counter[Cause]] = {}
    for kind in (*KINDS, "none"):
        table[kind] = Counter(named(kind, FIRST_SEED + number)[0].cause for number in range(A_KIND))
        say(f"  {kind}: {', '.join(f'{cause} {count}' for cause, count in table[kind].most_common())}")
    right = sum(table[kind][kind] for kind in KINDS)
    yield Measure(
        name="cause named right", value=right / (A_KIND * len(KINDS)), unit="", digits=3,
        goal=Goal(kind="at least", limit=GOAL), peer=Peer(name="guessing", value=1 / len(KINDS)),
        how=f"{A_KIND * len(KINDS)} incidents, {A_KIND} of each kind",
    )  # fmt: skip
    for kind in KINDS:
        wrong = ", ".join(f"{cause} {count}" for cause, count in table[kind].most_common() if cause != kind)
        yield Measure(name=f"… {kind}", value=table[kind][kind] / A_KIND, unit="", digits=3,
                      how=f"else named: {wrong or 'nothing'}")  # fmt: skip
    yield Measure(
        name="… calm windows named calm", value=table["none"]["none"] / A_KIND, unit="", digits=3,
        how="; ".join(f"{cause} {count}" for cause, count in table["none"].most_common()),
    )  # fmt: skip


def _metrics() -> dict[str, Callable[[Array, Array, Array], Array]]:
    def rate(y: Array, score: Array, weights: Array) -> Array:
        mean: Array = weights @ y / weights.sum(axis=1)
        return mean

    found = all_metrics(SPEC.costs, 0.5)
    return {"auc": found["auc"], "brier": found["brier"], "rate": rate}


def _calm(later: pd.DataFrame, draw: Draw) -> Incident:
    days = int(draw.integers(6, 13))
    sizes = draw.poisson(_A_DAY, size=days)
    rows = later.iloc[draw.choice(len(later), sizes.sum(), replace=False)].reset_index(drop=True)
    return Incident(rows, np.repeat(np.arange(days), sizes).astype(float))


def _delivery(calm: Incident, draw: Draw) -> Incident:
    rows, days = calm.rows, calm.days
    what = str(draw.choice(["missing", "absent", "part", "double"]))
    day = int(draw.integers(0, days.max() + 1))
    if what == "missing":
        columns = list(draw.choice(SPEC.model_columns, int(draw.integers(1, 5)), replace=False))
        lost = draw.random(len(rows)) < draw.uniform(0.06, 0.5)
        gone = {name: rows[name].astype(float).where(~lost) for name in columns}
        return Incident(rows.assign(**gone), days, f"missing in {columns}")
    if what == "double":
        again = np.flatnonzero(days == day)
        place = np.append(np.arange(len(rows)), again)
        return Incident(rows.iloc[place].reset_index(drop=True), days[place], what)
    share = 1.0 if what == "absent" else draw.uniform(0.5, 0.9)
    kept = (days != day) | (draw.random(len(rows)) >= share)
    if what == "absent" and day == days.max():
        kept = days != 0
    return Incident(rows.loc[kept].reset_index(drop=True), days[kept], what)


def _values(calm: Incident, draw: Draw) -> Incident:
    rows, what = calm.rows, str(draw.choice(["unit", "constant", "spelling", "shifted"]))
    hit = draw.random(len(rows)) < draw.uniform(0.2, 1.0)
    if what == "unit":
        name = str(draw.choice(["LIMIT_BAL", "BILL_AMT1", "PAY_AMT1", "BILL_AMT3", "PAY_AMT2"]))
        factor = float(draw.choice([0.001, 0.01, 30, 1000]))
        columns = [name] if draw.random() < 0.7 else [each for each in rows if each[:8] == name[:8]]
        return replace(calm, rows=rows.assign(**{each: rows[each].where(~hit, rows[each] * factor) for each in columns}),
                       what=f"{columns} × {factor:g}")  # fmt: skip
    if what == "constant":
        name = str(draw.choice(SPEC.model_columns))
        return replace(calm, rows=rows.assign(**{name: rows[name].median()}), what=f"{name} constant")
    if what == "spelling":
        name = str(draw.choice(["EDUCATION", *_DELAYS]))
        old = rows[name].value_counts().index[int(draw.integers(0, 2))]
        return replace(calm, rows=rows.assign(**{name: rows[name].where(~(hit & (rows[name] == old)), old + 90)}),
                       what=f"{name}: {old} is {old + 90}")  # fmt: skip
    name = str(draw.choice(["LIMIT_BAL", *_BILLS[:3]]))
    return replace(
        calm, rows=rows.assign(**{name: rows[name].where(~hit, -rows[name])}), what=f"{name} has its sign lost"
    )


def _selection(calm: Incident, draw: Draw) -> Incident:
    name = str(draw.choice(SPEC.monitoring.groups))
    ranks = world().later[name].rank(pct=True).to_numpy()
    weight = np.exp(draw.choice([-1, 1]) * draw.uniform(0.8, 2.5) * ranks)
    chosen = draw.choice(len(ranks), len(calm.rows), replace=False, p=weight / weight.sum())
    return replace(calm, rows=world().later.iloc[chosen].reset_index(drop=True), what=f"mix of {name}")


def _environment(calm: Incident, draw: Draw) -> Incident:
    rows, changed, what = calm.rows, {}, []
    ways = draw.permutation(["prices", "payments", "delays"])[: int(draw.integers(2, 4))]
    if "prices" in ways:
        factor = draw.uniform(1.2, 1.6) ** draw.choice([-1, 1])
        changed |= {name: (rows[name] * factor).round() for name in _BILLS}
        what.append(f"bills × {factor:.2f}")
    if "payments" in ways:
        factor = draw.uniform(1.25, 2.0) ** draw.choice([-1, 1])
        changed |= {name: (rows[name] * factor).round() for name in _PAID}
        what.append(f"payments × {factor:.2f}")
    if "delays" in ways:
        later = draw.random(len(rows)) < draw.uniform(0.08, 0.25)
        changed |= {
            name: rows[name].where(~later, (rows[name].clip(lower=0) + 1).clip(upper=8)) for name in _DELAYS[:3]
        }
        what.append(f"{later.mean():.0%} pay later")
    return replace(calm, rows=rows.assign(**changed), what=", ".join(what))


def _concept(calm: Incident, draw: Draw) -> Incident:
    rows, outcomes = calm.rows, calm.rows[_TARGET].to_numpy()
    what = str(draw.choice(["turned", "worse", "random"]))
    share = draw.uniform(0.06, 0.25)
    drawn = draw.random(len(rows))
    if what == "turned":
        outcomes = np.where((rows["PAY_0"] <= 0) & (drawn < share), 1 - outcomes, outcomes)
    elif what == "worse":
        outcomes = np.where(drawn < share, 1, outcomes)
    else:
        outcomes = np.where(drawn < 2 * share, (draw.random(len(rows)) < outcomes.mean()).astype(int), outcomes)
    return replace(calm, rows=rows.assign(**{_TARGET: outcomes}), what=f"{what} {share:.0%}")
