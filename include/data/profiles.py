"""Describe what was landed, and compare it with what was there before: the page an engineer opens first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd

from include.classification import Classification
from include.data.ingest import ROWS, row_columns
from include.data.landing import QUARANTINE, newest_known
from include.data.sources import DAY
from include.data.tables import Table
from include.models import tracking
from include.reporting import Report, draw_amounts, draw_shares, figure
from include.spec import Column, Role

_BEFORE_DAYS = 30
_SHOWN_ROWS = 500
_PLOTTED = 24
_FEW_VALUES = 12


def publish_profile(spec: Classification, *, first_day: dt.date, last_day: dt.date, run: str) -> str:
    """Log a report of the days' rows, and one of their quarantine, and return the MLflow run that holds them."""
    run_id = tracking.open_run(spec.name, f"data {last_day}", pipeline_run=run)
    table, keys = Table(spec.name, ROWS), spec.contract.keys
    rows = newest_known(table.read(first_day=first_day, last_day=last_day), keys)
    before = newest_known(
        table.read(first_day=first_day - dt.timedelta(days=_BEFORE_DAYS), last_day=first_day - dt.timedelta(days=1)),
        keys,
    )
    broken = Table(spec.name, QUARANTINE).read(first_day=first_day, last_day=last_day)
    tracking.log_params(run_id, {"first_day": first_day, "last_day": last_day, "table_version": table.version()})
    tracking.log_metrics(run_id, {"rows": len(rows), "quarantined": len(broken), "rows_before": len(before)})
    hidden = spec.contract.names(Role.PERSONAL, Role.PROTECTED)
    tracking.log_report(run_id, "report.html", _profile(spec, rows, before, broken, first_day, last_day))
    tracking.log_report(
        run_id, "quarantine.html", quarantine_page(spec.title, broken, first_day, last_day, hidden=hidden)
    )
    tracking.close_run(run_id)
    return run_id


def quarantine_page(
    title: str, broken: pd.DataFrame, first_day: dt.date, last_day: dt.date, *, hidden: Collection[str] = ()
) -> str:
    """Return the HTML page of the rows that broke a rule; the values of ``hidden`` columns are not shown."""
    report = Report(f"{title}: quarantine of {first_day} to {last_day}", f"{len(broken)} rows broke a rule.")
    if broken.empty:
        return report.section("Nothing", "Every row kept the contract.").html()
    by_rule = broken.value_counts(["column", "rule"]).reset_index()
    report.section("By rule").table(["column", "rule", "rows"], by_rule.to_numpy().tolist())
    shown = broken.head(_SHOWN_ROWS)
    report.section("Rows", f"The first {len(shown)}; values of personal and protected columns are not shown here.")
    values = [
        "hidden" if name in hidden else value for name, value in zip(shown["column"], shown["value"], strict=True)
    ]
    report.table(
        ["day", "column", "rule", "value"], zip(shown[DAY], shown["column"], shown["rule"], values, strict=True)
    )
    return report.html()


def _profile(
    spec: Classification,
    rows: pd.DataFrame,
    before: pd.DataFrame,
    broken: pd.DataFrame,
    first_day: dt.date,
    last_day: dt.date,
) -> str:
    compared = (
        f"compared with {len(before)} rows of the {_BEFORE_DAYS} days before" if len(before) else "the first to land"
    )
    report = Report(f"{spec.title}: data of {first_day} to {last_day}", f"{len(rows)} rows, {compared}.")
    report.section("Source", spec.source.description)
    report.section("Rows by day")
    drawn, axes = figure(1)
    counts = rows[DAY].value_counts().sort_index()
    axes.bar(np.arange(len(counts)), counts.to_numpy(), width=1.0)
    axes.set(xlabel=f"days from {first_day}", ylabel="rows")
    report.plot(drawn, f"{len(broken)} rows went to quarantine")
    columns = [
        spec.contract.column(name) for name in row_columns(spec) if spec.contract.column(name).role != Role.IDENTIFIER
    ]
    report.section("Columns", "Change of the mean is in standard deviations of the days before.")
    report.table(
        ["column", "role", "nulls", "minimum", "median", "mean", "maximum", "distinct", "mean before", "change"],
        [_line(column, rows[column.name], before) for column in columns],
    )
    report.section("Distributions")
    plotted = columns[:_PLOTTED]
    for place in range(0, len(plotted), 3):
        drawn, axes = figure(3)
        for axis, column in zip(axes, plotted[place : place + 3], strict=False):
            _draw(axis, column, rows[column.name], before)
        report.plot(drawn, ", ".join(column.name for column in plotted[place : place + 3]))
    return report.html()


def _line(column: Column, values: pd.Series, before: pd.DataFrame) -> list[str]:
    if values.dtype.kind not in "iufb":
        return [column.name, str(column.role), str(int(values.isna().sum())), *[""] * 4, str(values.nunique()), "", ""]
    numbers = values.astype(float)
    line = [column.name, str(column.role), str(int(values.isna().sum()))]
    line += [f"{each:g}" for each in (numbers.min(), numbers.median(), round(numbers.mean(), 4), numbers.max())]
    line += [str(values.nunique())]
    if before.empty:
        return [*line, "", ""]
    then = before[column.name].astype(float)
    change = (numbers.mean() - then.mean()) / then.std() if then.std() > 0 else 0.0
    return [*line, f"{then.mean():.4g}", f"{change:+.2f}"]


def _draw(axes: Any, column: Column, values: pd.Series, before: pd.DataFrame) -> None:
    parts = {"these days": values.dropna()} | ({"before": before[column.name].dropna()} if len(before) else {})
    if values.dtype.kind in "iuf" and values.nunique() > _FEW_VALUES:
        draw_amounts(axes, parts)
    else:
        draw_shares(
            axes, {label: each.astype(str).value_counts(normalize=True).to_dict() for label, each in parts.items()}
        )
    axes.set(title=column.name)
