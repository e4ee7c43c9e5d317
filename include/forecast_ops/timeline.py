"""How a replay went, day by day: error, coverage, when which series were trained anew, and what that was good for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from include.deployment.entries import Entry, State
from include.deployment.journal import Journal
from include.forecast import Forecast
from include.forecast_ops.watch import joined_truth
from include.models import tracking
from include.reporting import Report, figure

PAGE = "timeline.html"
_SHOWN = 8


@dataclass(frozen=True)
class Timeline:
    """What a range of days came to, day-ahead.

    Args:
        days: One row a day and series: ``mape`` (%), ``coverage`` of the 80 % band, ``sequence`` of the journal by
            which it was forecast.
        hardest: The series with the largest error of a day, the total left out.
        before: Its mean error up to the first promotion of its own within the days, %.
        after: Its mean error by that promotion's forecaster and later ones, %; NaN where there was no promotion.
        recovery: The journal entry of that promotion, if any; its first champion replaced none, and is none.
        page: Address of the page.
    """

    days: pd.DataFrame
    hardest: str
    before: float
    after: float
    recovery: Entry | None
    page: str

    @property
    def sentence(self) -> str:
        """Return for people what the hardest hit series went through."""
        if self.recovery is None:
            return f"series {self.hardest} was hit hardest, MAPE {self.before:.1f} %; it was not trained anew"
        return (
            f"series {self.hardest} was hit hardest: MAPE {self.before:.1f} % up to entry {self.recovery.sequence} of "
            f"{self.recovery.at:%Y-%m-%d}, {self.after:.1f} % since"
        )


def publish_timeline(spec: Forecast, *, first_day: dt.date, last_day: dt.date) -> Timeline:
    """Log the page of a range of days, and return what is on it."""
    days = _by_day(spec, first_day, last_day)
    worst = str(days.groupby("series")["mape"].max().drop(spec.total).idxmax())
    entries = Journal(spec.name).entries()
    moved = [entry for entry in entries if first_day <= entry.at.date() <= last_day]
    own = [each for each in moved if worst in _changed(entries, each) and each.state.of(worst).previous is not None]
    mine = days.loc[days["series"] == worst]
    later = mine["sequence"] >= own[0].sequence if own else pd.Series(False, index=mine.index)
    run_id = tracking.open_run(spec.name, f"timeline {last_day}", pipeline_run=f"timeline/{first_day}/{last_day}")
    found = Timeline(
        days,
        worst,
        float(mine.loc[~later, "mape"].mean()),
        float(mine.loc[later, "mape"].mean()),
        own[0] if own else None,
        tracking.artifact_url(run_id, PAGE),
    )
    tracking.log_report(run_id, PAGE, _page(spec, found, first_day, last_day, entries, moved))
    tracking.close_run(run_id)
    return found


def _by_day(spec: Forecast, first_day: dt.date, last_day: dt.date) -> pd.DataFrame:
    joined = joined_truth(spec, as_of=last_day, days=(last_day - first_day).days + 1)
    ahead = joined.loc[joined["day_ahead"] == 1]
    error = 100 * (ahead["load_kw"] - ahead["actual_kw"]).abs() / ahead["actual_kw"].where(ahead["actual_kw"] > 0)
    inside = ahead["actual_kw"].between(ahead["q10"], ahead["q90"]).where(ahead["q10"].notna())
    by = [ahead["time"].dt.date.rename("day"), ahead["series"]]
    columns = {
        "mape": error.groupby(by).mean(),
        "coverage": inside.astype(float).groupby(by).mean(),
        "sequence": ahead["sequence"].groupby(by).max(),
    }
    return pd.DataFrame(columns).reset_index()


def _changed(entries: list[Entry], entry: Entry) -> list[str]:
    """Return the keys whose champion an entry changed."""
    before = next((each.state for each in entries if each.sequence == entry.sequence - 1), State())
    return [key for key, state in entry.state.keys.items() if state.champion != before.of(key).champion]


def _page(
    spec: Forecast, found: Timeline, first_day: dt.date, last_day: dt.date, entries: list[Entry], moved: list[Entry]
) -> str:
    report = Report(f"{spec.title}: {first_day} to {last_day}", "Day-ahead forecasts, as they were issued.")
    report.section("Error by day", f"Lines mark promotions. {found.sentence[0].upper()}{found.sentence[1:]}.")
    for name, caption in ((spec.total, "the total"), (found.hardest, f"series {found.hardest}")):
        mine = found.days.loc[found.days["series"] == name]
        drawn, axes = figure(1)
        axes.plot(pd.to_datetime(mine["day"]), mine["mape"], "o-")
        for entry in moved:
            axes.axvline(pd.Timestamp(entry.at.date()), color="#b3261e", linestyle=":")
        axes.set(ylabel="MAPE, %")
        axes.tick_params(axis="x", labelsize=7, rotation=30)
        report.plot(drawn, f"Mean absolute percentage error of {caption}")
    report.section("Coverage of the 80 % band by day", "All series; the line is what was promised.")
    drawn, axes = figure(1)
    by_day = found.days.groupby("day")["coverage"].mean()
    axes.plot(pd.to_datetime(by_day.index), by_day, "o-")
    axes.axhline(0.8, color="k", linestyle=":")
    axes.set(ylim=(0, 1))
    axes.tick_params(axis="x", labelsize=7, rotation=30)
    report.plot(drawn, "Share of hours inside the band")
    report.section("Promotions")
    report.table(
        ["entry", "day", "series", "why"],
        [[each.sequence, each.at.date(), _some(_changed(entries, each)), each.why] for each in moved],
    )
    return report.html()


def _some(keys: list[str]) -> str:
    return ", ".join(keys) if len(keys) <= _SHOWN else f"{len(keys)} series"
