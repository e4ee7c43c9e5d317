"""How a replay went, day by day: error, coverage, and when which series were trained anew."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from include.deployment.journal import Journal
from include.forecast import Forecast
from include.forecast_ops.watch import joined_truth
from include.models import tracking
from include.reporting import Report, figure

PAGE = "timeline.html"


def publish_timeline(spec: Forecast, *, first_day: dt.date, last_day: dt.date) -> tuple[pd.DataFrame, str]:
    """Log the page of a range of days, and return the numbers by day and series, and the page's address.

    Returns:
        ``day``, ``series``, ``mape`` (%), ``coverage`` of the 80 % band, both day-ahead; and the address.
    """
    days = (last_day - first_day).days + 1
    joined = joined_truth(spec, as_of=last_day, days=days)
    ahead = joined.loc[joined["day_ahead"] == 1]
    error = 100 * (ahead["load_kw"] - ahead["actual_kw"]).abs() / ahead["actual_kw"].where(ahead["actual_kw"] > 0)
    inside = ahead["actual_kw"].between(ahead["q10"], ahead["q90"]).where(ahead["q10"].notna())
    by = [ahead["time"].dt.date.rename("day"), ahead["series"]]
    table = pd.DataFrame({"mape": error.groupby(by).mean(), "coverage": inside.astype(float).groupby(by).mean()})
    table = table.reset_index()
    moved = [entry for entry in Journal(spec.name).entries() if first_day <= entry.at.date() <= last_day]
    run_id = tracking.open_run(spec.name, f"timeline {last_day}", pipeline_run=f"timeline/{first_day}/{last_day}")
    report = Report(f"{spec.title}: {first_day} to {last_day}", "Day-ahead forecasts, as they were issued.")
    report.section("Error by day", "Lines mark promotions.")
    worst = table.groupby("series")["mape"].max().drop(spec.total).idxmax()
    for name, caption in ((spec.total, "the total"), (worst, f"series {worst}, the one that was hit hardest")):
        mine = table.loc[table["series"] == name]
        drawn, axes = figure(1)
        axes.plot(pd.to_datetime(mine["day"]), mine["mape"], "o-")
        for entry in moved:
            axes.axvline(pd.Timestamp(entry.at.date()), color="#b3261e", linestyle=":")
        axes.set(ylabel="MAPE, %")
        axes.tick_params(axis="x", labelsize=7, rotation=30)
        report.plot(drawn, f"Mean absolute percentage error of {caption}")
    report.section("Promotions")
    report.table(["entry", "day", "why"], [[each.sequence, each.at.date(), each.why] for each in moved])
    tracking.log_report(run_id, PAGE, report.html())
    tracking.close_run(run_id)
    return table, tracking.artifact_url(run_id, PAGE)
