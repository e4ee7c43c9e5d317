"""Judge a candidate: on fresh rows that no model was trained on, beside the champion and naive baselines."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from include.classification import Classification
from include.errors import PermanentError
from include.models import artifact, evaluations, registry, tracking
from include.models.baselines import fit_baselines
from include.models.behaviour import behavioural_gates
from include.models.comparison import compare, refresh_due, route
from include.models.evaluation_report import evaluation_report
from include.models.fairness import audit
from include.models.fitting import Calibrated
from include.models.metrics import HIGHER_IS_BETTER, Array, all_metrics, estimate, resamples
from include.models.onnx import Converted, converted, onnx_gate
from include.naming import DEFAULT_KEY, model_name
from include.records import (
    ClassificationEvaluation,
    Comparison,
    Estimate,
    FairnessResult,
    Fitted,
    GateResult,
    ModelRef,
    ServingFacts,
    Snapshot,
    Training,
)

_SAMPLE_ROWS = 50


def trained_until(spec: Classification, snapshot: Snapshot) -> dt.date:
    """Return the last day a training may learn from; the days behind it are the fresh rows."""
    return snapshot.last_day - dt.timedelta(days=spec.fresh_days)


def predictions_digest(scores: Array) -> str:
    """Return the SHA-256 of scores, rounded to ten places: what a rebuilt model must reproduce."""
    return hashlib.sha256(np.round(scores, 10).astype("<f8").tobytes()).hexdigest()


def judge(
    spec: Classification,
    run_id: str,
    training: Training,
    rows: pd.DataFrame,
    families: Sequence[tuple[Fitted, Calibrated]],
    *,
    champion: ModelRef | None,
    champion_sequence: int,
    champion_since: dt.date | None,
    drift_confirmed: str,
) -> ClassificationEvaluation:
    """Choose the best family by what it showed on training rows, judge it on the fresh rows, and register it.

    The choice is made before the fresh rows are looked at, so that they judge one candidate and no selection.

    Raises:
        MissingMetricError: a number that the decision needs cannot be computed.
        PermanentError: the champion was trained on some of the fresh rows.
    """
    boundary = trained_until(spec, training.snapshot)
    trained, fresh = rows.loc[rows["day"] <= boundary], rows.loc[rows["day"] > boundary].reset_index(drop=True)
    y = fresh[spec.contract.target].to_numpy(dtype=float)
    weights = resamples(len(fresh), training.seed)
    sign = 1 if HIGHER_IS_BETTER[spec.primary_metric] else -1
    best, model = max(families, key=lambda each: sign * each[0].primary)

    scores = {fitted.family: each.predict(fresh[spec.model_columns]) for fitted, each in families}
    score = scores[best.family]
    naive = fit_baselines(spec, trained, fresh)
    against_naive = [compare(spec, y, score, other, weights, f"baseline {name}") for name, other in naive.items()]
    against_champion = _against_champion(spec, y, score, fresh, weights, champion, boundary)
    due = refresh_due(spec, as_of=training.as_of, champion_since=champion_since, drift_confirmed=drift_confirmed)
    hardest = min(against_naive, key=lambda each: each.difference.value)
    way = route(against_champion, hardest, due)

    facts, onnx = _facts(spec, best, model, trained), converted(model)
    ref = _registered(spec, run_id, training, model, fresh, facts, onnx)
    packed = artifact.PackedModel(ref, model, list(spec.model_columns))
    of_families = {each.family: _metrics(spec, y, scores[each.family], each.threshold, weights) for each, _ in families}
    metrics = of_families[best.family]
    fairness = audit(spec, fresh, score, best.threshold, weights)
    evaluation = ClassificationEvaluation(
        use_case=spec.name,
        key=DEFAULT_KEY,
        model=ref,
        family=best.family,
        as_of=training.as_of,
        originator=training.originator,
        originator_source=training.originator_source,
        snapshot=training.snapshot,
        fresh_rows=len(fresh),
        threshold=best.threshold,
        review_band=best.review_band,
        metrics=metrics,
        families=of_families,
        baselines={name: _metrics(spec, y, other, best.threshold, weights) for name, other in naive.items()},
        comparisons=tuple(filter(None, (against_champion, *against_naive))),
        champion_version=champion.version if champion else None,
        champion_sequence=champion_sequence,
        refresh_due=due,
        route=way,
        gates=(
            *_gates(spec, metrics, fairness, hardest),
            onnx_gate(onnx, facts, fresh, score),
            *behavioural_gates(spec, packed, fresh, training.seed),
        ),
        fairness=fairness,
    )
    _keep(spec, run_id, evaluation, packed, fresh, scores, families)
    return evaluation


def _against_champion(
    spec: Classification,
    y: Array,
    score: Array,
    fresh: pd.DataFrame,
    weights: Array,
    champion: ModelRef | None,
    boundary: dt.date,
) -> Comparison | None:
    if champion is None:
        return None
    seen_until = trained_until(spec, registry.classification_of(champion).snapshot)
    if seen_until > boundary:
        raise PermanentError(
            expected=f"a champion trained on days up to {boundary} at most",
            seen=f"{champion.name} v{champion.version}, trained on days up to {seen_until}",
            where="comparison with the champion",
            next_step="train as of a later day; on rows that the champion has learned no comparison is fair",
        )
    other = artifact.load(champion).score(fresh)
    return compare(spec, y, score, other, weights, f"champion v{champion.version}")


def _facts(spec: Classification, fitted: Fitted, model: Calibrated, trained: pd.DataFrame) -> ServingFacts:
    columns = trained[spec.model_columns].astype(float)
    both = zip(columns.min().items(), columns.max(), strict=True)
    return ServingFacts(
        use_case=spec.name,
        columns=tuple(spec.model_columns),
        threshold=fitted.threshold,
        review_band=fitted.review_band,
        typical=model.typical or {},
        bounds={name: (low, high) for (name, low), high in both},
    )


def _registered(
    spec: Classification,
    run_id: str,
    training: Training,
    model: Calibrated,
    fresh: pd.DataFrame,
    facts: ServingFacts,
    onnx: Converted,
) -> ModelRef:
    name = model_name(spec.name)
    if (made := registry.version_of_run(name, run_id)) is not None:
        return made
    uri, digest = artifact.pack(spec, model, fresh.head(_SAMPLE_ROWS), run_id=run_id, facts=facts, onnx=onnx.body)
    return registry.register(
        name, uri, run_id=run_id, digest=digest, as_of=training.as_of, pipeline_run=training.pipeline_run
    )


def _metrics(spec: Classification, y: Array, score: Array, threshold: float, weights: Array) -> dict[str, Estimate]:
    found = all_metrics(spec.costs, threshold)
    return {name: estimate(metric(y, score, weights), spec.gates.confidence) for name, metric in found.items()}


def _gates(
    spec: Classification, metrics: dict[str, Estimate], fairness: tuple[FairnessResult, ...], hardest: Comparison
) -> list[GateResult]:
    error, limit = metrics["ece"].value, spec.gates.max_calibration_error
    gates = [
        GateResult(
            name="beats the best baseline",
            passed=hardest.verdict == "better",
            required="significantly better",
            observed=f"{hardest.verdict} than {hardest.against}: {hardest.metric} {hardest.difference}",
        ),
        GateResult(
            name="calibration", passed=error <= limit, required=f"error of at most {limit:g}", observed=f"{error:.4f}"
        ),
    ]
    for rule, result in zip(spec.gates.fairness, fairness, strict=True):
        gates.append(
            GateResult(
                name=f"parity by {result.column}",
                passed=result.passed,
                required=f"ratio of at least {rule.min_ratio:g}",
                observed=str(result.parity_ratio),
                detail=f"opportunity gap {result.opportunity_gap}",
            )
        )
    return gates


def _keep(
    spec: Classification,
    run_id: str,
    evaluation: ClassificationEvaluation,
    packed: artifact.PackedModel,
    fresh: pd.DataFrame,
    scores: dict[str, Array],
    families: Sequence[tuple[Fitted, Calibrated]],
) -> None:
    """Store all that was found with the run; the evaluation last, for its presence says that the rest is there."""
    from include.monitor_ops.reference import PROFILE, RELIABILITY, reference_of
    from include.monitoring.estimate import Reliability

    score = scores[evaluation.family]
    tracking.log_params(
        run_id,
        {
            "family": evaluation.family,
            "threshold": evaluation.threshold,
            "predictions_digest": predictions_digest(score),
        },
    )
    tracking.log_record(run_id, PROFILE, reference_of(spec, fresh, score))
    outcomes = fresh[spec.contract.target].to_numpy(dtype=float)
    tracking.log_record(run_id, RELIABILITY, Reliability.of(score, outcomes))
    tracking.log_report(run_id, "report.html", evaluation_report(spec, evaluation, packed, fresh, scores, families))
    evaluations.keep_first(spec, evaluation, first_day=min(fresh["day"]), last_day=max(fresh["day"]))
