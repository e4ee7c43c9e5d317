"""Operators of a rollout: shadow, growing share. Each takes its step once, then looks at the log until it is sure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import timezone
from airflow.sdk.exceptions import AirflowRescheduleException, AirflowSkipException

from include.errors import GateError
from include.naming import DEFAULT_KEY, model_name
from include.spec import UseCase
from plugins.context import originator, pipeline_run
from plugins.operators.step import StepOperator

if TYPE_CHECKING:
    from include.deployment.controls import Asked, Done
    from include.records import ModelRef


class RolloutStepOperator(StepOperator):
    """Let a version score in the shadow, or give it a share of the requests; pass when the log shows no harm.

    Between two looks it holds no slot. Where a guardrail breaks, all requests go back to the champion, by an entry of
    the journal, and the task fails with the numbers, for the on-call's eyes.

    Args:
        version: Version of the candidate.
        weight: Its share; 0 for the shadow.
        key: Which model of the use case.
        look_seconds: Time between two looks at the log.
    """

    template_fields: Sequence[str] = (*StepOperator.template_fields, "version", "key")
    ui_color = "#e4f5e8"

    def __init__(
        self, *, version: Any, weight: float, key: str = DEFAULT_KEY, look_seconds: float = 5, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.version, self.weight, self.key, self.look_seconds = version, weight, key, look_seconds

    def step(self, spec: UseCase, context: Any) -> int:
        """Return the journal sequence of the step, when it has passed."""
        from include.deployment.rollout import look
        from include.models import registry

        ref = registry.model_ref(model_name(spec.name, self.key), int(self.version))
        self.link_run(ref.run_id, "report.html")
        taken = self._take(spec, ref, context)
        if taken.entry is None:
            raise AirflowSkipException(taken.said)
        seen = look(spec, self.key, taken.entry)
        self.log.info("%s", seen.said)
        if seen.verdict == "waiting":
            raise AirflowRescheduleException(timezone.utcnow() + dt.timedelta(seconds=self.look_seconds))
        if seen.verdict == "broken":
            self._give_back(spec, ref, context, seen.said)
        return taken.entry.sequence

    def _take(self, spec: UseCase, ref: ModelRef, context: Any) -> Done:
        from include.deployment.traffic import shadow, split

        run = pipeline_run(context)
        if not self.weight:
            asked = self._asked(spec, context, f"a rollout begins: v{ref.version} scores without deciding")
            return shadow(spec, ref, key=self.key, run=run, asked=asked)
        why = f"the step before passed: v{ref.version} decides {self.weight:.0%}"
        return split(
            spec, ref, self.weight, key=self.key, salt=run, asked=self._asked(spec, context, why),
            evidence={"run": run},
        )  # fmt: skip

    def _give_back(self, spec: UseCase, ref: ModelRef, context: Any, said: str) -> None:
        from include.deployment.traffic import abort

        done = abort(
            spec, ref, key=self.key, asked=self._asked(spec, context, f"a guardrail broke: {said}", suffix="/abort"),
            evidence={"seen": said},
        )  # fmt: skip
        raise GateError(
            expected="no guardrail to break",
            seen=said,
            where=f"rollout of {ref.name} v{ref.version}",
            next_step=f"nothing to undo: {done.said}. Look at its answers in the table of requests",
        )

    def _asked(self, spec: UseCase, context: Any, why: str, suffix: str = "") -> Asked:
        from include.deployment.controls import Asked

        return Asked(
            who=originator(context, spec).name or spec.owner,
            why=why,
            request_id=f"{self.task_id} {pipeline_run(context)}{suffix}",
            at=timezone.utcnow(),
        )
