"""Three hundred incidents of five kinds, made from real clients, and how often their cause is named right.

Each is a window of 1,000 to 2,000 clients over some days, changed in one way (``benchmarks.incident_kinds``). What is
counted here has seeds, clients, columns and ways that the limits of the diagnosis were not set on.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from benchmarks.harness import Goal, Measure, Peer
from benchmarks.incident_kinds import KINDS, MEASURED, TARGET, TRIED, Happened, incident
from include.data.replay import credit_clients
from include.models.fitting import fit_calibrated
from include.models.metrics import Array, all_metrics, estimate, resamples
from include.monitor_ops.reference import reference_of, watched
from include.monitoring.causes import diagnose
from include.monitoring.delivery import Delivery
from include.monitoring.diagnosis import Diagnosis, Promise
from include.monitoring.drift import detect
from include.monitoring.estimate import Reliability, expected
from include.monitoring.kinds import Cause
from include.monitoring.profile import ReferenceProfile
from include.monitoring.window import read
from include.use_cases.credit_risk import SPEC

A_KIND, GOAL, FIRST_SEED = 60, 0.9, 10_000
_TRAINED, _FRESH, _A_DAY, _DAYS_BEFORE = 12_000, 5_000, 167, 28
_PARAMS = {"max_leaf_nodes": 8, "l2_regularization": 1.0}
_FIRST = dt.date(2026, 1, 1)


@dataclass(frozen=True)
class World:
    """What stands before an incident: a model, its reference, and clients that it has not seen.

    Args:
        score: The model.
        reference: What windows are compared with.
        reliability: How its probabilities are read.
        tried: Clients that limits were set on.
        measured: Clients that incidents are made of.
    """

    score: Callable[[pd.DataFrame], Array]
    reference: ReferenceProfile
    reliability: Reliability
    tried: pd.DataFrame
    measured: pd.DataFrame


@cache
def world() -> World:
    """Return a model of 12,000 clients, judged on 5,000 fresh ones; the others are still to come."""
    clients = credit_clients().sample(frac=1, random_state=SPEC.seed % 2**32, ignore_index=True)
    model, _ = fit_calibrated(SPEC, "boosting", _PARAMS, clients.head(_TRAINED), SPEC.seed)

    def score(rows: pd.DataFrame) -> Array:
        found: Array = model.predict(rows[SPEC.model_columns])
        return found

    fresh, later = clients.iloc[_TRAINED : _TRAINED + _FRESH], clients.iloc[_TRAINED + _FRESH :]
    scores = score(fresh)
    reliability, half = Reliability.of(scores, fresh[TARGET].to_numpy(dtype=float)), len(later) // 2
    return World(score, reference_of(SPEC, fresh, scores), reliability, later.head(half), later.tail(half))


def named(kind: Cause, seed: int, *, tried: bool = False) -> tuple[Diagnosis, str]:
    """Return what is said of an incident, and what was done; of those that limits are set on, if that is asked for."""
    draw, here = np.random.default_rng([(*KINDS, "none").index(kind), seed, int(tried)]), world()
    clients, scope = (here.tried, TRIED) if tried else (here.measured, MEASURED)
    happened = incident(kind, scope, clients, draw, _A_DAY)
    return judged(happened, draw.poisson(_A_DAY, _DAYS_BEFORE).astype(float), seed), happened.what


def judged(happened: Happened, before: Array, seed: int) -> Diagnosis:
    """Return what the diagnosis says of a window, as a monitor would ask it.

    Args:
        happened: The window.
        before: Rows of the days before it.
        seed: Of what is drawn.
    """
    here, rows = world(), happened.rows
    scores = here.score(_readable(rows))
    seen = read(here.reference, watched(SPEC, rows, scores), seed=seed)
    drift = detect(here.reference, seen, rate=SPEC.monitoring.false_alarm_rate, seed=seed)
    outcomes, metrics = rows[TARGET].to_numpy(dtype=float), _metrics()
    said = expected(scores, here.reliability, metrics, seed=seed)
    weights = resamples(len(rows), seed)
    promises = [
        Promise(metric=name, expected=said[name], seen=estimate(metric(outcomes, scores, weights), 0.95))
        for name, metric in metrics.items()
    ]
    return diagnose(here.reference, seen, drift, delivery=_delivered(happened, before), promises=promises)


def incident_measures(say: Callable[[str], None]) -> Iterator[Measure]:
    """Yield how often the cause is named right, by kind, and what is said of calm windows."""
    table: dict[Cause, Counter[Cause]] = {}
    for kind in (*KINDS, "none"):
        table[kind] = Counter(named(kind, FIRST_SEED + number)[0].cause for number in range(A_KIND))
        say(f"  {kind}: {_counted(table[kind])}")
    right = sum(table[kind][kind] for kind in KINDS)
    yield Measure(
        name="cause named right", value=right / (A_KIND * len(KINDS)), unit="", digits=3,
        goal=Goal(kind="at least", limit=GOAL), peer=Peer(name="guessing", value=1 / len(KINDS)),
        how=f"{A_KIND * len(KINDS)} incidents, {A_KIND} of each kind",
    )  # fmt: skip
    for kind in KINDS:
        yield Measure(
            name=f"… {kind}", value=table[kind][kind] / A_KIND, unit="", digits=3,
            how=f"they were named {_counted(table[kind])}",
        )  # fmt: skip
    yield Measure(
        name="calm windows of which a cause is named", value=1 - table["none"]["none"] / A_KIND, unit="", digits=3,
        how=f"{A_KIND} windows to which nothing happened: {_counted(table['none'])}; drift is called in "
        f"{SPEC.monitoring.false_alarm_rate:.0%} of them by what is stated, and a promise is broken in some",
    )  # fmt: skip


def _counted(causes: Counter[Cause]) -> str:
    return ", ".join(f"{cause} {count}" for cause, count in causes.most_common())


def _readable(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows as a model is given them: what is no number is missing."""
    return rows.assign(**{name: pd.to_numeric(rows[name], errors="coerce") for name in SPEC.model_columns})


def _delivered(happened: Happened, before: Array) -> Delivery:
    counts = np.bincount(happened.days, minlength=happened.length)
    dates = [_FIRST + dt.timedelta(days=day) for day in range(len(counts))]
    return Delivery(
        rows={date: int(count) for date, count in zip(dates, counts, strict=True)},
        usual=float(np.median(before)), spread=float(np.std(before)),
        repeated={dates[day]: count for day, count in happened.repeated.items()},
        late={dates[day]: count for day, count in happened.late.items()},
    )  # fmt: skip


def _metrics() -> dict[str, Callable[[Array, Array, Array], Array]]:
    def rate(y: Array, score: Array, weights: Array) -> Array:
        mean: Array = weights @ y / weights.sum(axis=1)
        return mean

    found = all_metrics(SPEC.costs, 0.5)
    return {"auc": found["auc"], "brier": found["brier"], "rate": rate}
