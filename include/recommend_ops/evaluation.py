"""Judge a market's new recommender: its families against the champion's and the baselines', on the same newest days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np

from include.catalog import resolve
from include.models.comparison import concluded, refresh_due
from include.models.metrics import resamples
from include.recommend_ops.contest import BASELINES, Contest
from include.recommendation import TASKS, Recommendation, Task
from include.recommending.evaluation import summary
from include.recommending.metrics import by_group
from include.records import (
    Comparison,
    Estimate,
    GateResult,
    KeyedTraining,
    ModelRef,
    RecommendationEvaluation,
    Route,
)

FACTS = ("age", "income")


def evaluate(
    spec: Recommendation,
    training: KeyedTraining,
    ref: ModelRef,
    key: str,
    judged: Mapping[Task, Contest],
    chosen: Mapping[Task, str],
    *,
    champion: RecommendationEvaluation | None,
    champion_since: dt.datetime | None,
    sequence: int,
    reason: str,
    left_out: Mapping[str, int],
) -> RecommendationEvaluation:
    """Return the evaluation of a market's new recommender.

    Args:
        spec: The use case.
        training: The training it comes from.
        ref: Its version.
        key: The market.
        judged: All families on the newest days, by task.
        chosen: Its family by task.
        champion: The evaluation of the recommender that is live, if any.
        champion_since: When it became champion.
        sequence: Journal sequence at which it was read.
        reason: Why these families.
        left_out: Lines of purchases that were no events, by rule.
    """
    against = {task: _against(spec, judged[task], chosen[task], champion) for task in TASKS}
    baselines = {task: _compared(spec, judged[task], chosen[task], BASELINES[task], "baseline") for task in TASKS}
    metrics = _metrics(spec, judged, chosen)
    groups = _subgroups(spec, judged["rebuy"], chosen["rebuy"])
    due = refresh_due(
        spec, as_of=training.as_of, champion_since=champion_since.date() if champion_since else None,
        drift_confirmed=training.drift_confirmed,
    )  # fmt: skip
    cut = training.as_of - dt.timedelta(days=spec.fresh_days)
    return RecommendationEvaluation(
        use_case=spec.name,
        key=key,
        model=ref,
        family=" + ".join(f"{task} {chosen[task]}" for task in TASKS),
        as_of=training.as_of,
        originator=training.originator,
        originator_source=training.originator_source,
        fresh_rows=int(judged["rebuy"].bought.nnz),
        metrics=metrics,
        comparisons=tuple(each for each in (*against.values(), *baselines.values()) if each is not None),
        champion_version=champion.model.version if champion else None,
        champion_sequence=sequence,
        refresh_due=due,
        route=_route(spec, champion, against, due),
        gates=_gates(spec, metrics, baselines, groups, champion),
        chosen={str(task): name for task, name in chosen.items()},
        reason=reason,
        trained_until=cut,
        histories_until=training.as_of,
        tasks={task: _families(spec, judged[task]) for task in TASKS},
        subgroups={fact: {name: found for name, (_, found) in each.items() if found} for fact, each in groups.items()},
        left_out=dict(left_out),
    )


def _against(
    spec: Recommendation, judged: Contest, mine: str, champion: RecommendationEvaluation | None
) -> Comparison | None:
    if champion is None or champion.chosen[judged.task] not in judged.families:
        return None
    return _compared(spec, judged, mine, champion.chosen[judged.task], f"champion v{champion.model.version}:")


def _compared(spec: Recommendation, judged: Contest, mine: str, theirs: str, what: str) -> Comparison:
    """Return the comparison of two families' NDCG paired by household; positive favours the candidate."""
    difference = judged.families[mine].ndcg - judged.families[theirs].ndcg
    known = difference[np.isfinite(difference)]
    drawn = resamples(len(known), spec.seed) @ known / len(known)
    metric = f"{judged.task}_ndcg"
    return concluded(spec, drawn, against=f"{what} {theirs}", metric=metric, rows=len(known))


