"""The pages of a recommender: what was judged, what is shown, and what was bought of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

from include.catalog import resolve
from include.recommendation import TASKS, Recommendation
from include.records import RecommendationEvaluation
from include.reporting import Report, figure

_EXAMPLES = 3
_MOST_SHOWN = 15


def evaluation_report(spec: Recommendation, evaluation: RecommendationEvaluation) -> str:
    """Return the HTML page of a market's candidate."""
    report = Report(
        f"{spec.title}, {evaluation.key}: v{evaluation.model.version} as of {evaluation.as_of}",
        f"{evaluation.way} {evaluation.reason}",
    )
    report.section("Gates")
    report.table(
        ["gate", "holds", "required", "seen", "detail"],
        [[each.name, each.passed, each.required, each.observed, each.detail] for each in evaluation.gates],
    )
    report.section("Compared with", "Paired by household on the same newest days; positive favours the candidate.")
    report.table(
        ["against", "metric", "households", "difference", "verdict"],
        [[each.against, each.metric, each.rows, each.difference, each.verdict] for each in evaluation.comparisons],
    )
    for task in TASKS:
        found = evaluation.tasks[task]
        report.section(f"Families for '{task}'", f"Chosen: {evaluation.chosen[task]}.")
        drawn, axes = figure(1)
        names = sorted(found, key=lambda name: found[name]["ndcg"].value)
        values = [found[name]["ndcg"] for name in names]
        reach = [[each.value - each.low for each in values], [each.high - each.value for each in values]]
        axes.barh(names, [each.value for each in values], xerr=reach, color="#4a7fb5")
        axes.set(xlabel=f"NDCG@{spec.list_length}")
        report.plot(drawn, f"Ranking quality on the newest {spec.fresh_days} days, with 95 % intervals by household")
        report.table(
            ["family", "NDCG", "recall"], [[name, found[name]["ndcg"], found[name]["recall"]] for name in names]
        )
    report.section("All metrics of the chosen families")
    report.table(["metric", "value"], [[name, each] for name, each in evaluation.metrics.items()])
    report.section("Quality by group", "Households whose facts are known; smaller groups are named in the gates.")
    report.table(
        ["fact", "group", "NDCG"],
        [[fact, name, found] for fact, each in evaluation.subgroups.items() for name, found in each.items()],
    )
    report.section("Lines that were no events", "Left out by rule, before anything was learned.")
    report.table(["rule", "lines"], [[rule, count] for rule, count in evaluation.left_out.items()])
    return report.html()


def lists_report(
    spec: Recommendation, as_of: dt.date, shown: pd.DataFrame, campaigns: pd.DataFrame, held: Sequence[str]
) -> str:
    """Return the HTML page of a night's lists."""
    products = resolve(spec.items)().set_index("product")
    named = products["type"].str.cat(products["size"], sep=" ").str.strip()
    report = Report(
        f"{spec.title}: lists for {as_of + dt.timedelta(days=1)}",
        f"{shown['household'].nunique()} households, {shown['product'].nunique()} products, "
        f"{campaigns['campaign'].nunique()} campaigns",
    )
    _by_hand(report, held)
    for task in TASKS:
        mine = shown.loc[shown["task"] == task]
        counts = mine["product"].value_counts().head(_MOST_SHOWN)
        report.section(f"Most shown for '{task}'")
        drawn, axes = figure(1, height=3.4)
        axes.barh([f"{named.get(item, '')} ({item})" for item in counts.index[::-1]], counts.to_numpy()[::-1])
        axes.set(xlabel="households")
        report.plot(drawn, "How many households have a product on their list")
    report.section("Lists by market")
    by = shown.groupby(["market", "task"]).agg(
        households=("household", "nunique"), products=("product", "nunique"), version=("model_version", "max")
    )
    report.table(
        ["market", "task", "households", "products", "version"],
        [[*key, *row] for key, row in zip(by.index, by.to_numpy().tolist(), strict=True)],
    )
    report.section("Examples", "The first households of each market.")
    few = shown.groupby("market")["household"].unique().map(lambda each: sorted(each)[:_EXAMPLES])
    rows = shown.loc[shown["household"].isin([one for each in few for one in each])]
    report.table(
        ["market", "household", "task", "rank", "product", "what", "why"],
        [[row.market, row.household, row.task, row.rank, row.product, named.get(row.product, ""), row.reason]
         for row in rows.sort_values(["market", "household", "task", "rank"]).itertuples()],
    )  # fmt: skip
    return report.html()


def watch_report(
    spec: Recommendation, as_of: dt.date, frame: pd.DataFrame, past: pd.DataFrame, held: Sequence[str]
) -> str:
    """Return the HTML page of one look of the watch."""
    report = Report(
        f"{spec.title}: what was bought on {as_of}", f"{spec.kpi}, in {spec.kpi_unit}; lists of the evening before"
    )
    _by_hand(report, held)
    report.section("Markets", "Champion beside its predecessor, paired by household.")
    report.table(
        ["market", "version", "households", "hit rate", "NDCG", "difference", "verdict", "why"],
        [
            [row.market, row.model_version, row.households, f"{row.hit_rate:.1%}", f"{row.ndcg:.3f}",
             f"{row.difference:+.4f} [{row.low:+.4f}, {row.high:+.4f}]", row.verdict, row.reason]
            for row in frame.itertuples()
        ],
    )  # fmt: skip
    report.section("Hit rate by day")
    drawn, axes = figure(1)
    for market, rows in past.groupby("market"):
        rows = rows.sort_values("day")
        axes.plot(pd.to_datetime(rows["day"]), 100 * rows["hit_rate"], "o-", label=market)
    axes.set(ylabel="%")
    axes.legend(fontsize=7)
    axes.tick_params(axis="x", labelsize=7, rotation=30)
    report.plot(drawn, "Households that bought something from their list, of those that shopped")
    return report.html()


def _by_hand(report: Report, held: Sequence[str]) -> None:
    report.section("By hand", "What people hold in place; all of it is in the journal with who and why.")
    for said in held:
        report.text(said, kind="bad")
    if not held:
        report.text("Nothing.")
