"""Facts to decide on: evaluations, approvals and tiny registered models."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from include.deployment.entries import KeyState, State
from include.naming import DEFAULT_KEY, model_name
from include.records import Approval, ClassificationEvaluation, Comparison, Estimate, GateResult, ModelRef, Snapshot
from include.use_cases.credit_risk import SPEC

AT = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
RUN = "credit_risk_deploy/manual__1"
GOOD = GateResult(name="calibration", passed=True, required="at most 0.05", observed="0.01")
BAD = GateResult(name="fairness SEX", passed=False, required="at least 0.8", observed="0.71")


def ref(version: int = 1, **given: Any) -> ModelRef:
    facts = {"name": model_name(SPEC.name), "version": version, "run_id": f"run{version}", "digest": f"{version:064x}"}
    return ModelRef.model_validate({**facts, **given})


def estimate(value: float = 0.78) -> Estimate:
    return Estimate(value=value, low=value - 0.01, high=value + 0.01)


def evaluation(model: ModelRef | None = None, **given: Any) -> ClassificationEvaluation:
    day = dt.date(2026, 4, 30)
    snapshot = Snapshot(
        table="rows", version=1, truth_version=1, first_day=day, last_day=day, as_of=day, rows=10, digest="d"
    )
    compared = Comparison(
        against="baseline best_feature", metric="auc", rows=5000, difference=estimate(0.1), p_value=0.001,
        non_inferior=True, verdict="better",
    )  # fmt: skip
    facts = {
        "use_case": SPEC.name, "key": DEFAULT_KEY, "model": model or ref(), "family": "boosting", "as_of": day,
        "originator": "operator", "originator_source": "manual", "snapshot": snapshot, "fresh_rows": 5000,
        "threshold": 0.2, "review_band": (0.15, 0.25), "metrics": {"auc": estimate()}, "families": {},
        "baselines": {}, "comparisons": (compared,), "champion_version": None, "champion_sequence": 0,
        "route": "first", "gates": (GOOD,), "fairness": (),
    }  # fmt: skip
    return ClassificationEvaluation.model_validate({**facts, **given})


def approval(model: ModelRef | None = None, **given: Any) -> Approval:
    now = dt.datetime.now(dt.UTC)
    facts = {
        "use_case": SPEC.name, "model": model or ref(), "run": RUN, "answer": "Approve", "approver": "reviewer",
        "answered_at": now, "expires_at": now + dt.timedelta(hours=72), "comment": "looked at the report",
    }  # fmt: skip
    return Approval.model_validate({**facts, **given})


def change_to(model: ModelRef):
    """Return the decision that makes a model the champion, whatever was there."""

    def change(state: State) -> State:
        before = state.of(DEFAULT_KEY).champion
        return state.with_key(DEFAULT_KEY, KeyState(champion=model, champion_since=AT, previous=before))

    return change


def said(**given: Any) -> dict[str, Any]:
    """Return what an append must be told beside the change."""
    return {"action": "promote", "who": "reviewer", "why": "a test", "evidence": {"run": RUN}, "at": AT, **given}


def registered(*, files: Mapping[str, bytes] | None = None, **given: Any) -> ModelRef:
    """Log a few files as a model in MLflow, register them, and store an evaluation with the run."""
    from include.models import registry, tracking

    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "model"
        packed.mkdir()
        (packed / "MLmodel").write_text("artifact_path: model\nflavors: {}\n")
        for path, body in (files or {"weights": str(given).encode()}).items():
            (packed / path).write_bytes(body)
        name = f"train {len(given)} {dt.datetime.now(dt.UTC).isoformat()}"
        run_id = tracking.open_run(SPEC.name, name, pipeline_run=name)
        tracking.client().log_artifacts(run_id, str(packed), "model")
    from include.models.artifact import digest_of

    day = dt.date(2026, 4, 30)
    source = f"runs:/{run_id}/model"
    first = registry.register(
        model_name(SPEC.name), source, run_id=run_id, digest="unknown", as_of=day, pipeline_run=name
    )
    tracking.client().set_model_version_tag(first.name, str(first.version), registry.DIGEST, digest_of(first))
    made = registry.model_ref(first.name, first.version)
    tracking.log_record(run_id, registry.EVALUATION, evaluation(made, **given))
    return made
