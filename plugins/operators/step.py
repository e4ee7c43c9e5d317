"""The base of all operators: find the spec, run one plain function, leave links, fail in one readable sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from airflow.sdk import BaseOperator

from include.catalog import use_case as find_use_case
from include.errors import FlightdeckError
from plugins.ui.links import ALL_LINKS


@contextmanager
def told(log: Any) -> Iterator[None]:
    """Let the last line of a failed task's log be the error's own sentence."""
    try:
        yield
    except FlightdeckError as error:
        log.error("%s", error)
        raise


class StepOperator(BaseOperator):
    """One step of a use case's pipeline; subclasses say which in ``step``.

    Args:
        use_case: Name of the use case, as in ``include.use_cases``.
    """

    template_fields: Sequence[str] = ("use_case",)
    operator_extra_links: ClassVar[tuple[Any, ...]] = tuple(link() for link in ALL_LINKS)
    ui_color = "#eef3fb"

    def __init__(self, *, use_case: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use_case = use_case
        self.links: dict[str, str] = {}

    def execute(self, context: Any) -> Any:
        """Run the step."""
        with told(self.log):
            return self.step(find_use_case(self.use_case), context)

    def step(self, spec: Any, context: Any) -> Any:
        """Do the work and return an id or a path at most."""
        raise TypeError(f"{type(self).__name__} says no step")

    def link_run(self, run_id: str, report: str = "") -> None:
        """Leave the links to an MLflow run and to a report kept with it."""
        from include.models import tracking

        self.links["MLflow run"] = tracking.run_url(run_id)
        if report:
            self.links["Report"] = tracking.artifact_url(run_id, report)

    def emit(self, context: Any, **extra: Any) -> None:
        """Put facts on the events of this task's outlets, for people and for the next DAG's originator."""
        for outlet in self.outlets:
            context["outlet_events"][outlet].extra.update(extra)
