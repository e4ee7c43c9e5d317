"""The pages of a forecast: what was issued, and how it went."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd

from include.forecast import Forecast
from include.forecast_ops.rows import Issued
from include.reporting import Report, figure

_BANDS = (("q10", "q90"), ("q20", "q80"), ("q30", "q70"), ("q40", "q60"))


def issue_report(spec: Forecast, issued: Issued) -> str:
    """Return the HTML page of one issue."""
    rows, energy = issued.rows, issued.energy
    report = Report(
        f"{spec.title}: issued on {issued.as_of} at {spec.gate_closure_hour}:00",
        f"{rows['series'].nunique()} series, {spec.horizon_days} days ahead, {spec.kpi_unit} is the KPI's unit",
    )
    report.section("Total", "Point forecast and its 20, 40, 60 and 80 % bands.")
    if issued.no_band:
        report.text(f"No band: {issued.no_band}", kind="bad")
    total = rows.loc[rows["series"] == spec.total]
    drawn, axes = figure(1, height=3.6)
    _band(axes, total)
    axes.legend()
    report.plot(drawn, f"{spec.total}, kW")
    report.section("Energy of the total", "MWh by day and over the whole horizon; sums along the same sample paths.")
    report.table(
        ["period", "energy", "10 %", "90 %"],
        [[row.period, *(f"{each / 1000:,.0f}" for each in (row.energy_kwh, row.q10, row.q90))]
         for row in energy.loc[energy["series"] == spec.total].itertuples()],
    )  # fmt: skip
    if issued.fallen_back:
        report.section("Fall-backs", "Series that their champion could not answer for.")
        report.table(["series", "answered by", "why"], [
            [key, rows.loc[rows["series"] == key, "family"].iloc[0], why] for key, why in issued.fallen_back.items()
        ])  # fmt: skip
    if issued.gaps:
        report.section("Gaps", "Hours of the last week that were not known; the same hours of other weeks stand in.")
        report.table(["series", "hours"], issued.gaps.items())
    change = (rows["load_kw"] - rows["base_kw"]).groupby(rows["series"]).mean()
    level = rows["base_kw"].groupby(rows["series"]).mean()
    report.section("Reconciliation", "How far each series was moved so that all add up, as a share of its level.")
    drawn, axes = figure(1)
    share = (100 * change / level.where(level > 0)).reindex(list(spec.keys))
    axes.bar(share.index, share.to_numpy())
    axes.set(ylabel="%", xlabel="series")
    axes.tick_params(axis="x", labelsize=7)
    report.plot(drawn, "Change by reconciliation")
    return report.html()


def watch_report(spec: Forecast, as_of: dt.date, joined: pd.DataFrame, verdicts: pd.DataFrame) -> str:
    """Return the HTML page of one look of the watch."""
    ahead = joined.loc[joined["day_ahead"] == 1].sort_values(["series", "time"])
    total = ahead.loc[ahead["series"] == spec.total]
    grave = verdicts.loc[verdicts["verdict"] == "retrain"]
    report = Report(
        f"{spec.title}: {'retrain ' + ', '.join(grave['series']) if len(grave) else 'no series to retrain'}",
        f"day-ahead forecasts of the {total['time'].dt.date.nunique()} days up to {as_of}",
    )
    report.section("Total", _kpi(total))
    drawn, axes = figure(1, height=3.6)
    _band(axes, total)
    axes.plot(total["time"], total["actual_kw"], color="k", lw=1, label="what came")
    axes.legend()
    report.plot(drawn, f"{spec.total}, kW")
    report.section("Series")
    report.table(
        ["series", "verdict", "reason", "MAE kW", "bias kW", "pinball kW", "coverage of 80 %"],
        [[row.series, row.verdict, row.reason, f"{row.mae:.0f}", f"{row.bias:+.0f}", f"{row.pinball:.0f}",
          f"{row.coverage:.2f}"]
         for row in verdicts.itertuples()],
    )  # fmt: skip
    report.section("Error by hour and series", "Mean absolute error as a share of what came.")
    report.plot(*_heat(spec, ahead))
    report.section("Error by day ahead")
    drawn, axes = figure(1)
    wanted = joined.loc[joined["series"] == spec.total]
    share = (wanted["load_kw"] - wanted["actual_kw"]).abs() / wanted["actual_kw"]
    by = 100 * share.groupby(wanted["day_ahead"]).mean()
    axes.bar(by.index.astype(str), by.to_numpy())
    axes.set(xlabel="days ahead", ylabel="MAPE of the total, %")
    report.plot(drawn, "Error grows with the horizon")
    banded = ahead.loc[ahead["q10"].notna()]
    if len(banded):
        report.section("Coverage", "Share of hours inside the 80 % band; the line is what was promised.")
        inside = banded["actual_kw"].between(banded["q10"], banded["q90"])
        drawn, axes = figure(2)
        for axis, by in zip(axes, (banded["time"].dt.hour.rename("hour"), banded["series"]), strict=True):
            share = inside.groupby(by).mean()
            share = share.reindex([key for key in spec.keys if key in share.index]) if by.name == "series" else share
            axis.bar(share.index.astype(str), share.to_numpy())
            axis.axhline(0.8, color="k", linestyle=":")
            axis.set(xlabel=by.name, ylabel="share", ylim=(0, 1))
            axis.tick_params(axis="x", labelsize=6)
        report.plot(drawn, "Coverage by hour, and by series")
    return report.html()


def _kpi(total: pd.DataFrame) -> str:
    imbalance = (total["load_kw"] - total["actual_kw"]).abs().sum() / total["actual_kw"].sum()
    return f"Imbalance {1000 * imbalance:.1f} kWh for each MWh of load: the KPI in its own unit."


def _band(axes: Any, rows: pd.DataFrame) -> None:
    for low, high in _BANDS:
        axes.fill_between(rows["time"], rows[low], rows[high], color="#3b6fb5", alpha=0.15, lw=0)
    axes.plot(rows["time"], rows["load_kw"], color="#3b6fb5", label="forecast")
    axes.tick_params(axis="x", labelsize=7, rotation=30)


def _heat(spec: Forecast, ahead: pd.DataFrame) -> tuple[Any, str]:
    share = (ahead["load_kw"] - ahead["actual_kw"]).abs() / ahead["actual_kw"].where(ahead["actual_kw"] > 0)
    table = share.groupby([ahead["series"], ahead["time"].dt.hour]).mean().unstack().reindex(list(spec.keys))
    drawn, axes = figure(1, height=4.2)
    image = axes.imshow(100 * table.to_numpy(), aspect="auto", cmap="viridis", vmax=np.nanquantile(100 * table, 0.98))
    axes.set_yticks(range(len(table)), table.index, fontsize=7)
    axes.set(xlabel="hour", ylabel="series")
    drawn.colorbar(image, ax=axes, label="%")
    return drawn, "Mean absolute percentage error by series and hour"
