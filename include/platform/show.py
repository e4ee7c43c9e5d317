"""What the door prints: tables that a person reads, made from the journal, the registry and Airflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from include.classification import Classification
from include.platform.airflow_api import Airflow
from include.platform.embedded import Platform
from include.records import ClassificationEvaluation, Estimate
from include.scenario import SCENARIOS
from include.spec import UseCase

if TYPE_CHECKING:
    from include.forecast import Forecast
    from include.forecast_ops.timeline import Timeline
    from include.platform.scenarios import Outcome
    from include.recommend_ops.timeline import Timeline as Nights
    from include.recommendation import Recommendation


def statuses(console: Console, platform: Platform) -> bool:
    """Print each component's state, address and memory; return whether all are healthy."""
    from include.platform import components

    state, found = platform.state, platform.status()
    table = Table("component", "state", "pid", "address")
    where = components.urls(state) | {"api-server": components.urls(state)["airflow"]}
    for name, seen in found.items():
        pid = str(state.started[name].pid) if name in state.started else ""
        table.add_row(name, f"[green]{seen}" if seen == "healthy" else f"[red]{seen}", pid, where.get(name, ""))
    console.print(table)
    console.print(f"memory {platform.memory_mib():.0f} MiB; "
                  f"accounts in {platform.home.folder / 'passwords.json'}")  # fmt: skip
    return all(seen == "healthy" for seen in found.values())


def journal(console: Console, spec: UseCase) -> bool:
    """Walk a journal's chain, and print what is wrong, or its head; return whether it verifies."""
    from include.deployment.journal import Journal

    found = Journal(spec.name).verify()
    for problem in found.problems:
        console.print(f"[red]{problem}[/red]", soft_wrap=True)
    if found.ok and found.head:
        console.print(
            f"{found.entries} entries, each signed and linked; head {found.head.sequence}, {found.head.hash[:16]}"
        )
    elif found.ok:
        console.print("no entry yet")
    return found.ok


def champion(console: Console, platform: Platform, spec: Classification, runs: dict[str, str]) -> None:
    """Print what is live in a use case, and what it rests on."""
    from include.data.tables import Table as DeltaTable
    from include.deployment.journal import Journal
    from include.models import registry, tracking
    from include.naming import DEFAULT_KEY

    head = Journal(spec.name).head()
    live = head.state.of(DEFAULT_KEY).champion if head else None
    if head is None or live is None:
        console.print(f"{spec.title} has no champion yet.")
        return
    evaluation = registry.classification_of(live)
    quarantined = DeltaTable(spec.name, "quarantine")
    snapshot = evaluation.snapshot
    console.print()
    facts = Table(title=f"{spec.title}: champion v{live.version} ({evaluation.family})", show_header=False)
    facts.add_row("data snapshot", f"{snapshot.rows} rows, {snapshot.first_day} to {snapshot.last_day}, table version "
                                   f"{snapshot.version}, digest {snapshot.digest[:12]}")  # fmt: skip
    facts.add_row("in quarantine", f"{len(quarantined.read()) if quarantined.exists() else 0} rows")
    parity = [
        f"{each.column}: {each.parity_ratio}, opportunity gap {each.opportunity_gap}" for each in evaluation.fairness
    ]
    facts.add_row("parity ratio", "\n".join(parity))
    failed = "; ".join(f"[red]{gate.name}: {gate.observed}[/red]" for gate in evaluation.failed_gates)
    facts.add_row(
        "gates", f"{len(evaluation.gates) - len(evaluation.failed_gates)} of {len(evaluation.gates)} hold {failed}"
    )
    facts.add_row("journal", f"sequence {head.sequence}, {head.action} by {head.who}: {head.why}")
    console.print(facts)
    console.print(_models(evaluation))
    airflow = Airflow(platform.airflow().url, "", "")
    for dag_id, run_id in runs.items():
        console.print(f"{dag_id}: {airflow.page(dag_id, run_id)}", soft_wrap=True)
    console.print(f"MLflow run: {tracking.run_url(live.run_id)}", soft_wrap=True)
    console.print(f"Report: {tracking.artifact_url(live.run_id, 'report.html')}", soft_wrap=True)


def _models(evaluation: ClassificationEvaluation) -> Table:
    names = ("auc", "brier", "ks", "cost")
    table = Table("model", *names, title=f"on {evaluation.fresh_rows} fresh rows, 95 % intervals")
    rows: list[tuple[str, dict[str, Estimate]]] = [
        *((f"baseline {name}", found) for name, found in evaluation.baselines.items()),
        *(
            (f"champion: {name}" if name == evaluation.family else f"candidate {name}", found)
            for name, found in evaluation.families.items()
        ),
    ]
    for name, found in rows:
        cells = (f"{each.value:.3f} [{each.low:.3f}, {each.high:.3f}]" for each in map(found.get, names) if each)
        table.add_row(name, *cells)
    return table


def nights(console: Console, spec: Recommendation, found: Nights) -> None:
    """Print what was bought of each day's lists, by market, and what the journal says of these days."""
    days = found.days
    table = Table("day", *spec.markets, "by hand", title=f"{spec.title}: {spec.kpi}")
    for day, rows in days.groupby("day"):
        rates = rows.set_index("market")["hit_rate"]
        table.add_row(str(day), *(f"{rates[market]:.1%}" for market in spec.markets), rows["by_hand"].iloc[0])
    console.print(table)
    journal = Table("entry", "at", "action", "who", "why")
    for entry in found.entries:
        journal.add_row(str(entry.sequence), f"{entry.at:%Y-%m-%d %H:%M}", entry.action, entry.who, entry.why[:100])
    console.print(journal)
    console.print(f"Timeline: {found.page}", soft_wrap=True)


def outcome(console: Console, found: Outcome) -> None:
    """Print what was expected of a loop in a scenario, and what it did."""
    timeline = found.timeline
    table = Table(
        "expected", "seen", "", title=f"{timeline.title}, {timeline.scenario}: {SCENARIOS[timeline.scenario]}"
    )
    for each in found.checks:
        table.add_row(each.expected, each.seen, "[green]holds" if each.holds else "[red]does not hold")
    console.print(table)
    console.print(f"Timeline: {found.page}, its picture and the monitor's pages beside it", soft_wrap=True)


def timeline(console: Console, spec: Forecast, found: Timeline) -> None:
    """Print the error and coverage of a replay by week, and the series that the watch named, before and after."""
    days = found.days
    weeks = Table("days", "total MAPE", "median series", "worst series", "coverage of 80 %", title=spec.title)
    every = sorted(days["day"].unique())
    for start in range(0, len(every), 7):
        mine = days.loc[days["day"].isin(every[start : start + 7])]
        by = mine.groupby("series")["mape"].mean()
        rest = by.drop(spec.total)
        weeks.add_row(
            f"{every[start]} to {every[min(start + 6, len(every) - 1)]}",
            f"{by[spec.total]:.2f} %",
            f"{rest.median():.2f} %",
            f"{rest.idxmax()}: {rest.max():.1f} %",
            f"{mine['coverage'].mean():.2f}" if mine["coverage"].notna().any() else "no band yet",
        )
    console.print(weeks)
    for recovery in found.recoveries:
        console.print(recovery.sentence, soft_wrap=True)
        hit = days.loc[days["series"] == recovery.series].set_index("day")["mape"]
        shown = ", ".join(f"{day:%d %b} {value:.0f} %" for day, value in hit.items())
        console.print(f"  by day: {shown}", soft_wrap=True)
    console.print(f"Timeline: {found.page}", soft_wrap=True)
