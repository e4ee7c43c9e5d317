"""Lists to push: for every household and both tasks, and for the households and products of each running campaign.

The lists of a night are for the day that follows. Beside what is shown stands what the champion and its predecessor
rank without anybody's rules: so each day tells which of them foresaw better, and one that lost can be taken back.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from include.catalog import resolve
from include.data.sources import DAY
from include.data.tables import Table
from include.deployment.controls import by_hand, in_force
from include.deployment.entries import KeyState, State
from include.deployment.journal import Journal
from include.deployment.lists import EMPTY, ItemLists
from include.errors import ArtifactError
from include.models import tracking
from include.recommend_ops import artifact
from include.recommend_ops.postgres import replace_day
from include.recommend_ops.report import lists_report
from include.recommend_ops.shown import CAMPAIGN_LISTS, CHAMPION, COLUMNS, LISTS, PREVIOUS, SHOWN, Variant
from include.recommendation import TASKS, Recommendation
from include.recommending.held import popular, rules_of
from include.recommending.recommender import Recommender
from include.records import ModelRef

REPORT = "lists.html"


@dataclass(frozen=True)
class Published:
    """What a night has published.

    Args:
        rows: Rows of the households' lists.
        campaign_rows: Rows of the campaigns' lists.
        in_postgres: Of those, rows that went to PostgreSQL.
        sequence: The journal's sequence in force.
        run_id: MLflow run that holds the report; none where nothing was published.
        said: The same in a sentence.
    """

    rows: int
    campaign_rows: int
    in_postgres: int
    sequence: int
    run_id: str
    said: str


def publish(spec: Recommendation, *, as_of: dt.date, at: dt.datetime, pipeline_run: str, dsn: str = "") -> Published:
    """Write the lists of the day after ``as_of``; repeated, they replace themselves.

    Args:
        spec: The use case.
        as_of: The day that has ended.
        at: Business time; what the journal said then is in force.
        pipeline_run: The run that publishes; kept on each row.
        dsn: PostgreSQL that the campaigns' lists go to as well; empty for none.

    Raises:
        TransientError: a service is away; run it again.
    """
    state, sequence = Journal(spec.name).at(at)
    day = as_of + dt.timedelta(days=1)
    rules = in_force(spec, state, day)
    parts, pushed = [], []
    for market in spec.markets:
        now = state.of(market)
        if now.decides is None:
            continue
        held = rules.get(market, EMPTY)
        champion = artifact.load(now.decides)
        parts.append(_shown(spec, market, now, champion, held))
        parts.append(_ranked(spec, market, champion, now.decides, CHAMPION))
        if now.previous is not None and now.pin is None and (before := _opened(now.previous)) is not None:
            parts.append(_ranked(spec, market, before, now.previous, PREVIOUS))
        pushed.append(_campaigns(spec, market, now, champion, held, day))
    if not parts:
        return Published(0, 0, 0, sequence, "", f"{spec.name} has no champion yet; its first promotion publishes")
    said_by_hand = by_hand(spec, state, day)
    stamp = {DAY: as_of, "sequence": sequence, "pipeline_run": pipeline_run}
    rows = pd.concat(parts, ignore_index=True).assign(**stamp)
    campaigns = pd.concat(pushed, ignore_index=True).assign(**stamp)
    Table(spec.name, LISTS).update(as_of, as_of, lambda present: rows, run=pipeline_run)
    if len(campaigns):
        Table(spec.name, CAMPAIGN_LISTS).update(as_of, as_of, lambda present: campaigns, run=pipeline_run)
    in_postgres = replace_day(dsn, campaigns, use_case=spec.name, day=day) if dsn else 0
    run_id = _record(spec, state, as_of, rows, campaigns, said_by_hand, pipeline_run)
    said = f"{len(rows)} rows of lists for {day}, {len(campaigns)} for campaigns, {in_postgres} into PostgreSQL"
    return Published(len(rows), len(campaigns), in_postgres, sequence, run_id, "; ".join([said, *said_by_hand]))


def _shown(spec: Recommendation, market: str, now: KeyState, champion: Recommender, held: ItemLists) -> pd.DataFrame:
    """Return what is shown: the champion's lists under the rules, or where it is switched off what is popular."""
    rules = rules_of(held)
    version = now.decides.version if now.decides and now.switch_on else 0
    off = "" if now.switch_on else f"switched off: {now.switch_reason}"
    lines: list[tuple[object, ...]] = []
    for user in champion.users.tolist():
        for task in TASKS:
            ranked = popular(champion, spec.list_length, rules) if off else champion.answer(
                user, task, spec.list_length, rules=rules
            )  # fmt: skip
            lines += [
                (market, user, task, SHOWN, rank, item, score, off or reason, version)
                for rank, (item, score, reason) in enumerate(ranked, start=1)
            ]
    return _frame(lines)


