"""The buttons on a task's page: its MLflow run, its report, its quarantined rows.

A link is stored when the task ends, also when it fails, from what the operator knew by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class _StepLink(BaseOperatorLink):
    """A link whose address the operator has left under ``links``."""

    label = ""

    @property
    def name(self) -> str:
        """Return the button's text."""
        return self.label

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:
        """Return the address, or nothing where the step did not come so far."""
        return getattr(operator, "links", {}).get(self.label, "")


class MlflowRunLink(_StepLink):
    """To the MLflow run of this step."""

    label = "MLflow run"


class ReportLink(_StepLink):
    """To the HTML report of this step."""

    label = "Report"


class QuarantineLink(_StepLink):
    """To the rows that broke a rule, with the rules' names."""

    label = "Quarantine"


ALL_LINKS = (MlflowRunLink, ReportLink, QuarantineLink)
