"""Train the recommenders of a use case: choose families on earlier days, judge on the newest, fit on all, register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from include.deployment.entries import KeyState
from include.deployment.journal import Journal
from include.errors import PermanentError
from include.models import evaluations, keyed, registry, tracking
from include.monitor_ops.reference import keep_reference, watched_lines
from include.recommend_ops import artifact
from include.recommend_ops.contest import contest, of_task, scores_of
from include.recommend_ops.evaluation import evaluate
from include.recommend_ops.purchases import Purchases, purchases
from include.recommend_ops.report import evaluation_report
from include.recommendation import TASKS, Recommendation, Task
from include.recommending.interactions import Array, Interactions, interactions
from include.recommending.preparation import ColdStart, catalogue, warm
from include.recommending.recommender import Recommender
from include.recommending.training import BLEND, build
from include.records import KeyedTraining, ModelRef

WHAT = "market"
SAMPLE = "answers.json"
REPORT = "report.html"
_SAMPLED = 20
_LOGITS = "rate"  # the family whose scores are logits already
_EDGE = 1e-3


def prepare(spec: Recommendation, **given: Any) -> str:
    """Open the parent run, as ``include.models.keyed.prepare`` does, and return its id."""
    return keyed.prepare(spec, needed_days=spec.min_history_days + 2 * spec.fresh_days, **given)


def concerned(spec: Recommendation, as_of: dt.date) -> tuple[str, ...]:
    """Return the markets to train where a drift was confirmed: all, for what is bought together moves together."""
    return spec.keys


def check(spec: Recommendation, refs: Mapping[str, ModelRef]) -> None:
    """Test versions in a clean process, as ``include.recommend_ops.clean_check.check`` does."""
    from include.recommend_ops import clean_check

    clean_check.check(spec, refs)


def train(spec: Recommendation, run_id: str, keys: Sequence[str]) -> dict[str, str]:
    """Choose, judge, fit and register the recommender of each of some markets that the training is about.

    Returns:
        The error of each market that broke; the others have a version.

    Raises:
        TransientError: a service is away; the step goes on where it ended.
    """
    training = keyed.record_of(run_id)
    seen = purchases(spec, as_of=training.as_of, version=training.versions[spec.datasets[0].table])
    if training.keys[0] in keys:  # of all batches, one
        keep_reference(spec, run_id, watched_lines(seen))
    journal = Journal(spec.name)
    state, sequence = journal.state(), journal.sequence()

    def one(key: str, child: str) -> None:
        _train_one(spec, training, seen, key, child, state.of(key), sequence)

    return keyed.train_each(training, run_id, keys, what=WHAT, one=one)


def known_to(spec: Recommendation, seen: Purchases, market: str, as_of: dt.date) -> Interactions:
    """Return what a market's training learns from."""
    events = seen.of(market)
    known = warm(events, ColdStart(spec.fewest_items, spec.fewest_households))
    return interactions(events, seen.products, as_of + dt.timedelta(days=1), known)


@threadpool_limits.wrap(limits=1)  # sums of several threads differ in their last digits
def fitted(
    spec: Recommendation,
    x: Interactions,
    products: pd.DataFrame,
    market: str,
    chosen: Mapping[Task, str],
    weights: Mapping[Task, Mapping[str, float]],
) -> Recommender:
    """Return what is served: the chosen families fitted on all that is known.

    Args:
        spec: The use case.
        x: What is known.
        products: Facts of the products, for the names in reasons.
        market: The market.
        chosen: Family by task.
        weights: Of a blend, by task and family.
    """
    rebuy = scores_of(x, chosen["rebuy"], "rebuy", weights["rebuy"])
    return build(
        x,
        market=market,
        names=catalogue(products, x.items)["type"].str.capitalize(),
        rebuy=rebuy if chosen["rebuy"] == _LOGITS else _as_logits(rebuy),
        discover=scores_of(x, chosen["discover"], "discover", weights["discover"]),
        about={"families": dict(chosen), "weights": {task: dict(each) for task, each in weights.items()}},
    )


def _train_one(
    spec: Recommendation,
    training: KeyedTraining,
    seen: Purchases,
    key: str,
    child: str,
    present: KeyState,
    sequence: int,
) -> None:
    x = known_to(spec, seen, key, training.as_of)
    earlier = {task: contest(spec, x.back(spec.fresh_days), task, days=spec.fresh_days) for task in TASKS}
    judged = {task: contest(spec, x, task, days=spec.fresh_days) for task in TASKS}
    chosen = {task: _asked(spec, training.family, task) or earlier[task].best for task in TASKS}
    weights = {task: judged[task].weights if chosen[task] == BLEND else {} for task in TASKS}
    made = fitted(spec, x, seen.products, key, chosen, weights)
    users = made.users[np.linspace(0, len(made.users) - 1, _SAMPLED).astype(int)].tolist()
    tracking.log_json(child, SAMPLE, answers(made, users, spec.list_length))
    ref = artifact.pack(spec, made, run_id=child, as_of=training.as_of, pipeline_run=training.pipeline_run)
    reason = "; ".join(
        f"{task}: {chosen[task]}, {'asked for' if _asked(spec, training.family, task) else 'best on the days before'}"
        for task in TASKS
    )
    evaluation = evaluate(
        spec, training, ref, key, judged, chosen,
        champion=registry.recommendation_of(present.champion) if present.champion else None,
        champion_since=present.champion_since, sequence=sequence, reason=reason, left_out=seen.cleaned.dropped,
    )  # fmt: skip
    tracking.log_params(child, {**{f"family.{task}": name for task, name in chosen.items()}, "market": key})
    fresh = evaluation.trained_until + dt.timedelta(days=1)
    evaluations.keep_first(spec, evaluation, first_day=fresh, last_day=training.as_of)
    tracking.log_report(child, REPORT, evaluation_report(spec, evaluation))


def answers(made: Recommender, users: Sequence[int], n: int) -> dict[str, Any]:
    """Return what a recommender says to some users: what a clean process must repeat."""
    said: dict[str, Any] = {
        task: [[item for item, _, _ in made.recommend(user, task, n)] for user in users] for task in TASKS
    }
    return {"users": [int(user) for user in users], **said}


def _asked(spec: Recommendation, family: str, task: Task) -> str:
    """Return the one family that a person asked for, where it is meant for the task."""
    if not family:
        return ""
    names = {task: of_task(spec, task) for task in TASKS}
    if family not in {name for each in names.values() for name in each}:
        raise PermanentError(
            expected=f"a family among {list(spec.families)}",
            seen=family,
            where=f"training of {spec.name}",
            next_step="ask for one of the spec's families, or for none",
        )
    return family if family in names[task] else ""


def _as_logits(scores: Array) -> Array:
    """Return scores of any scale as logits, each user's from near never to near always; the order stays."""
    low, high = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    share = _EDGE + (1 - 2 * _EDGE) * (scores - low) / np.maximum(high - low, np.float32(1e-9))
    return np.log(share / (1 - share)).astype(np.float32)
