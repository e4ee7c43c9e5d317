"""Two hundred tasks that do nothing and do not depend on each other: what a platform makes of tasks alone."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, BaseOperator


class Nothing(BaseOperator):
    """A task whose body is empty; ``number`` is there to be mapped over."""

    def __init__(self, *, number: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.number = number

    def execute(self, context: Any) -> None:
        """Do nothing."""


with DAG("many_tasks", schedule=None, max_active_tasks=200) as dag:
    Nothing.partial(task_id="nothing").expand(number=list(range(200)))
