"""Batch scoring: what the champion has not scored yet, into the prediction log, a whole day at a time."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass

import pandas as pd

from include.classification import Classification
from include.data import snapshots
from include.data.sources import DAY
from include.data.tables import Table
from include.deployment.entries import KeyState
from include.deployment.journal import Journal
from include.models import artifact, explain, registry, tracking
from include.naming import DEFAULT_KEY
from include.records import ClassificationEvaluation, ModelRef
from include.serving.decisions import ACCEPT, DECLINE, REVIEW, decide

PREDICTIONS = "predictions"


@dataclass(frozen=True)
class ScoreResult:
    """What a run has scored.

    Args:
        rows: Rows written.
        version: The champion's version; 0 where there is none.
        sequence: The journal's sequence at which it was read.
        skipped: Why nothing was scored; empty otherwise.
        days: The days that were scored.
    """

    rows: int
    version: int
    sequence: int
    skipped: str
    days: tuple[dt.date, ...]


def score_pending(spec: Classification, *, as_of: dt.date, pipeline_run: str, at: dt.datetime) -> ScoreResult:
    """Score every landed day up to ``as_of`` that the champion has neither been judged on nor scored.

    The days are read from the tables and not from the event, so an event that was lost or came twice changes nothing.
    A day is scored once by a version; after a promotion the new champion scores what it has not seen itself. A run that
    is repeated because its first try died behind the commit finds what that has written, and says it again: else nobody
    would be woken by it.

    Args:
        spec: The use case.
        as_of: The newest day to score.
        pipeline_run: The run that scores; kept on each row.
        at: Business time of the scoring.
    """
    head = Journal(spec.name).head()
    now, sequence = (head.state.of(DEFAULT_KEY), head.sequence) if head else (KeyState(), 0)
    if not now.switch_on:
        return ScoreResult(0, 0, sequence, f"{spec.name} is switched off: {now.switch_reason}; persons decide", ())
    champion = now.decides
    if champion is None:
        return ScoreResult(0, 0, sequence, f"{spec.name} has no champion yet; its first promotion scores", ())
    evaluation = registry.classification_of(champion)
    days = pending(spec, evaluation, champion, as_of)
    if not days:
        mine = _written(champion, evaluation, as_of, pipeline_run)
        if mine.empty:
            said = f"v{champion.version} has scored all days up to {as_of}"
            return ScoreResult(0, champion.version, sequence, said, ())
        _record(spec, champion, mine, pipeline_run)
        return ScoreResult(
            len(mine), champion.version, int(mine["sequence"].iloc[0]), "", tuple(sorted(set(mine[DAY])))
        )
    rows = snapshots.rows_between(spec, days[0], days[-1], as_of=as_of)
    rows = rows.loc[rows[DAY].isin(days)].reset_index(drop=True)
    model = artifact.load(champion)
    scores = model.score(rows)
    scored = pd.DataFrame(
        {
            spec.contract.key: rows[spec.contract.key],
            DAY: rows[DAY],
            "score": scores,
            "decision": [decide(score, evaluation.review_band) for score in scores],
            "reasons": [json.dumps(each) for each in explain.reasons(model, rows)],
            "model_version": champion.version,
            "sequence": sequence,
            "request_id": [f"{pipeline_run}/{key}" for key in rows[spec.contract.key]],
            "scored_at": pd.Series([pd.Timestamp(at)] * len(rows)).astype("datetime64[us, UTC]"),
            "pipeline_run": pipeline_run,
        }
    )

    def replace(present: pd.DataFrame) -> pd.DataFrame:
        if present.empty:
            return scored
        others = present.loc[~((present["model_version"] == champion.version) & present[DAY].isin(days))]
        return pd.concat([others, scored], ignore_index=True)

    Table(spec.name, PREDICTIONS).update(days[0], days[-1], replace, run=pipeline_run)
    _record(spec, champion, scored, pipeline_run)
    return ScoreResult(len(scored), champion.version, sequence, "", tuple(days))


def pending(
    spec: Classification, evaluation: ClassificationEvaluation, champion: ModelRef, as_of: dt.date
) -> list[dt.date]:
    """Return the landed days up to ``as_of`` that a champion has neither been judged on nor scored."""
    landed = Table(spec.name, "rows").days()
    unseen = sorted(day for day in landed if evaluation.snapshot.last_day < day <= as_of)
    if not unseen:
        return []
    log = Table(spec.name, PREDICTIONS).read(first_day=unseen[0], last_day=unseen[-1], columns=[DAY, "model_version"])
    done = set(log.loc[log["model_version"] == champion.version, DAY]) if len(log) else set()
    return [day for day in unseen if day not in done]


def _written(
    champion: ModelRef, evaluation: ClassificationEvaluation, as_of: dt.date, pipeline_run: str
) -> pd.DataFrame:
    """Return what an earlier try of a run has written with a champion."""
    first = evaluation.snapshot.last_day + dt.timedelta(days=1)
    needed = [DAY, "model_version", "pipeline_run", "sequence", "score", "decision"]
    log = Table(evaluation.use_case, PREDICTIONS).read(first_day=first, last_day=as_of, columns=needed)
    if log.empty:
        return log
    return log.loc[(log["model_version"] == champion.version) & (log["pipeline_run"] == pipeline_run)]


def _record(spec: Classification, champion: ModelRef, scored: pd.DataFrame, pipeline_run: str) -> None:
    run_id = tracking.child_run(champion.run_id, f"score {scored[DAY].max()}", pipeline_run=pipeline_run)
    counts = scored["decision"].value_counts()
    tracking.log_metrics(
        run_id,
        {"rows": len(scored), "mean_score": float(scored["score"].mean())}
        | {name: int(counts.get(name, 0)) for name in (ACCEPT, REVIEW, DECLINE)},
    )
    tracking.close_run(run_id)
