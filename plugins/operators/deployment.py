"""Operators of the deploy DAG: test the artifact, ask a person, promote."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param, timezone
from airflow.sdk.exceptions import AirflowSkipException

from include.clock import deciding_moment
from include.errors import ApprovalError, GateError
from include.naming import DEFAULT_KEY, model_name
from include.records import Approval, Evaluation, ModelRef
from include.spec import UseCase
from plugins.context import moment_by_hand, partition_day, pipeline_run
from plugins.operators.step import StepOperator, told
from plugins.ui.links import ALL_LINKS


class CandidateTestOperator(StepOperator):
    """Load the candidate in a clean process from the registry alone, send it requests, weigh and time it.

    What candidate is meant is read from the registry, not from the event that woke the DAG.
    """

    def step(self, spec: UseCase, context: Any) -> int:
        """Return the candidate's version; skips the deployment of one that earned no way to the champion's place."""
        from include.models import artifact, registry

        ref = registry.candidate(spec, as_of=partition_day(context))
        evaluation = registry.evaluation_of(ref)
        self.link_run(ref.run_id, "report.html")
        if evaluation.route is None:
            raise AirflowSkipException(refusal(evaluation))
        check = artifact.check(ref, spec=spec)
        self.log.info("artifact test of %s: %s", ref, check)
        if broken := [gate for gate in check.gates if not gate.passed]:
            raise GateError(
                expected=f"{broken[0].name} {broken[0].required}",
                seen=broken[0].observed,
                where=f"artifact of {ref.name} v{ref.version}",
                next_step="make the model smaller or faster, or change the gate in the spec with the owner's consent",
            )
        return ref.version


class ModelApprovalOperator(ApprovalOperator):
    """Ask for a person's approval and sign what they answer.

    The answer is signed by this task with the journal's key and stored. So a task that somebody merely marked as
    successful, or an XCom written by hand, leaves no approval that a promotion would accept.

    Args:
        use_case: Name of the use case.
        version: Version of the candidate.
        approvers: Names of the users that may answer.
        hours: After this the request has expired and the task fails.
    """

    template_fields: Sequence[str] = (*ApprovalOperator.template_fields, "version")
    operator_extra_links = tuple(link() for link in ALL_LINKS)

    def __init__(self, *, use_case: str, version: Any, approvers: Sequence[str], hours: float, **kwargs: Any) -> None:
        super().__init__(
            subject=f"Promote a new {use_case} model?",
            assigned_users=[{"id": name, "name": name} for name in approvers],
            response_timeout=dt.timedelta(hours=hours),
            params={
                "comment": Param("", type="string", title="Comment", description="What you looked at."),
                "override": Param(  # Airflow's form asks for every text that may not be null
                    None,
                    type=["null", "string"],
                    title="Override",
                    description="Only where a gate failed: why to promote all the same. Lands in the journal.",
                ),
                "unattended": Param(False, type="boolean", title="Unattended", description="Answered by a program."),
            },
            **kwargs,
        )
        self.use_case, self.version, self.hours = use_case, version, hours
        self.links: dict[str, str] = {}

    def execute(self, context: Any) -> Any:
        """Show the evidence and wait."""
        with told(self.log):
            self._ask()
        return super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Sign and store the answer, then let Airflow go on or skip."""
        with told(self.log):
            answer = super().execute_complete(context, event)
            self._sign(context, answer)
        return answer

    def process_trigger_event_error(self, event: dict[str, Any]) -> None:
        """Fail for good where nobody answered in time: a retry would wait as long again, and the on-call hear nothing.

        Raises:
            ApprovalError: nobody answered in time.
        """
        if event["error_type"] != "timeout":
            super().process_trigger_event_error(event)
        raise ApprovalError(
            expected=f"an answer of {' or '.join(self._approver_ids())} within {self.hours:g} hours",
            seen="none",
            where=f"approval of {model_name(self.use_case)} v{self.version}",
            next_step="clear the approval task, so that the question is asked again, and tell who may answer it",
        )

    def _ask(self) -> None:
        ref, evaluation = self._candidate()
        self._leave_links(ref)
        if not set(self._approver_ids()) - set(evaluation.originator.split(",")):
            raise ApprovalError(
                expected=f"an approver who did not ask for the training ({evaluation.originator})",
                seen=f"approvers {self._approver_ids()}",
                where=f"{ref.name} v{ref.version}",
                next_step="add an approver to the spec, or let somebody else ask for the training",
            )
        self.body = evidence(evaluation) + " · ".join(f"[{name}]({url})" for name, url in self.links.items())

    def _sign(self, context: Any, answer: dict[str, Any]) -> None:
        ref, _ = self._candidate()
        self._leave_links(ref)
        from include.governance.approvals import sign_and_store

        user = answer["responded_by_user"] or {}
        typed = answer["params_input"] or {}
        approval = Approval(
            use_case=self.use_case,
            model=ref,
            run=pipeline_run(context),
            answer=answer["chosen_options"][0],
            approver=user.get("name", ""),  # as with a run's originator; the id may be a number
            answered_at=answer["responded_at"],
            expires_at=answer["responded_at"] + dt.timedelta(hours=self.hours),
            comment=typed.get("comment") or "",
            override=typed.get("override") or "",
            unattended=bool(typed.get("unattended")),
        )
        self.log.info("signed approval stored at %s", sign_and_store(approval))

    def _candidate(self) -> tuple[ModelRef, Evaluation]:
        from include.models import registry

        ref = registry.model_ref(model_name(self.use_case), int(self.version))
        return ref, registry.evaluation_of(ref)

    def _approver_ids(self) -> list[str]:
        return [user["id"] for user in self.assigned_users or []]

    def _leave_links(self, ref: ModelRef) -> None:
        from include.models import tracking

        self.links["MLflow run"] = tracking.run_url(ref.run_id)
        self.links["Report"] = tracking.artifact_url(ref.run_id, "report.html")


