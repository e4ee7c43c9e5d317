"""Performance that is estimated before the labels come, against the labels: on calm windows, and where concepts drift.

A boosted model learns half of the clients; 5,000 others are the fresh rows that it was judged on, and the rest arrives
in windows of 2,000. These overlap as draws do, so the gap's own error is that of the splits, shown by their spread. The
limit is shown by turning the outcomes of a share of the clients who pay on time: nothing of it is in the inputs, so the
estimate stays and the truth goes.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import RESULTS, Goal, Measure, Peer
from include.data.replay import credit_clients
from include.models.fitting import fit_calibrated
from include.models.metrics import Array, auc
from include.monitoring.estimate import Reliability, checked, expected
from include.records import Estimate
from include.use_cases.credit_risk import SPEC

ROWS, FRESH, SPLITS, WINDOWS = 2000, 5000, 4, 40
GOAL = 0.015
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2)
_PARAMS = {"max_leaf_nodes": 8, "l2_regularization": 1.0}
_PLOT = "estimates.png"
Held = tuple[Array, Reliability, Array, NDArray[np.bool_]]


def estimate_measures() -> Iterator[Measure]:
    """Yield the mean gap of estimate and truth, the coverage of its interval, and the gap under concept drift."""
    held = [_held_out(split) for split in range(SPLITS)]
    found = {share: [_windows(rows, split, share) for split, rows in enumerate(held)] for share in SHARES}
    calm = [checked(*pairs) for pairs in found[0.0]]
    gaps = [each.mean_gap for each in calm if each]
    noise = statistics.mean(
        float(np.mean([abs(truth - np.mean(truths)) for truth in truths])) for _, truths in found[0.0]
    )
    yield Measure(
        name="AUC estimated before labels, mean gap", value=statistics.mean(gaps), unit="", digits=4,
        goal=Goal(kind="at most", limit=GOAL), peer=Peer(name="the truth's own scatter between windows", value=noise),
        how=f"{SPLITS} splits, {WINDOWS} windows of {ROWS} rows each; by split {', '.join(f'{x:.4f}' for x in gaps)}",
    )  # fmt: skip
    yield Measure(
        name="… truth inside of its 95 % interval", value=statistics.mean(each.coverage for each in calm if each),
        unit="", digits=3, how="the interval is for the truth of the very window",
    )  # fmt: skip
    drifted = {share: statistics.mean(c.mean_gap for c in (checked(*p) for p in pairs) if c)
               for share, pairs in found.items()}  # fmt: skip
    yield Measure(
        name="… under concept drift", value=drifted[0.1], unit="", digits=4,
        how="outcome of 10 % of those who pay on time turned; "
        + ", ".join(f"{share:.0%}: {gap:.4f}" for share, gap in drifted.items()),
    )  # fmt: skip
    _plot(found)


def _held_out(split: int) -> Held:
    """Return scores and outcomes of rows that a model has not seen, how it is read, and who of them pays on time."""
    clients = credit_clients()
    clients = clients.sample(frac=1, random_state=split, ignore_index=True)
    half = len(clients) // 2
    model, _ = fit_calibrated(SPEC, "boosting", _PARAMS, clients.head(half), SPEC.seed)
    rest = clients.tail(half)
    scores, outcomes = model.predict(rest[SPEC.model_columns]), rest[SPEC.contract.target].to_numpy(dtype=float)
    reliability = Reliability.of(scores[:FRESH], outcomes[:FRESH])
    later, on_time = scores[FRESH:], (rest["PAY_0"] <= 0).to_numpy()[FRESH:]
    return later, reliability, outcomes[FRESH:], on_time


def _windows(rows: Held, split: int, share: float) -> tuple[list[Estimate], list[float]]:
    scores, reliability, outcomes, on_time = rows
    draw = np.random.default_rng(split)
    turned = on_time & (draw.random(len(scores)) < share)
    outcomes = np.where(turned, 1 - outcomes, outcomes)
    estimates, truths = [], []
    for number in range(WINDOWS):
        chosen = draw.choice(len(scores), ROWS, replace=False)
        estimates.append(expected(scores[chosen], reliability, {"auc": auc}, seed=number)["auc"])
        truths.append(float(auc(outcomes[chosen], scores[chosen], np.ones((1, ROWS)))[0]))
    return estimates, truths


def _plot(found: dict[float, list[tuple[list[Estimate], list[float]]]]) -> None:
    drawn, axes = plt.subplots(figsize=(6, 5))
    for share, pairs in found.items():
        estimates = [each.value for values, _ in pairs for each in values]
        truths = [truth for _, values in pairs for truth in values]
        axes.scatter(truths, estimates, s=8, alpha=0.6, label=f"{share:.0%} of outcomes turned")
    low, high = axes.get_xlim()
    axes.plot([low, high], [low, high], color="k", linewidth=0.8)
    axes.set(xlabel="AUC by the labels", ylabel="AUC estimated before them",
             title=f"Windows of {ROWS} clients: good until the concept drifts")  # fmt: skip
    axes.legend(fontsize="small")
    drawn.savefig(RESULTS / _PLOT, dpi=110, bbox_inches="tight")
    plt.close(drawn)