def _ranked(
    spec: Recommendation, market: str, recommender: Recommender, ref: ModelRef, variant: Variant
) -> pd.DataFrame:
    lines = [
        (market, user, task, variant, rank, item, score, reason, ref.version)
        for user in recommender.users.tolist()
        for task in TASKS
        for rank, (item, score, reason) in enumerate(recommender.recommend(user, task, spec.list_length), start=1)
    ]
    return _frame(lines)


def _campaigns(
    spec: Recommendation, market: str, now: KeyState, champion: Recommender, held: ItemLists, day: dt.date
) -> pd.DataFrame:
    """Return for each household that a running campaign reaches the best of the products that it has coupons for."""
    mine, rules = set(champion.users.tolist()), rules_of(held)
    version = now.decides.version if now.decides and now.switch_on else 0
    lines: list[tuple[object, ...]] = []
    for campaign in resolve(spec.campaigns)(day):
        others = set(champion.items.tolist()) - campaign.products
        for user in sorted(campaign.households & mine):
            if now.switch_on:
                ranked = champion.recommend(user, "rebuy", spec.list_length, exclude=others | rules.blocked)
            else:
                ranked = popular(champion, spec.list_length, rules, campaign.products)
            lines += [
                (campaign.campaign, market, user, rank, item, score, version)
                for rank, (item, score, _) in enumerate(ranked, start=1)
            ]
    columns = ["campaign", "market", "household", "rank", "product", "score", "model_version"]
    return pd.DataFrame(lines, columns=columns).astype({"market": "str", "score": "float64"})


def _frame(lines: Sequence[tuple[object, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    texts = dict.fromkeys(("market", "task", "variant", "reason"), "str")
    whole = dict.fromkeys(("household", "rank", "product", "model_version"), "int64")
    return frame.astype({**texts, **whole, "score": "float64"})


def _opened(ref: ModelRef) -> Recommender | None:
    """Return a predecessor, none where its files are gone: it is only compared with."""
    try:
        return artifact.load(ref)
    except ArtifactError:
        return None


def _record(
    spec: Recommendation,
    state: State,
    as_of: dt.date,
    rows: pd.DataFrame,
    campaigns: pd.DataFrame,
    said_by_hand: list[str],
    pipeline_run: str,
) -> str:
    champion = next((now.decides for key in spec.keys if (now := state.of(key)).decides is not None), None)
    run_id = tracking.run_under(champion, spec.name, f"lists {as_of}", pipeline_run=pipeline_run)
    shown = rows.loc[rows["variant"] == SHOWN]
    numbers = {"households": shown["household"].nunique(), "items": shown["product"].nunique()}
    tracking.log_metrics(run_id, {**numbers, "campaign_rows": len(campaigns), "by_hand": len(said_by_hand)})
    tracking.log_report(run_id, REPORT, lists_report(spec, as_of, shown, campaigns, said_by_hand))
    tracking.close_run(run_id)
    return run_id
