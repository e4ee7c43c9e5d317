"""The evaluation store: the models of a use case, their versions, and what each version showed in which window.

It is kept in MLflow as runs below the version's training, one for each version, window and source; what is recorded
again replaces what was there. The first evaluation of a version is that of its training, and is the training's own run.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any, Literal, Self

import pandas as pd
from pydantic import Field, model_validator

from include.errors import MissingMetricError, PermanentError
from include.models import registry, tracking
from include.records import Estimate, Evaluation, ModelRef, Record
from include.spec import UseCase

EvaluationSource = Literal["offline", "online", "replay", "estimate"]
COLUMNS = (
    "key", "version", "source", "first_day", "last_day", "rows", "metric", "value", "low", "high", "verdict", "run_id",
)  # fmt: skip
_TAG = "flightdeck.evaluation."
_ROWS = "rows"
_ENDS = (("", "value"), ("_low", "low"), ("_high", "high"))


class WindowEvaluation(Record):
    """What a version showed on the rows of some days.

    Raises:
        PermanentError: the window ends before it begins.
    """

    source: EvaluationSource = Field(
        description="offline: at its training; online: what it answered, against the truth; replay: what it would have "
        "answered to logged inputs; estimate: what its scores said of themselves before the truth came"
    )
    first_day: dt.date
    last_day: dt.date
    rows: int = Field(ge=0, description="rows that it was judged on")
    metrics: dict[str, Estimate] = Field(description="the primary metric among them")
    verdict: str = Field(default="", description="what was concluded, in a word")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.first_day > self.last_day:
            raise PermanentError(
                expected="a window whose first day is not behind its last",
                seen=f"{self.first_day} to {self.last_day}",
                where=f"evaluation, {self.source}",
                next_step="give the window's days in order",
            )
        return self


def record(spec: UseCase, key: str, ref: ModelRef, found: WindowEvaluation) -> str:
    """Keep what a version showed in a window, in place of what the same source said of it before.

    Returns:
        The id of the run that holds it.

    Raises:
        MissingMetricError: the primary metric is not there, or is no number.
        TransientError: MLflow is away.
    """
    name = f"evaluation {key} v{ref.version} {found.source} {found.first_day} to {found.last_day}"
    tags = _tags(spec, key, ref, found)
    # Named after itself and not after a pipeline run: whichever run finds it out again, it is the same evaluation.
    run_id = tracking.child_run(tracking.parent_of(ref.run_id), name, pipeline_run=name)
    _write(run_id, tags, found)
    tracking.close_run(run_id)
    return run_id


def keep_first(spec: UseCase, evaluation: Evaluation, *, first_day: dt.date, last_day: dt.date) -> None:
    """Store the evaluation of a training with its run, as the first one of its version.

    Args:
        spec: The use case.
        evaluation: What was found; it is stored last, for its presence says that the rest is there.
        first_day: First day of the fresh rows.
        last_day: Their last day.

    Raises:
        MissingMetricError: the primary metric is not there, or is no number.
        TransientError: MLflow is away.
    """
    ref = evaluation.model
    said = evaluation.route or "not better" if evaluation.passed else "gates fail"
    found = WindowEvaluation(
        source="offline", first_day=first_day, last_day=last_day, rows=evaluation.fresh_rows,
        metrics=evaluation.metrics, verdict=said,
    )  # fmt: skip
    _write(ref.run_id, _tags(spec, evaluation.key, ref, found), found)
    tracking.log_record(ref.run_id, registry.EVALUATION, evaluation)


def evaluations(spec: UseCase, *, key: str | None = None, metric: str = "", last: int | None = None) -> pd.DataFrame:
    """Return what is known of the versions of a use case, a row for each evaluation, the newest window last.

    Args:
        spec: The use case.
        key: One of its models; all where none is named.
        metric: Whose value is given; the primary metric where none is named. NaN where an evaluation lacks it.
        last: How many of the newest; all where none is said.

    Returns:
        ``COLUMNS``; no row where nothing is known.

    Raises:
        PermanentError: the use case has no such key.
        TransientError: MLflow is away.
    """
    if key is not None and key not in spec.keys:
        raise PermanentError(
            expected=f"a key among {list(spec.keys)}",
            seen=f"'{key}'",
            where=f"evaluations of {spec.name}",
            next_step="choose a key of the use case",
        )
    wanted = f"tags.`{_TAG}key` = '{key}'" if key is not None else f"tags.`{_TAG}key` != ''"
    newest = [f"tags.`{_TAG}{name}` DESC" for name in ("last_day", "first_day", "key", "version")]
    found = tracking.runs_of(spec.name, wanted, order_by=newest, limit=last)
    lines = [_line(run.info.run_id, run.data.tags, run.data.metrics, metric or spec.primary_metric) for run in found]
    frame = pd.DataFrame(lines, columns=list(COLUMNS))
    return frame.sort_values(["last_day", "first_day", "key", "version", "source"], ignore_index=True)


def _tags(spec: UseCase, key: str, ref: ModelRef, found: WindowEvaluation) -> dict[str, str]:
    primary = found.metrics.get(spec.primary_metric)
    if primary is None or not math.isfinite(primary.value):
        raise MissingMetricError(
            expected=f"a value of the primary metric '{spec.primary_metric}'",
            seen=f"{primary} among {sorted(found.metrics)}",
            where=f"evaluation of {ref.name} v{ref.version} from {found.first_day} to {found.last_day}",
            next_step="record nothing where nothing could be computed",
        )
    said = {"source": found.source, "first_day": found.first_day, "last_day": found.last_day, "verdict": found.verdict}
    return {f"{_TAG}{name}": str(value) for name, value in {"key": key, "version": ref.version, **said}.items()}


def _write(run_id: str, tags: Mapping[str, str], found: WindowEvaluation) -> None:
    flat = {f"{name}{end}": getattr(each, field) for name, each in found.metrics.items() for end, field in _ENDS}
    tracking.log_metrics(run_id, {_ROWS: found.rows, **flat}, tags=tags)


def _line(run_id: str, tags: Mapping[str, str], metrics: Mapping[str, float], metric: str) -> dict[str, Any]:
    given = {name.removeprefix(_TAG): value for name, value in tags.items() if name.startswith(_TAG)}
    return {
        **given,
        "version": int(given["version"]),
        "first_day": dt.date.fromisoformat(given["first_day"]),
        "last_day": dt.date.fromisoformat(given["last_day"]),
        "rows": int(metrics[_ROWS]),
        "metric": metric,
        **{field: metrics.get(f"{metric}{end}", math.nan) for end, field in _ENDS},
        "run_id": run_id,
    }
