"""The page that a reviewer reads before signing: numbers with intervals, plots, gates, groups, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.classification import Classification
from include.models.explain import reasons
from include.models.metrics import Array, auc
from include.records import ClassificationEvaluation, Estimate, Fitted
from include.reporting import Report, figure

if TYPE_CHECKING:
    from include.models.fitting import Calibrated

_BINS = 10
_SMALLEST_SLICE = 100


def evaluation_report(
    spec: Classification,
    evaluation: ClassificationEvaluation,
    model: Any,
    fresh: pd.DataFrame,
    scores: dict[str, Array],
    families: Sequence[tuple[Fitted, Calibrated]],
) -> str:
    """Return the HTML page of one evaluation."""
    y, score = fresh[spec.contract.target].to_numpy(dtype=float), scores[evaluation.family]
    against = f"champion v{evaluation.champion_version}" if evaluation.champion_version else "no champion"
    report = Report(
        f"{spec.title}: candidate v{evaluation.model.version} ({evaluation.family})",
        f"As of {evaluation.as_of}, against {against}; asked for by {evaluation.originator or 'unknown'} "
        f"({evaluation.originator_source}). {evaluation.fresh_rows} fresh rows that no model was trained on.",
    )
    _decision(report, evaluation)
    _families(report, evaluation, families)
    _curves(report, spec, evaluation, y, scores)
    _fairness(report, evaluation)
    _slices(report, spec, fresh, y, score)
    _reasons(report, spec, evaluation, model, fresh, score)
    snapshot = evaluation.snapshot
    report.section("Data").table(
        ["table", snapshot.table],
        [
            ["version", snapshot.version],
            ["days", f"{snapshot.first_day} to {snapshot.last_day}"],
            ["rows", snapshot.rows],
            ["digest", snapshot.digest],
        ],
    )
    return report.html()


def _decision(report: Report, evaluation: ClassificationEvaluation) -> None:
    report.section("Decision", evaluation.way)
    if evaluation.refresh_due:
        report.text(f"A refresh is due: {evaluation.refresh_due}.", kind="muted")
    report.table(
        ["against", "metric", "difference", "one-sided p", "verdict", "not inferior"],
        [[each.against, each.metric, each.difference, f"{each.p_value:.4f}", each.verdict, each.non_inferior]
         for each in evaluation.comparisons],
    )  # fmt: skip
    report.table(
        ["gate", "required", "seen", "holds", "detail"],
        [[each.name, each.required, each.observed, "pass" if each.passed else "fail", each.detail]
         for each in evaluation.gates],
    )  # fmt: skip


def _families(
    report: Report, evaluation: ClassificationEvaluation, families: Sequence[tuple[Fitted, Calibrated]]
) -> None:
    names = list(evaluation.metrics)
    rows: list[list[Any]] = [
        [f"{each.family}{' (interpretable)' if each.interpretable else ''}", f"{each.primary:.4f}"]
        + [evaluation.families[each.family][name] for name in names]
        for each, _ in families
    ]
    rows += [
        [f"baseline {name}", ""] + [found[metric] for metric in names] for name, found in evaluation.baselines.items()
    ]
    readable = [each for each, _ in families if each.interpretable]
    report.section(
        "Models", "Metrics on the fresh rows with bootstrap intervals; the choice was made out of fold before."
    )
    report.table(["model", "out of fold", *names], rows)
    if readable:
        best = max(readable, key=lambda each: each.primary)
        gap = evaluation.metrics["auc"].value - evaluation.families[best.family]["auc"].value
        report.text(
            f"The best interpretable model is {best.family}; the candidate's AUC differs from it by {gap:+.4f}."
        )


def _curves(
    report: Report, spec: Classification, evaluation: ClassificationEvaluation, y: Array, scores: dict[str, Array]
) -> None:
    score = scores[evaluation.family]
    drawn, (roc, calibration) = figure(2, height=4)
    for name, each in scores.items():
        order = np.argsort(-each, kind="stable")
        hit, miss = np.cumsum(y[order]) / y.sum(), np.cumsum(1 - y[order]) / (1 - y).sum()
        roc.plot(miss, hit, label=name, linewidth=2 if name == evaluation.family else 1)
    roc.plot([0, 1], [0, 1], "k:", linewidth=1)
    roc.set(xlabel="goods declined", ylabel="bads declined", title="ROC")
    roc.legend(loc="lower right")
    edges = np.quantile(score, np.linspace(0, 1, _BINS + 1)[1:-1])
    belongs = np.searchsorted(edges, score, side="right")
    seen = pd.DataFrame({"bin": belongs, "score": score, "y": y}).groupby("bin").mean()
    calibration.plot(seen["score"], seen["y"], "o-")
    limit = float(max(seen["score"].max(), seen["y"].max())) * 1.05
    calibration.plot([0, limit], [0, limit], "k:", linewidth=1)
    calibration.set(xlabel="predicted", ylabel="observed", title="Calibration by tenths of the score")
    report.section("Curves").plot(drawn, "ROC of all families; calibration of the candidate")

    drawn, (cost, spread) = figure(2)
    grid = np.quantile(score, np.linspace(0.005, 0.995, 200))
    costs = [
        np.where(score >= at, (1 - y) * spec.costs.false_decline, y * spec.costs.false_accept).mean() for at in grid
    ]
    cost.plot(grid, costs)
    cost.axvline(evaluation.threshold, color="k", linestyle=":")
    cost.set(xlabel="threshold", ylabel=spec.costs.unit, title="Expected cost of a case")
    spread.hist([score[y == 0], score[y == 1]], bins=40, label=["good", "bad"], stacked=True)
    spread.axvspan(*evaluation.review_band, color="orange", alpha=0.25, label="manual review")
    spread.set(xlabel="score", ylabel="rows", title="Scores")
    spread.legend(loc="upper center")  # looking for the best place takes more than a second on a busy machine
    report.plot(
        drawn, f"The threshold {evaluation.threshold:.3f} was chosen out of fold; cases in the band go to a person"
    )


def _fairness(report: Report, evaluation: ClassificationEvaluation) -> None:
    report.section("Fairness", "Favourable is 'not declined by the score'; protected attributes are not in the model.")
    for result in evaluation.fairness:
        report.table(
            [result.column, "rows", "favourable", "favourable among the good", "judged"],
            [[each.group, each.rows, each.favourable_rate, each.true_favourable_rate or "none", each.judged]
             for each in result.groups],
        )  # fmt: skip
        report.text(
            f"{result.column}: parity ratio {result.parity_ratio}, opportunity gap {result.opportunity_gap}",
            kind="good" if result.passed else "bad",
        )
        drawn, axes = figure(1)
        judged = [each for each in result.groups if each.judged]
        rates: list[Estimate] = [each.favourable_rate for each in judged]
        below, above = [each.value - each.low for each in rates], [each.high - each.value for each in rates]
        axes.errorbar(
            [each.group for each in judged], [each.value for each in rates], [below, above], fmt="o", capsize=4
        )
        axes.set(ylabel="favourable rate", title=result.column, ylim=(0, 1.02))
        report.plot(drawn, f"Favourable rate by {result.column} with intervals")


def _slices(report: Report, spec: Classification, fresh: pd.DataFrame, y: Array, score: Array) -> None:
    rows = []
    for column in spec.contract.columns:
        if column.name not in fresh or not (column.categorical or column.role == "protected"):
            continue
        values = fresh[column.name]
        quarters = pd.qcut(values, 4, duplicates="drop", precision=0) if values.nunique() > 12 else values
        groups = quarters.astype(str)
        for name in sorted(groups.unique()):
            inside = (groups == name).to_numpy()
            if inside.sum() < _SMALLEST_SLICE or len(set(y[inside])) < 2:
                continue
            area = auc(y[inside], score[inside], np.ones((1, int(inside.sum()))))[0]
            shares = [f"{y[inside].mean():.3f}", f"{score[inside].mean():.3f}", f"{area:.3f}"]
            rows.append([f"{column.name} {name}", int(inside.sum()), *shares])
    report.section("Slices", f"Groups of {_SMALLEST_SLICE} rows or more.")
    report.table(["slice", "rows", "observed", "predicted", "AUC"], rows)


def _reasons(
    report: Report,
    spec: Classification,
    evaluation: ClassificationEvaluation,
    model: Any,
    fresh: pd.DataFrame,
    score: Array,
) -> None:
    worst = np.argsort(-score, kind="stable")[:3]
    near = np.argsort(np.abs(score - evaluation.threshold), kind="stable")[:3]
    chosen = fresh.iloc[[*worst, *near]]
    report.section("Reasons of some decisions", "The three riskiest cases and the three nearest to the threshold.")
    report.table(
        ["score", "reasons"],
        [[f"{each:.3f}", "; ".join(why)]
         for each, why in zip(score[[*worst, *near]], reasons(model, chosen), strict=True)],
    )  # fmt: skip