class ModelPromotionOperator(StepOperator):
    """Make a version the champion if, and only if, its gates hold and those who must agree have agreed.

    The operator itself reads the signed answer, the gates, and the champion of this moment. Usable in any DAG.

    Args:
        version: Version of the candidate.
        key: Which model of the use case (a zone, a market).
        dry_run: Say what would happen, and change nothing.
    """

    template_fields: Sequence[str] = (*StepOperator.template_fields, "version", "key")
    ui_color = "#e4f5e8"

    def __init__(self, *, version: Any, key: str = DEFAULT_KEY, dry_run: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.version, self.key, self.dry_run = version, key, dry_run

    def step(self, spec: UseCase, context: Any) -> int:
        """Return the journal sequence of the promotion; skips with the reason where there is none."""
        from include.deployment.promotion import promote
        from include.models import registry

        ref = registry.model_ref(model_name(spec.name, self.key), int(self.version))
        self.link_run(ref.run_id, "report.html")
        outcome = promote(
            spec,
            ref,
            key=self.key,
            run=pipeline_run(context),
            at=deciding_moment(spec, partition_day(context), given=None, now=timezone.utcnow()),
            dry_run=self.dry_run,
        )
        self.log.info("%s", outcome.reason)
        if outcome.entry is None:
            raise AirflowSkipException(outcome.reason)
        evaluation = registry.evaluation_of(ref)
        self.emit(
            context,
            version=ref.version,
            sequence=outcome.entry.sequence,
            mlflow_run=ref.run_id,
            originator=evaluation.originator,
            originator_source=evaluation.originator_source,
        )
        return outcome.entry.sequence


class RollbackOperator(StepOperator):
    """Restore the champion before, in journal and alias."""

    template_fields: Sequence[str] = (*StepOperator.template_fields, "why", "key")

    def __init__(self, *, why: str, key: str = DEFAULT_KEY, dry_run: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.why, self.key, self.dry_run = why, key, dry_run

    def step(self, spec: UseCase, context: Any) -> str:
        """Return what was done in a sentence."""
        from include.deployment.promotion import rollback

        run = context["dag_run"]
        outcome = rollback(
            spec,
            key=self.key,
            who=run.triggering_user_name or spec.owner,
            why=self.why,
            request_id=pipeline_run(context),
            at=moment_by_hand(spec, None),
            dry_run=bool(context["params"].get("dry_run", self.dry_run)),
        )
        self.log.info("%s", outcome.reason)
        return outcome.reason


class ReconcileOperator(StepOperator):
    """Repair the aliases and the head tag in MLflow from the journal, which alone is the truth."""

    def step(self, spec: UseCase, context: Any) -> str:
        """Return what was repaired."""
        from include.deployment.promotion import reconcile

        repaired = str(reconcile(spec))
        self.log.info("reconciled %s: %s", spec.name, repaired)
        return repaired


def refusal(evaluation: Evaluation) -> str:
    """Return why a candidate is not even asked about."""
    verdicts = "; ".join(
        f"{each.verdict} than {each.against} ({each.metric} {each.difference})" for each in evaluation.comparisons
    )
    failed = ", ".join(f"{gate.name}: {gate.observed}, required {gate.required}" for gate in evaluation.failed_gates)
    return (
        f"candidate v{evaluation.model.version} is not promoted: {verdicts or 'no comparison'}. "
        f"Failed gates: {failed or 'none'}"
    )


def evidence(evaluation: Evaluation) -> str:
    """Return what an approver must see, as Markdown."""
    against = f"champion v{evaluation.champion_version}" if evaluation.champion_version else "no champion yet"
    metrics = "\n".join(f"| {name} | {estimate} |" for name, estimate in evaluation.metrics.items())
    compared = "\n".join(
        f"| {each.against} | {each.metric} | {each.difference} | {each.verdict} |" for each in evaluation.comparisons
    )
    gates = "\n".join(
        f"| {gate.name} | {'yes' if gate.passed else '**no**'} | {gate.required} | {gate.observed} |"
        for gate in evaluation.gates
    )
    return (
        f"**{evaluation.model.name} v{evaluation.model.version}** ({evaluation.family}), as of {evaluation.as_of}, "
        f"asked for by *{evaluation.originator or 'unknown'}* ({evaluation.originator_source}); {against}. "
        f"{evaluation.way}\n\n"
        f"| metric on {evaluation.fresh_rows} fresh rows | value |\n|---|---|\n{metrics}\n\n"
        f"| against | metric | difference | verdict |\n|---|---|---|---|\n{compared}\n\n"
        f"| gate | holds | required | seen |\n|---|---|---|---|\n{gates}\n\n"
        + ("" if evaluation.passed else "**A gate failed: approval needs a written override.**\n\n")
    )
