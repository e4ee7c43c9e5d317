"""Recommender: how good its lists are, how quick an answer is, what training and a night in Airflow cost.

Quality is measured on the split of the reference numbers: known until the end of October, truth in November and
December, users with a relevant item, ten items each. Families and their settings were chosen on July–August and
September–October; their figures for November and December had been seen by then. Intervals are bootstraps by user, of
differences paired.
"""

from __future__ import annotations

import datetime as dt
import os
import statistics
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: threads would fight over two cores
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from benchmarks.harness import Goal, Measure, Peer, Say
from benchmarks.recommender_cost import SERVED, cost
from benchmarks.recommender_data import DAY, Reference, reference
from benchmarks.recommender_nights import nights
from include.data import journey
from include.recommending.blend import Task
from include.recommending.ease import ease
from include.recommending.evaluation import Judged, judge, summary
from include.recommending.families import FAMILIES
from include.recommending.holdout import as_truth, leave_last
from include.recommending.interactions import Array, Interactions, interactions
from include.recommending.metrics import Values, by_group, difference, mean, ndcg, ranked, recall
from include.recommending.models import Frequency
from include.recommending.preparation import catalogue, markets
from include.recommending.recommender import Recommender
from include.recommending.training import BLEND, build, train
from include.records import Estimate
from include.use_cases.recommender import SPEC

_SEED = 0
_TASKS: tuple[Task, Task] = ("discover", "rebuy")
_BASELINE = {"discover": "plain_ease", "rebuy": "frequency"}
_GOAL = {"discover": 0.095, "rebuy": 0.505}
_CALLED = {"plain_ease": "EASE with λ 300", "frequency": "own frequency, half-life 150 days"}
_CALLS, _BASKET = 5_000, 8
_STRANGER = -1
_TIMES = (1, 3, 10)


def measures(say: Say) -> Iterator[Measure]:
    """Yield quality of both tasks, of groups and of markets, the other split, the time of an answer, and costs."""
    split = reference()
    scores: dict[Task, dict[str, Array]] = {}
    for task in _TASKS:
        names = [name for name, family in FAMILIES.items() if task in family.tasks]
        trained = train(split.x, [*names, BLEND], task, windows=2)
        scores[task] = trained.scores
        judged = {name: judge(each, split.x, split.bought, task) for name, each in trained.scores.items()}
        say(f"  {task}: blend of {trained.weights}")
        yield from _goals(task, judged)
        for name, each in judged.items():
            yield _family(task, name, each, split)
        yield from _groups(task, judged[SERVED[task]], split.x)
        yield _by_market(task, judged, split)
    yield _plain_frequency(split)
    yield from _left_out(split)
    served = build(
        split.x, market="all", names=catalogue(split.products, split.x.items)["type"],
        rebuy=scores["rebuy"][SERVED["rebuy"]], discover=scores["discover"][SERVED["discover"]],
    )  # fmt: skip
    yield from _answers(served, split.x)
    del scores, served
    for times in _TIMES:
        yield from _costs(times)
    yield from nights(say)


def _goals(task: Task, judged: dict[str, Judged]) -> Iterator[Measure]:
    ours, plain = judged[SERVED[task]], judged[_BASELINE[task]]
    found = mean(ours.ndcg, seed=_SEED)
    yield Measure(
        name=f"{task}, NDCG@10", value=found.value, unit="", digits=4, goal=Goal(kind="at least", limit=_GOAL[task]),
        peer=Peer(name=_CALLED[_BASELINE[task]], value=mean(plain.ndcg, seed=_SEED).value),
        how=f"family {SERVED[task]}, {np.isfinite(ours.ndcg).sum()} users, 95 % interval {_range(found)}",
    )  # fmt: skip
    gain = difference(ours.ndcg, plain.ndcg, seed=_SEED)
    yield Measure(
        name=f"{task}, least gain over the baseline", value=gain.low, unit="", digits=4,
        goal=Goal(kind="at least", limit=0.0001, because="the paired interval must lie above 0"),
        how=f"lower end of the paired 95 % interval of the difference in NDCG@10: {gain.value:.4f} {_range(gain)}; "
        f"the baseline is {_CALLED[_BASELINE[task]]}",
    )  # fmt: skip


