"""The study of how often to retrain: a DAG by hand that replays history and sets quality against cost."""

from __future__ import annotations

from airflow.sdk import DAG, Param

from include.spec import UseCase
from plugins.defaults import dag_defaults
from plugins.operators.study import ConcludeStudyOperator, FitWindowsOperator, OpenStudyOperator
from plugins.ring import dag_doc

_CHUNKS = 2  # each reads the whole history anew
_EVERY = [1, 2, 4, 8, 16]


def study(spec: UseCase) -> DAG:
    """Return the study of one use case; by hand only."""
    with DAG(
        **dag_defaults(spec, "study"),
        schedule=None,
        description="Replay history with retraining every so many windows, never, and on triggers: quality and cost",
        doc_md=dag_doc(
            spec,
            what="Fits a model before each window, once, and judges it on that window and all later ones; each cadence "
            "is then a choice among these models. Recommends the rarest one that loses less against the best than the "
            "gates' margin, and less than a fifth of what retraining brings at all.",
            when="By hand. It changes nothing; docs/retraining.md tells what it has said so far.",
            reads="What has landed; the journal for the champion's family.",
            writes="An MLflow run with plan, fits, answer, page and plot.",
        ),
        params={
            "first_day": _day_param("First day", "First day that is judged. Empty: as the size allows."),
            "last_day": _day_param("Last day", "Last day that is judged. Empty: the newest whose truth is known."),
            "window_days": Param(
                None, type=["null", "integer"], minimum=1, maximum=92, title="Days of a window",
                description="Empty: a day for a recommender, a week for the others.",
            ),
            "every": Param(
                _EVERY, type="array", items={"type": "integer", "minimum": 1}, minItems=1, title="Cadences",
                description="Windows between two trainings. Never and on triggers are always looked at.",
            ),
        },
    ) as dag:  # fmt: skip
        opened = OpenStudyOperator(task_id="plan", use_case=spec.name)
        fits = FitWindowsOperator.partial(
            task_id="fit_windows", use_case=spec.name, run_id=opened.output, of=_CHUNKS
        ).expand(chunk=list(range(_CHUNKS)))
        conclude = ConcludeStudyOperator(task_id="conclude", use_case=spec.name, run_id=opened.output, of=_CHUNKS)
        opened >> fits >> conclude
    return dag


def _day_param(title: str, description: str) -> Param:
    return Param(None, type=["null", "string"], format="date", title=title, description=description)
