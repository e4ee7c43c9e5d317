"""Describe the readings that were landed, and compare them with the week before: the page an engineer opens first."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from include.data.landing import QUARANTINE, newest_known
from include.data.profiles import quarantine_page
from include.data.sources import AVAILABLE_AT, DAY
from include.data.tables import Table
from include.forecast import Forecast
from include.models import tracking
from include.reporting import Report, figure
from include.spec import Dataset

_BEFORE_DAYS = 7
_SHORT_DAYS = 14  # up to so many days are drawn hour by hour


def publish_readings_profile(spec: Forecast, *, first_day: dt.date, last_day: dt.date, run: str) -> str:
    """Log a report of the days' readings, and one of their quarantine, and return the MLflow run that holds them."""
    run_id = tracking.open_run(spec.name, f"data {last_day}", pipeline_run=run)
    kept = Table(spec.name, QUARANTINE)
    broken = kept.read(first_day=first_day, last_day=last_day) if kept.exists() else pd.DataFrame()
    report = Report(f"{spec.title}: readings of {first_day} to {last_day}", f"{len(broken)} broke a rule.")
    report.section("Source", spec.source.description)
    tracking.log_params(run_id, {"first_day": first_day, "last_day": last_day})
    for dataset in spec.datasets:
        table = Table(spec.name, dataset.table)
        rows = table.read(first_day=first_day - dt.timedelta(days=_BEFORE_DAYS), last_day=last_day)
        mine = rows[DAY] >= first_day
        _dataset(report, dataset, rows.loc[mine], rows.loc[~mine], (last_day - first_day).days + 1)
        tracking.log_params(run_id, {f"version.{dataset.table}": table.version()})
        tracking.log_metrics(run_id, {f"{dataset.table}.readings": int(mine.sum())})
    tracking.log_metrics(run_id, {"quarantined": len(broken)})
    tracking.log_report(run_id, "report.html", report.html())
    tracking.log_report(run_id, "quarantine.html", quarantine_page(spec.title, broken, first_day, last_day))
    tracking.close_run(run_id)
    return run_id


def _dataset(report: Report, dataset: Dataset, rows: pd.DataFrame, before: pd.DataFrame, days: int) -> None:
    newest = newest_known(rows, dataset.contract.keys)
    wide = newest.pivot(index=[DAY, "time"], columns=dataset.series, values=dataset.value)
    report.section(f"{dataset.table}: {dataset.value} by {dataset.series}", _notes(rows, newest, wide))
    report.table(
        [dataset.series, "readings", "missing", "zero", "minimum", "median", "maximum", "median before", "ratio"],
        _lines(dataset, wide, before, int(wide.notna().sum(axis=1).gt(0).sum())),
    )
    drawn, axes = figure(1, height=3.6)
    by_day = wide.groupby(level=DAY)
    shown = wide.droplevel(DAY) if days <= _SHORT_DAYS else by_day.median()
    level = shown.median()
    axes.plot(shown.index, shown / level.where(level != 0), lw=0.7)
    axes.set(ylabel=f"{dataset.value} over its median")
    axes.tick_params(axis="x", labelsize=7, rotation=30)
    report.plot(drawn, f"Each {dataset.series} over its own median: one that leaves the others jumped, or fell silent")
    share = by_day.apply(lambda day: day.notna().mean())
    if share.min(axis=None) < 1:
        drawn, axes = figure(1, height=3.2)
        image = axes.imshow(share.T.to_numpy(dtype=float), aspect="auto", vmin=0, vmax=1, interpolation="nearest")
        axes.set_yticks(range(share.shape[1]), share.columns, fontsize=6)
        axes.set(xlabel=f"days from {share.index[0]}", ylabel=dataset.series)
        drawn.colorbar(image, ax=axes)
        report.plot(drawn, f"Share of the known hours of each day that each {dataset.series} has")


def _notes(rows: pd.DataFrame, newest: pd.DataFrame, wide: pd.DataFrame) -> str:
    said = [f"{len(newest)} hours, the last known at {rows[AVAILABLE_AT].max():%Y-%m-%d %H:%M} UTC"]
    if corrected := len(rows) - len(newest):
        said.append(f"{corrected} were corrected; the first values are kept")
    twins = [
        f"{one} and {other}"
        for place, one in enumerate(wide.columns)
        for other in wide.columns[place + 1 :]
        if wide[one].notna().any() and wide[one].equals(wide[other])
    ]
    if twins:
        said.append(f"identical series: {', '.join(twins)}")
    return "; ".join(said) + "."


def _lines(dataset: Dataset, wide: pd.DataFrame, before: pd.DataFrame, hours: int) -> list[list[str]]:
    then = newest_known(before, dataset.contract.keys).groupby(dataset.series)[dataset.value].median()
    lines = []
    for name in wide.columns:
        values, past = wide[name].dropna(), float(then.get(name, np.nan))
        median = float(values.median())
        line = [str(name), str(len(values)), str(hours - len(values)), str(int((values == 0).sum()))]
        line += [f"{each:,.1f}" for each in (values.min(), median, values.max())]
        known = np.isfinite(past)
        lines.append([*line, f"{past:,.1f}" if known else "", f"{median / past:.2f}" if known and past else ""])
    return lines