def _family(task: Task, name: str, judged: Judged, split: Reference) -> Measure:
    found = summary(judged, split.x, split.bought, seed=_SEED)
    return Measure(
        name=f"{task}, {name}", value=found["ndcg@10"].value, unit="NDCG@10", digits=4,
        how=f"{_range(found['ndcg@10'])}; recall@10 {found['recall@10']}; coverage {found['coverage'].value:.3f}, "
        f"novelty {found['novelty'].value:.2f} bits, {found['popularity_bias'].value:.2f} × as popular as the truth",
    )  # fmt: skip


def _groups(task: Task, judged: Judged, x: Interactions) -> Iterator[Measure]:
    people = journey.demographics().set_index("household").reindex(x.users).fillna("")
    for column in ("age", "income"):
        groups = by_group(judged.ndcg, people[column], seed=_SEED)
        able = {name: found for name, (_, found) in groups.items() if found is not None}
        worst = min(able, key=lambda name: able[name].value)
        best = max(able, key=lambda name: able[name].value)
        yield Measure(
            name=f"{task}, worst group by {column}", value=able[worst].value, unit="NDCG@10", digits=4,
            peer=Peer(name=f"best group, {best}", value=able[best].value),
            how="; ".join(f"{name} ({groups[name][0]} users) {found}" for name, found in able.items())
            + f"; {sum(users for users, found in groups.values() if found is None)} users in groups under 30",
        )  # fmt: skip


def _by_market(task: Task, judged: dict[str, Judged], split: Reference) -> Measure:
    """Fit each store group alone, and see what that costs against learning from everybody."""
    past = split.events[split.events["time"].dt.date < DAY]
    group = markets(past, SPEC.store_bounds, SPEC.markets).reindex(split.x.users).to_numpy()
    alone: Values = np.full(len(split.x.users), np.nan)
    for name in SPEC.markets:
        rows = np.flatnonzero(group == name)
        x = split.x.only(rows)
        alone[rows] = judge(FAMILIES[SERVED[task]].fit(x).scores(), x, split.bought[rows], task).ndcg
    together = judged[SERVED[task]].ndcg
    lost = difference(together, alone, seed=_SEED)
    return Measure(
        name=f"{task}, a model for each store group alone", value=mean(alone, seed=_SEED).value, unit="NDCG@10",
        digits=4, peer=Peer(name="one for all", value=float(np.nanmean(together))),
        how=f"family {SERVED[task]}, fitted on the users of a group and judged on them; lost {lost.value:.4f} "
        f"{_range(lost)}",
    )  # fmt: skip


def _plain_frequency(split: Reference) -> Measure:
    judged = judge(Frequency.fit(split.x).scores(), split.x, split.bought, "rebuy")
    return Measure(
        name="rebuy, own frequency without fading", value=float(np.nanmean(judged.ndcg)), unit="NDCG@10", digits=4,
        how="equal counts ordered by popularity; the reference found .487",
    )  # fmt: skip


def _left_out(split: Reference) -> Iterator[Measure]:
    """Take each user's last new item out, with what lay in the same basket kept or not."""
    end = journey.LAST_DAY + dt.timedelta(days=2)  # the last lines are of 1 January
    for mates in (True, False):
        events, held = leave_last(split.events, split.known, mates=mates)
        x, truth = interactions(events, split.products, end, split.known), as_truth(held, split.known)
        top = {name: ranked(FAMILIES[name].fit(x).scores(), 10, hidden=x.bought) for name in ("plain_ease", "ease")}
        for called, metric in (("recall@10", recall), ("NDCG@10", ndcg)):
            ours, plain = (metric(top[name], truth) for name in ("ease", "plain_ease"))
            gain = difference(ours, plain, seed=_SEED)
            yield Measure(
                name=f"last new item, basket mates {'kept' if mates else 'removed'}, {called}",
                value=float(np.nanmean(ours)), unit="", digits=4,
                peer=Peer(name=_CALLED["plain_ease"], value=float(np.nanmean(plain))),
                how=f"{len(held)} users; 95 % interval {_range(mean(ours, seed=_SEED))}, gain {gain.value:.4f} "
                f"{_range(gain)}; it looks ahead and decides nothing",
            )  # fmt: skip


