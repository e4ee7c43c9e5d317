"""How a replay went, night by night: what was bought of the lists, what was promoted, refused, and done by hand."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from include.data.tables import Table
from include.deployment.entries import Entry
from include.deployment.journal import Journal
from include.models import tracking
from include.recommend_ops.shown import VERDICTS
from include.recommendation import Recommendation
from include.reporting import Report, along_days, figure

PAGE = "timeline.html"
_BY_HAND = {"block", "boost", "pin", "unpin", "lift", "switch off", "switch on", "rollback"}


@dataclass(frozen=True)
class Timeline:
    """What a range of nights came to.

    Args:
        days: The watch's rows: one a day and market.
        entries: The journal's entries of these days.
        page: Address of the page.
    """

    days: pd.DataFrame
    entries: tuple[Entry, ...]
    page: str


def publish_timeline(spec: Recommendation, *, first_day: dt.date, last_day: dt.date) -> Timeline:
    """Log the page of a range of days, and return what is on it."""
    days = Table(spec.name, VERDICTS).read(first_day=first_day, last_day=last_day).sort_values(["day", "market"])
    end = last_day + dt.timedelta(days=1)
    entries = tuple(each for each in Journal(spec.name).entries() if first_day <= each.at.date() <= end)
    run_id = tracking.open_run(spec.name, f"timeline {last_day}", pipeline_run=f"timeline/{first_day}/{last_day}")
    found = Timeline(days, entries, tracking.artifact_url(run_id, PAGE))
    tracking.log_report(run_id, PAGE, _page(spec, found, first_day, last_day))
    tracking.close_run(run_id)
    return found


def _page(spec: Recommendation, found: Timeline, first_day: dt.date, last_day: dt.date) -> str:
    report = Report(f"{spec.title}: {first_day} to {last_day}", f"{spec.kpi}, in {spec.kpi_unit}")
    report.section("Hit rate by day", "Grey lines: promotions. Red lines: what people, or the watch, did.")
    for name, what in (("hit_rate", "households that bought something from their list, %"), ("ndcg", "NDCG, %")):
        drawn, axes = figure(1)
        for market, rows in found.days.groupby("market"):
            axes.plot(pd.to_datetime(rows["day"]), 100 * rows[name], "o-", label=market)
        for entry in found.entries:
            colour = "#b3261e" if entry.action in _BY_HAND else "#9aa5b1"
            axes.axvline(pd.Timestamp(entry.at.date()), color=colour, linestyle=":")
        axes.set(ylabel="%")
        axes.legend(fontsize=7)
        along_days(axes, first_day, max([last_day, *(each.at.date() for each in found.entries)]))
        report.plot(drawn, what)
    report.section("The journal")
    report.table(
        ["entry", "at", "action", "who", "why"],
        [[each.sequence, f"{each.at:%Y-%m-%d %H:%M}", each.action, each.who, each.why] for each in found.entries],
    )
    report.section("What the watch said")
    report.table(
        ["day", "market", "version", "households", "hit rate", "verdict", "why", "by hand"],
        [[row.day, row.market, row.model_version, row.households, f"{row.hit_rate:.1%}", row.verdict, row.reason,
          row.by_hand] for row in found.days.itertuples()],
    )  # fmt: skip
    return report.html()
