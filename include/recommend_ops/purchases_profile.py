"""What a day's purchases look like before anybody learns from them: how many, of whom, of what; what was left out."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from include.data.landing import QUARANTINE
from include.data.sources import DAY
from include.data.tables import Table
from include.models import tracking
from include.recommend_ops.purchases import Purchases, purchases
from include.recommendation import Recommendation
from include.recommending.events import BASKET, HOUSEHOLD, PRODUCT, SALES, TIME, sessions
from include.reporting import Report, figure

REPORT, QUARANTINED = "report.html", "quarantine.html"
_BEFORE_DAYS = 28
_SHOWN = 200


def publish_purchases_profile(spec: Recommendation, *, first_day: dt.date, last_day: dt.date, run: str) -> str:
    """Log a page about the purchases of some days beside those of the four weeks before, and return its run's id."""
    start = first_day - dt.timedelta(days=_BEFORE_DAYS)
    seen = purchases(spec, as_of=last_day, first_day=start)
    events = seen.cleaned.events.assign(**{DAY: lambda rows: rows[TIME].dt.date})
    run_id = tracking.open_run(spec.name, f"profile {last_day}", pipeline_run=run)
    by_day = events.groupby(DAY).agg(
        baskets=(BASKET, "nunique"), households=(HOUSEHOLD, "nunique"), lines=(PRODUCT, "size"), sales=(SALES, "sum")
    )
    newest = by_day.loc[by_day.index >= first_day].sum()
    tracking.log_metrics(run_id, {name: float(value) for name, value in newest.items()})
    tracking.log_report(run_id, REPORT, _page(spec, seen, events, by_day, first_day, last_day))
    tracking.log_report(run_id, QUARANTINED, _quarantine(spec, first_day, last_day))
    tracking.close_run(run_id)
    return run_id


def _page(
    spec: Recommendation, seen: Purchases, events: pd.DataFrame, by_day: pd.DataFrame, first: dt.date, last: dt.date
) -> str:
    report = Report(f"{spec.title}: purchases of {first} to {last}", spec.source.description)
    report.section("By day", "With up to four weeks before.")
    for name, what in (("baskets", "baskets"), ("households", "households that shopped"), ("sales", "sales, US$")):
        drawn, axes = figure(1)
        axes.plot(pd.to_datetime(by_day.index), by_day[name], "o-", markersize=3)
        axes.axvline(pd.Timestamp(first), color="#9aa5b1", linestyle=":")
        axes.set(ylabel=what, ylim=(0, None))
        axes.tick_params(axis="x", labelsize=7, rotation=30)
        report.plot(drawn, what.capitalize())
    mine = events.loc[events[DAY] >= first]
    baskets = sessions(mine)
    report.section("Baskets")
    drawn, axes = figure(1)
    axes.hist(baskets["lines"].clip(upper=60), bins=30)
    axes.set(xlabel="different products in a basket (60: or more)", ylabel="baskets")
    report.plot(drawn, "Size of a basket")
    report.section("Markets", "Groups of stores; a household belongs to the one where it shops most.")
    market = mine[HOUSEHOLD].map(seen.market)
    rows = mine.groupby(market).agg(
        households=(HOUSEHOLD, "nunique"), baskets=(BASKET, "nunique"), lines=(PRODUCT, "size")
    )
    report.table(
        ["market", "households", "baskets", "lines"],
        [[name, *row] for name, row in zip(rows.index, rows.to_numpy().tolist(), strict=True)],
    )
    report.section("Departments")
    department = seen.products.set_index(PRODUCT)["department"]
    counts = mine[PRODUCT].map(department).fillna("not listed").value_counts().head(15)
    report.table(["department", "lines"], counts.items())
    report.section("Left out", "Lines that are no events, by rule, over all days on this page.")
    report.table(["rule", "lines"], seen.cleaned.dropped.items())
    for rule, who in seen.cleaned.households.items():
        if who:
            report.text(f"{rule}: {len(who)} households, left out whole.")
    return report.html()


def _quarantine(spec: Recommendation, first: dt.date, last: dt.date) -> str:
    table = Table(spec.name, QUARANTINE)
    rows = table.read(first_day=first, last_day=last) if table.exists() else pd.DataFrame()
    report = Report(f"{spec.title}: quarantine of {first} to {last}", f"{len(rows)} rows that broke a rule")
    if len(rows):
        counts = rows.groupby(["rule", "column"]).size()
        report.table(["rule", "column", "rows"], [[*key, count] for key, count in counts.items()])
        report.table(
            ["day", "rule", "column", "value"],
            rows[["day", "rule", "column", "value"]].head(_SHOWN).to_numpy().tolist(),
        )
    return report.html()
