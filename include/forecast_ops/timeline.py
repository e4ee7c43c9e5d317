"""How a replay went, day by day: error, coverage, when which series were trained anew, and what that was good for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pandas as pd

from include.data.sources import DAY
from include.data.tables import Table
from include.deployment.entries import Entry, State
from include.deployment.journal import Journal
from include.forecast import Forecast
from include.forecast_ops.watch import PROOF_DAYS, VERDICTS, joined_truth
from include.models import tracking
from include.reporting import Report, along_days, figure

PAGE = "timeline.html"
_SHOWN = 8
_NEWEST = 7


@dataclass(frozen=True)
class Recovery:
    """What a series that the watch named went through; errors are day-ahead MAPE, %.

    Args:
        series: The series.
        named: Day on which the watch wanted it trained anew first.
        why: What the watch said then.
        entry: The journal's entry by which it was trained anew, if that happened.
        before: Error from two days before it was named up to that entry.
        after: Error since.
        newest: Error of the newest seven days.
    """

    series: str
    named: dt.date
    why: str
    entry: Entry | None
    before: float
    after: float
    newest: float

    @property
    def sentence(self) -> str:
        """Return it for people."""
        said = f"series {self.series}, named on {self.named}: {self.why}. MAPE {self.before:.1f} % until then"
        if self.entry is None:
            return f"{said}; it was not trained anew"
        return f"{said}, {self.after:.1f} % since entry {self.entry.sequence}, {self.newest:.1f} % in the newest 7 days"


@dataclass(frozen=True)
class Timeline:
    """What a range of days came to, day-ahead.

    Args:
        days: One row a day and series: ``mape`` (%), ``coverage`` of the 80 % band, ``sequence`` of the journal by
            which it was forecast.
        recoveries: The series that the watch has named, in the order of their days.
        page: Address of the page.
    """

    days: pd.DataFrame
    recoveries: tuple[Recovery, ...]
    page: str


def publish_timeline(spec: Forecast, *, first_day: dt.date, last_day: dt.date) -> Timeline:
    """Log the page of a range of days, and return what is on it."""
    days = _by_day(spec, first_day, last_day)
    entries = Journal(spec.name).entries()
    verdicts = Table(spec.name, VERDICTS).read(first_day=first_day, last_day=last_day)
    named = verdicts.loc[verdicts["verdict"] == "retrain"].sort_values(DAY).drop_duplicates("series")
    recoveries = tuple(_recovery(days, entries, row.series, row.day, row.reason) for row in named.itertuples())
    run_id = tracking.open_run(spec.name, f"timeline {last_day}", pipeline_run=f"timeline/{first_day}/{last_day}")
    found = Timeline(days, recoveries, tracking.artifact_url(run_id, PAGE))
    tracking.log_report(run_id, PAGE, _page(spec, found, first_day, last_day, entries))
    tracking.close_run(run_id)
    return found


def _recovery(days: pd.DataFrame, entries: list[Entry], series: str, named: dt.date, why: str) -> Recovery:
    own = [each for each in entries if each.at.date() >= named and series in _changed(entries, each)]
    mine = days.loc[days["series"] == series]
    later = mine["sequence"] >= own[0].sequence if own else pd.Series(False, index=mine.index)
    hit = ~later & (mine["day"] > named - dt.timedelta(days=PROOF_DAYS))
    return Recovery(
        series,
        named,
        why,
        own[0] if own else None,
        float(mine.loc[hit, "mape"].mean()),
        float(mine.loc[later, "mape"].mean()),
        float(mine.sort_values("day")["mape"].tail(_NEWEST).mean()),
    )


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


def _page(spec: Forecast, found: Timeline, first_day: dt.date, last_day: dt.date, entries: list[Entry]) -> str:
    moved = [entry for entry in entries if first_day <= entry.at.date() <= last_day]
    report = Report(f"{spec.title}: {first_day} to {last_day}", "Day-ahead forecasts, as they were issued.")
    report.section("Series that the watch has named")
    for recovery in found.recoveries:
        report.text(f"{recovery.sentence[0].upper()}{recovery.sentence[1:]}.")
    if not found.recoveries:
        report.text("None.")
    report.section("Error by day", "Lines mark promotions.")
    for name in (spec.total, *(each.series for each in found.recoveries)):
        mine = found.days.loc[found.days["series"] == name]
        drawn, axes = figure(1)
        axes.plot(pd.to_datetime(mine["day"]), mine["mape"], "o-")
        for entry in moved:
            if name in _changed(entries, entry):
                axes.axvline(pd.Timestamp(entry.at.date()), color="#b3261e", linestyle=":")
        axes.set(ylabel="MAPE, %")
        along_days(axes, first_day, last_day)
        report.plot(drawn, f"Mean absolute percentage error of {'the total' if name == spec.total else name}")
    report.section("Coverage of the 80 % band by day", "All series; the line is what was promised.")
    by_day = found.days.groupby("day")["coverage"].mean()
    if by_day.notna().any():
        drawn, axes = figure(1)
        axes.plot(pd.to_datetime(by_day.index), by_day, "o-")
        axes.axhline(0.8, color="k", linestyle=":")
        axes.set(ylim=(0, 1.02))
        along_days(axes, first_day, last_day)
        report.plot(drawn, "Share of hours inside the band")
    else:
        report.text("No day had a band; the report of each issue says why.")
    report.section("Promotions")
    report.table(
        ["entry", "day", "series", "why"],
        [[each.sequence, each.at.date(), _some(_changed(entries, each)), each.why] for each in moved],
    )
    return report.html()


def _some(keys: list[str]) -> str:
    return ", ".join(keys) if len(keys) <= _SHOWN else f"{len(keys)} series"