def _route(
    spec: Recommendation, champion: RecommendationEvaluation | None, against: Mapping[Task, Comparison | None], due: str
) -> Route | None:
    """Return the way to the champion's place: no task may become worse for the other's sake."""
    if champion is None:
        return "first"
    compared = [each for each in against.values() if each is not None]
    harmless = len(compared) == len(TASKS) and all(each.non_inferior for each in compared)
    if harmless and any(each.verdict == "better" and each.metric == spec.primary_metric for each in compared):
        return "superiority"
    return "refresh" if due and harmless else None


def _metrics(spec: Recommendation, judged: Mapping[Task, Contest], chosen: Mapping[Task, str]) -> dict[str, Estimate]:
    return {
        f"{task}_{name.partition('@')[0]}": value
        for task in TASKS
        for name, value in _summary(spec, judged[task], chosen[task]).items()
    }


def _families(spec: Recommendation, judged: Contest) -> dict[str, dict[str, Estimate]]:
    return {
        name: {each.partition("@")[0]: value for each, value in _summary(spec, judged, name).items() if "@" in each}
        for name in judged.families
    }


def _summary(spec: Recommendation, judged: Contest, name: str) -> dict[str, Estimate]:
    return summary(judged.families[name], judged.past, judged.bought, seed=spec.seed)


def _subgroups(spec: Recommendation, judged: Contest, name: str) -> dict[str, dict[str, tuple[int, Estimate | None]]]:
    """Return NDCG by age and income band of the households whose facts are known."""
    facts = resolve(spec.households)().set_index("household").reindex(judged.past.users)
    return {
        fact: by_group(
            judged.families[name].ndcg,
            facts[fact].fillna("").astype(str),
            seed=spec.seed,
            fewest=spec.gates.min_subgroup,
        )
        for fact in FACTS
    }


def _gates(
    spec: Recommendation,
    metrics: Mapping[str, Estimate],
    baselines: Mapping[Task, Comparison],
    groups: Mapping[str, Mapping[str, tuple[int, Estimate | None]]],
    champion: RecommendationEvaluation | None,
) -> tuple[GateResult, ...]:
    limits, gates = spec.gates, []
    for task, compared in baselines.items():
        gates.append(
            GateResult(
                name=f"{task} no worse than {BASELINES[task]}", passed=compared.non_inferior,
                required=f"NDCG at most {limits.non_inferiority_margin:g} lower", observed=str(compared.difference),
            )
        )  # fmt: skip
    covered = metrics["discover_coverage"].value
    gates.append(
        GateResult(
            name="coverage", passed=covered >= limits.min_coverage,
            required=f"at least {limits.min_coverage:.0%} of the items in a list", observed=f"{covered:.1%}",
        )
    )  # fmt: skip
    primary = metrics[spec.primary_metric]
    if champion is not None:
        floor = champion.metrics[spec.primary_metric].value * (1 - limits.max_fall)
        gates.append(
            GateResult(
                name="no fall below the champion's own evaluation", passed=primary.value >= floor,
                required=f"{spec.primary_metric} at least {floor:.3f}", observed=str(primary),
            )
        )  # fmt: skip
    whole = metrics["rebuy_ndcg"].value
    for fact, each in groups.items():
        worst = min(((found.high, name, found) for name, (_, found) in each.items() if found), default=None)
        small = [name for name, (_, found) in each.items() if found is None]
        gates.append(
            GateResult(
                name=f"quality by {fact}",
                passed=worst is None or worst[0] >= limits.min_subgroup_ratio * whole,
                required=f"every group may reach {limits.min_subgroup_ratio:.0%} of all households' NDCG",
                observed=f"{worst[1]}: {worst[2]}" if worst else "no group is large enough",
                detail=f"too small to judge: {', '.join(small) or 'none'}",
            )
        )
    return tuple(gates)