def _answers(served: Recommender, x: Interactions) -> Iterator[Measure]:
    """Ask for ten items, one call after the other; beside it the same scores made from the history at each call."""
    generator = np.random.default_rng(_SEED)
    users = generator.choice(x.users, _CALLS).tolist()
    baskets = [generator.choice(x.items, _BASKET, replace=False).tolist() for _ in range(_CALLS)]
    linear = ease(x, penalty=1000, types=0.6, departments=1.0)
    row = {int(user): place for place, user in enumerate(x.users)}

    def plainly(call: int) -> None:
        values = linear.scores(np.array([row[users[call]]]))[0]
        values[x.bought.indices[x.bought.indptr[row[users[call]]] : x.bought.indptr[row[users[call]] + 1]]] = -np.inf
        np.argsort(-values, kind="stable")[:10]

    ways: dict[str, Callable[[int], object]] = {
        "a known user, discover": lambda call: served.recommend(users[call], "discover", 10),
        "a known user, rebuy": lambda call: served.recommend(users[call], "rebuy", 10),
        "a known user with a basket": lambda call: served.recommend(users[call], "discover", 10, baskets[call]),
        "an unknown user with a basket": lambda call: served.recommend(_STRANGER, "discover", 10, baskets[call]),
        "an unknown user": lambda call: served.recommend(_STRANGER, "discover", 10),
    }
    beside = _quantiles(plainly)[1]
    for name, way in ways.items():
        middle, high, worked = _quantiles(way)
        yield Measure(
            name=f"answer for {name}, p99", value=high, unit="ms", digits=3, goal=Goal(kind="at most", limit=1),
            peer=Peer(name="scored from the history at each call", value=beside) if name.endswith("discover") else None,
            how=f"ten items with reasons, {_CALLS} calls of one thread; median {middle:.3f} ms; p99 of its CPU time "
            f"{worked:.3f} ms, which other work on the machine does not touch",
        )  # fmt: skip


def _quantiles(way: Callable[[int], object]) -> tuple[float, float, float]:
    """Return median and 99th percentile of the time of a call, and the latter of its CPU time, all in ms."""
    taken, worked = [], []
    for call in range(_CALLS):
        began, idle = time.perf_counter_ns(), time.thread_time_ns()
        way(call)
        worked.append((time.thread_time_ns() - idle) / 1e6)
        taken.append((time.perf_counter_ns() - began) / 1e6)
    return statistics.median(taken), float(np.quantile(taken, 0.99)), float(np.quantile(worked, 0.99))


def _costs(times: int) -> Iterator[Measure]:
    found = cost(times)
    parts = ", ".join(f"{name} {seconds:.1f}" for name, seconds in found["seconds"].items())
    size = f"{found['lines']:,} lines, {found['users']:,} users, {found['items']:,} items"
    yield Measure(
        name=f"training, {times}× the purchases", value=found["nightly"], unit="s",
        goal=Goal(kind="at most", limit=5) if times == 1 else None,
        peer=Peer(name="fitting all families", value=found["families"]),
        how="CPU seconds of one thread: cleaning, interactions, the baselines, "
        f"{' and '.join(SERVED.values())}, packing; {size}; {parts}",
    )  # fmt: skip
    yield Measure(
        name=f"peak memory, {times}× the purchases", value=found["peak_gib"], unit="GiB",
        goal=Goal(kind="at most", limit=2) if times == 1 else None,
        how=f"of the same process, all families; {found['before_gib']:.2f} GiB of it before, for the lines",
    )  # fmt: skip


def _range(found: Estimate) -> str:
    return f"[{found.low:.4f}, {found.high:.4f}]"
