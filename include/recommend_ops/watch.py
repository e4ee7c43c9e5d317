"""Watch the lists against what was bought: hit rate by market, and the champion beside its predecessor.

Both rank for the same households on the same evening, so what they differ in is the model. A champion that lost to the
one before it is taken back by itself: an append to the journal like a person's, with the numbers as its evidence.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from include.data.sources import DAY
from include.data.tables import Table
from include.deployment.controls import by_hand
from include.deployment.entries import KeyState
from include.deployment.journal import Journal
from include.deployment.promotion import rollback
from include.models import tracking
from include.recommend_ops.evenings import TASK, keep_showing, of_versions, paired
from include.recommend_ops.purchases import purchases
from include.recommend_ops.report import watch_report
from include.recommend_ops.shown import CHAMPION, LISTS, PREVIOUS, SHOWN, VERDICTS
from include.recommendation import Recommendation
from include.recommending.events import HOUSEHOLD, PRODUCT, TIME
from include.recommending.metrics import difference

REPORT = "watch.html"
_WHO = "watch"


@dataclass(frozen=True)
class WatchResult:
    """What the watch says.

    Args:
        taken_back: Why a champion was taken back, by market.
        run_id: MLflow run that holds the report; none where there was nothing to judge.
        said: The same in a sentence.
    """

    taken_back: dict[str, str]
    run_id: str
    said: str


def watch(spec: Recommendation, *, as_of: dt.date, at: dt.datetime, pipeline_run: str) -> WatchResult:
    """Judge the newest lists whose day has ended, and take a champion back that lost to its predecessor.

    Args:
        spec: The use case.
        as_of: The day that has ended; the lists for it were made the evening before.
        at: Business time.
        pipeline_run: The run that judges.

    Raises:
        TransientError: a service is away; run it again.
    """
    first = as_of - dt.timedelta(days=spec.regression.window_days)
    lists = Table(spec.name, LISTS).read(first_day=first, last_day=as_of - dt.timedelta(days=1))
    if lists.empty or lists[DAY].max() < as_of - dt.timedelta(days=1):
        return WatchResult({}, "", f"no lists were made for {as_of}")
    journal = Journal(spec.name)
    state, _ = journal.at(at)
    bought = purchases(spec, as_of=as_of, first_day=first).cleaned.events
    bought = bought.assign(**{DAY: bought[TIME].dt.date})[[DAY, HOUSEHOLD, PRODUCT]].drop_duplicates()
    verdicts, taken_back = [], {}
    for market in spec.markets:
        mine = lists.loc[(lists["market"] == market) & (lists["task"] == TASK)]
        line = _judged(spec, mine, bought, state.of(market), as_of)
        keep_showing(spec, market, state.of(market), mine, bought)
        if line["verdict"] == "worse":
            why = str(line["reason"])
            rollback(spec, key=market, who=_WHO, why=why, request_id=f"watch {market} in {pipeline_run}", at=at)
            taken_back[market] = why
        verdicts.append({DAY: as_of, "market": market, **line})
    held = by_hand(spec, state, as_of)
    frame = pd.DataFrame(verdicts).assign(by_hand="; ".join(held))
    frame = frame.astype(dict.fromkeys(("market", "verdict", "reason", "by_hand"), "str"))
    Table(spec.name, VERDICTS).update(as_of, as_of, lambda present: frame, run=pipeline_run)
    run_id = _record(spec, as_of, frame, held, state.of(spec.markets[0]), pipeline_run)
    rates = ", ".join(f"{row.market} {row.hit_rate:.1%}" for row in frame.itertuples())
    back = "".join(f"; {market} was taken back: {why}" for market, why in taken_back.items())
    return WatchResult(taken_back, run_id, f"households that bought something from their list: {rates}{back}")


def _judged(
    spec: Recommendation, lists: pd.DataFrame, bought: pd.DataFrame, now: KeyState, as_of: dt.date
) -> dict[str, object]:
    """Return one market's numbers and verdict."""
    limits = spec.regression
    newest = lists.loc[(lists[DAY] == as_of - dt.timedelta(days=1)) & (lists["variant"] == SHOWN)]
    _, _, shown = paired(newest, bought, (SHOWN,))
    line: dict[str, object] = {
        "model_version": int(newest["model_version"].max()) if len(newest) else 0,  # 0: the fall-back's
        "previous_version": now.previous.version if now.previous else 0,
        "households": len(shown[SHOWN]),
        "hit_rate": float((shown[SHOWN] > 0).mean()) if len(shown[SHOWN]) else np.nan,
        "ndcg": float(shown[SHOWN].mean()) if len(shown[SHOWN]) else np.nan,
        "difference": np.nan, "low": np.nan, "high": np.nan,
    }  # fmt: skip
    if now.previous is None or now.champion is None or now.pin is not None:
        return {**line, "verdict": "not judged", "reason": "no predecessor to compare with, or a pinned version"}
    households, _, found = paired(of_versions(lists, now), bought, (CHAMPION, PREVIOUS))
    if len(set(households)) < limits.min_households:
        said = f"{len(set(households))} households that bought, {limits.min_households} are needed"
        return {**line, "verdict": "not judged", "reason": said}
    by = pd.DataFrame({"household": households, "one": found[CHAMPION], "other": found[PREVIOUS]})
    by = by.groupby("household").mean()
    seen = difference(by["one"].to_numpy(), by["other"].to_numpy(), seed=spec.seed, confidence=limits.confidence)
    line |= {"difference": seen.value, "low": seen.low, "high": seen.high}
    reason = (
        f"NDCG@{spec.list_length} of v{now.champion.version} less that of v{now.previous.version} is {seen} "
        f"over {len(by)} households"
    )
    return {**line, "verdict": "worse" if seen.high < -limits.max_loss else "healthy", "reason": reason}


def _record(
    spec: Recommendation, as_of: dt.date, frame: pd.DataFrame, held: list[str], now: KeyState, pipeline_run: str
) -> str:
    run_id = tracking.run_under(now.champion, spec.name, f"watch {as_of}", pipeline_run=pipeline_run)
    numbers = {
        f"{row.market}_{name}": float(getattr(row, name))
        for row in frame.itertuples()
        for name in ("hit_rate", "ndcg", "difference")
        if np.isfinite(getattr(row, name))
    }
    tracking.log_metrics(run_id, {**numbers, "taken_back": int((frame["verdict"] == "worse").sum())})
    past = Table(spec.name, VERDICTS).read(last_day=as_of)
    tracking.log_report(run_id, REPORT, watch_report(spec, as_of, frame, past, held))
    tracking.close_run(run_id)
    return run_id
