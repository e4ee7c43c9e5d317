"""The careful way to the champion's place, for use cases that answer real requests: shadow, shares, promotion."""

from __future__ import annotations

from airflow.sdk import DAG, PartitionedAtRuntime
from airflow.sdk.bases.operator import chain

from include.spec import Rollout, UseCase
from plugins.assets import ring_asset
from plugins.defaults import dag_defaults
from plugins.operators.deployment import CandidateTestOperator, ModelPromotionOperator
from plugins.operators.rollout import RolloutStepOperator
from plugins.ring import approvals, dag_doc


def rollout(spec: UseCase, how: Rollout) -> DAG:
    """Return the rollout of a candidate: test, approval, shadow, one task for each share, promotion."""
    shares = ", ".join(f"{weight:.0%}" for weight in how.weights)
    with DAG(
        **dag_defaults(spec, "rollout"),
        schedule=PartitionedAtRuntime(),  # never by itself; its runs have a day
        description=f"Hand real requests over to the candidate: shadow, {shares}, all; or back, where it does harm",
        doc_md=dag_doc(
            spec,
            what=f"Each step waits for {how.min_requests} answers of the new model's and looks {how.looks} times. "
            f"Guardrails: {', '.join(f'{each.metric} +{each.tolerated:.0%}' for each in how.guardrails)}. A broken one "
            "gives all requests back to the champion and fails the task with the numbers.",
            when="By hand, with the candidate's day as partition key, instead of the deploy DAG.",
            reads="The newest candidate of that day; table `requests`; the journal.",
            writes="Journal entries `shadow`, `split`, and `promote` or `abort`; asset `deployment`.",
        ),
    ) as dag:
        test = CandidateTestOperator(task_id="test_artifact", use_case=spec.name)
        steps = [RolloutStepOperator(task_id="shadow", use_case=spec.name, version=test.output, weight=0)]
        for weight in how.weights:
            name = f"share_{weight * 100:g}".replace(".", "_")
            steps.append(RolloutStepOperator(task_id=name, use_case=spec.name, version=test.output, weight=weight))
        promote = ModelPromotionOperator(
            task_id="promote",
            use_case=spec.name,
            version=test.output,
            outlets=[ring_asset(spec.name, "deployment")],
        )
        chain(test, *approvals(spec, test.output), *steps, promote)
    return dag
