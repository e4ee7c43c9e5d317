"""The study of how often to retrain: plan its windows, fit models in chunks, replay the cadences, show the answer.

What a step has found is a record with the study's MLflow run, so that the steps can be tasks of their own.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import matplotlib.pyplot as plt

from include.classification import Classification
from include.errors import PermanentError
from include.forecast import Forecast
from include.models import tracking
from include.monitor_ops.study_material import ONE, Material, Plan, Span, on_drift
from include.monitor_ops.study_report import page, plot
from include.monitoring.cadence import Fit, fell, fit_windows, replay
from include.monitoring.worth import Answer, answer
from include.records import Record
from include.spec import UseCase

EVERY = (1, 2, 4, 8, 16)
REPORT, PLOT = "study.html", "study.png"
_PLAN, _ANSWER = "plan.json", "answer.json"


@dataclass(frozen=True)
class Asked:
    """What a person asks a study for; what is left open follows from the use case and from what has landed.

    Args:
        first_day: First day that is judged.
        last_day: Last day that may be judged.
        window_days: Days of a window.
        every: Windows between two trainings, for each cadence.
    """

    first_day: dt.date | None = None
    last_day: dt.date | None = None
    window_days: int | None = None
    every: Sequence[int] = EVERY


class Chunk(Record):
    """The models that one step has fitted."""

    fits: tuple[Fit, ...]


def open_study(spec: UseCase, asked: Asked, *, pipeline_run: str) -> str:
    """Open the study's MLflow run with its plan, and return its id.

    Raises:
        PermanentError: the days that are asked for cannot be fitted and judged.
        SourceError: nothing has landed.
    """
    planned = plan(spec, asked)
    run_id = tracking.open_run(spec.name, "study of retraining", pipeline_run=pipeline_run)
    tracking.log_record(run_id, _PLAN, planned)
    tracking.log_params(
        run_id,
        {"first_day": planned.windows[0].first, "last_day": planned.windows[-1].last,
         "windows": len(planned.windows), "family": planned.family},
    )  # fmt: skip
    return run_id


def plan(spec: UseCase, asked: Asked) -> Plan:
    """Return the windows of a study: whole ones, side by side, the newest that the days hold.

    Raises:
        PermanentError: the days that are asked for cannot be fitted and judged.
    """
    kind = _kind(spec)
    reach = kind.reach(spec)
    days = asked.window_days or kind.WINDOW_DAYS
    last = min(asked.last_day or reach.last, reach.last)
    earliest = last - dt.timedelta(days=days * kind.MOST_WINDOWS) + ONE
    first = asked.first_day or max(reach.first, earliest)
    if first < reach.first or last < first:
        raise PermanentError(
            expected=f"days within {reach.first} to {reach.last}: before them too little was known to learn from",
            seen=f"{first} to {last}",
            where=f"study of {spec.name}",
            next_step="ask for days in that range, or land more",
        )
    count = ((last - first).days + 1) // days
    first = last - dt.timedelta(days=count * days) + ONE
    starts = [first + dt.timedelta(days=place * days) for place in range(count)]
    windows = tuple(Span(first=start, last=start + dt.timedelta(days=days) - ONE) for start in starts)
    return Plan(use_case=spec.name, windows=windows, every=tuple(asked.every), family=kind.family(spec))


def fit_chunk(spec: UseCase, run_id: str, chunk: int, of: int, *, say: Callable[[str], None]) -> int:
    """Fit and judge every so manieth model of a study, and keep what was found with its run.

    Args:
        spec: The use case.
        run_id: The study's run.
        chunk: Place of the first window; the others follow in steps of ``of``, so that all chunks take as long.
        of: How many chunks there are.
        say: Takes a line for each window.

    Returns:
        How many models were fitted.
    """
    planned = tracking.load_record(run_id, _PLAN, Plan)
    material, windows = _kind(spec).material(spec, planned), planned.windows
    fits = fit_windows(
        range(chunk, len(windows), of),
        len(windows),
        fit=lambda window: material.fit(windows[window]),
        quality=lambda model, window: material.quality(model, windows[window]),
        say=say,
    )
    tracking.log_record(run_id, f"fits/{chunk}.json", Chunk(fits=tuple(fits)))
    return len(fits)


def conclude(spec: UseCase, run_id: str, of: int) -> Answer:
    """Replay the cadences over what the chunks have found, and keep the page, the plot and the answer with the run.

    Raises:
        MissingMetricError: a chunk has left nothing.
        PermanentError: too few windows can be judged.
    """
    planned = tracking.load_record(run_id, _PLAN, Plan)
    fits = [fit for chunk in range(of) for fit in tracking.load_record(run_id, f"fits/{chunk}.json", Chunk).fits]
    material: Material = _kind(spec).material(spec, planned)
    triggers = {"on drift": on_drift(spec, material, planned), "on loss": fell(material.metrics[0])}
    replayed = replay(fits, len(planned.windows), every=planned.every, triggers=triggers)
    found = answer(
        replayed, material.metrics, margin=spec.gates.non_inferiority_margin,
        margin_is_share=material.margin_is_share, confidence=spec.gates.confidence, seed=spec.seed,
    )  # fmt: skip
    tracking.log_record(run_id, _ANSWER, found)
    for one in found.standings:
        named = one.replayed.cadence.replace(" ", "_")
        tracking.log_metrics(run_id, {f"{name}_{named}": value for name, value in one.mean.items()})
        tracking.log_metrics(run_id, {f"fits_{named}": one.replayed.fits})
    tracking.log_report(run_id, REPORT, page(spec, planned, found, material.metrics, material.about))
    drawn, image = plot(planned, found, material.metrics), io.BytesIO()
    drawn.savefig(image, format="png", dpi=110, bbox_inches="tight")
    plt.close(drawn)
    tracking.log_bytes(run_id, PLOT, image.getvalue())
    tracking.close_run(run_id)
    return found


def _kind(spec: UseCase) -> ModuleType:
    """Return the module of the spec's kind: ``reach``, ``family``, ``material``, and the sizes of a study."""
    if isinstance(spec, Classification):
        from include.monitor_ops import study_credit

        return study_credit
    if isinstance(spec, Forecast):
        from include.monitor_ops import study_load

        return study_load
    from include.monitor_ops import study_recommender

    return study_recommender
