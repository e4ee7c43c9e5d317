"""The life of one training: name the rows, search, fit, evaluate. Each step is keyed by the run and can be redone.

What a step found out is a record beside the run, so a retried or restarted step reads what is there and goes on.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from pydantic import Field

from include.classification import Classification
from include.data import snapshots
from include.errors import PermanentError
from include.models import provenance, tracking
from include.models.artifact import TRUSTED
from include.models.evaluation import judge, trained_until
from include.models.fitting import Calibrated, build, fit_calibrated
from include.models.metrics import HIGHER_IS_BETTER, all_metrics, best_threshold
from include.records import ClassificationEvaluation, Fitted, ModelRef, Record, Training

_VALIDATION_SHARE = 0.25


class Search(Record):
    """What the search of one family has tried."""

    family: str
    tried: list[dict[str, Any]] = Field(description="params and the primary metric on later days, best first")


def prepare(
    spec: Classification,
    *,
    as_of: dt.date,
    pipeline_run: str,
    originator: str,
    originator_source: str,
    reason: str,
    try_number: int,
    airflow: Mapping[str, str],
) -> str:
    """Open the parent run, or find the one of an earlier try, and name the rows that the training sees.

    Returns:
        The parent run's id.

    Raises:
        PermanentError: there are not enough matured days to train on and to compare on.
    """
    snapshot = snapshots.take(spec, as_of=as_of)
    if trained_until(spec, snapshot) < snapshot.first_day:
        raise PermanentError(
            expected=f"more than {spec.fresh_days} days with known truth as of {as_of}",
            seen=f"{snapshot.first_day} to {snapshot.last_day}",
            where=f"snapshot of {spec.name}",
            next_step=f"land more days with {spec.name}_ingest, then ask for the training again",
        )
    training = Training(
        use_case=spec.name,
        as_of=snapshot.as_of,
        pipeline_run=pipeline_run,
        originator=originator,
        originator_source=originator_source,
        reason=reason,
        drift_confirmed=airflow.get("drift_confirmed", ""),
        seed=spec.seed,
        snapshot=snapshot,
        git_commit=provenance.git_commit(),
        lock_digest=provenance.lock_digest(),
        environment=provenance.environment(),
    )
    params = {
        "table": snapshot.table, "table_version": snapshot.version,
        "truth_version": snapshot.truth_version, "rows": snapshot.rows, "snapshot_digest": snapshot.digest,
        "trained_until": trained_until(spec, snapshot), "fresh_until": snapshot.last_day,
        **{f"env.{name}": value for name, value in training.environment.items()},
    }  # fmt: skip
    return tracking.open_training(training, params, airflow=airflow, try_number=try_number)


def drift_confirmed(run_id: str) -> str:
    """Return what drifted, where that is why the training was asked for; nothing otherwise."""
    return tracking.load_record(run_id, tracking.TRAINING, Training).drift_confirmed


def search_batches(spec: Classification) -> list[dict[str, Any]]:
    """Return for each family the configurations that its share of the budget pays for, in a fixed order."""
    grids = {each.name: [dict(zip(each.search, values, strict=True)) for values in product(*each.search.values())]
             for each in spec.candidates}  # fmt: skip
    left, chosen = spec.search_budget, {}
    for place, (family, grid) in enumerate(sorted(grids.items(), key=lambda item: len(item[1]))):
        share = max(1, left // (len(grids) - place))
        order = np.random.default_rng(spec.seed).permutation(len(grid))[:share]
        chosen[family] = [grid[index] for index in sorted(order)]
        left -= len(chosen[family])
    return [{"family": each.name, "configs": chosen[each.name]} for each in spec.candidates]


def try_out(
    spec: Classification, batch: Mapping[str, Any], rows: pd.DataFrame
) -> Iterator[tuple[dict[str, Any], float]]:
    """Yield each configuration with the primary metric of the last quarter of rows, fitted on those before.

    Args:
        spec: The use case.
        batch: A family and its configurations, one of ``search_batches``.
        rows: Training rows in order of time.
    """
    later = np.arange(len(rows)) >= len(rows) * (1 - _VALIDATION_SHARE)
    for params in batch["configs"]:
        model = build(spec, batch["family"], params, spec.seed).fit(
            rows.loc[~later, spec.model_columns], _truth(spec, rows[~later])
        )
        score = model.predict_proba(rows.loc[later, spec.model_columns])[:, 1]
        yield params, _primary(spec, _truth(spec, rows[later]), score)


def search(spec: Classification, run_id: str, batch: Mapping[str, Any]) -> str:
    """Try a family's configurations on the newest training rows: fit on the earlier days, score the later ones.

    Returns:
        The id of the child run that holds what was tried.
    """
    training, rows = _rows(spec, run_id)
    rows = rows.loc[rows["day"] <= trained_until(spec, training.snapshot)].tail(spec.search_rows)
    family = batch["family"]
    child = tracking.child_run(run_id, f"search {family}", pipeline_run=training.pipeline_run, tags={"family": family})
    tried: list[dict[str, Any]] = []
    for step, (params, value) in enumerate(try_out(spec, batch, rows)):
        tracking.log_metrics(child, {spec.primary_metric: value}, step=step)
        tried.append({"params": params, spec.primary_metric: value})
    sign = -1 if HIGHER_IS_BETTER[spec.primary_metric] else 1
    tried.sort(key=lambda each: sign * each[spec.primary_metric])
    tracking.log_params(child, {"rows": len(rows), **tried[0]["params"]})
    tracking.log_record(run_id, f"search/{family}.json", Search(family=family, tried=tried))
    tracking.close_run(child)
    return child


def fit(spec: Classification, run_id: str) -> dict[str, float]:
    """Fit and calibrate the best configuration of each family on all training rows, and keep the models with the run.

    Returns:
        The primary metric of each family, out of fold.
    """
    training, rows = _rows(spec, run_id)
    rows = rows.loc[rows["day"] <= trained_until(spec, training.snapshot)]
    truth, found = _truth(spec, rows), {}
    for candidate in spec.candidates:
        best = tracking.load_record(run_id, f"search/{candidate.name}.json", Search).tried[0]
        model, scores = fit_calibrated(spec, candidate.name, best["params"], rows, training.seed)
        threshold = best_threshold(truth, scores, spec.costs)
        fitted = Fitted(
            family=candidate.name,
            params=best["params"],
            interpretable=candidate.interpretable,
            primary=_primary(spec, truth, scores),
            threshold=threshold,
            review_band=_review_band(scores, threshold, spec.costs.review_share),
        )
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{candidate.name}.skops"
            skops.io.dump(model, path)
            tracking.log_file(run_id, path, "families")
        tracking.log_record(run_id, f"families/{candidate.name}.json", fitted)
        found[candidate.name] = fitted.primary
    return found


def evaluate(
    spec: Classification,
    run_id: str,
    *,
    champion: ModelRef | None = None,
    champion_sequence: int = 0,
    champion_since: dt.date | None = None,
    drift_confirmed: str = "",
) -> ClassificationEvaluation:
    """Judge the best family on the fresh rows beside champion and baselines, and register it.

    Args:
        spec: The use case.
        run_id: The parent run.
        champion: The model that decides now, if any.
        champion_sequence: Journal sequence at which it was read.
        champion_since: When it became champion.
        drift_confirmed: What drifted, where that is confirmed: then being no worse is enough.
    """
    training, rows = _rows(spec, run_id)
    families = [(tracking.load_record(run_id, f"families/{each.name}.json", Fitted), _family(run_id, each.name))
                for each in spec.candidates]  # fmt: skip
    evaluation = judge(
        spec,
        run_id,
        training,
        rows,
        families,
        champion=champion,
        champion_sequence=champion_sequence,
        champion_since=champion_since,
        drift_confirmed=drift_confirmed,
    )
    tracking.close_run(run_id)
    return evaluation


def _rows(spec: Classification, run_id: str) -> tuple[Training, pd.DataFrame]:
    training = tracking.load_record(run_id, tracking.TRAINING, Training)
    return training, snapshots.read(spec, training.snapshot)


def _family(run_id: str, family: str) -> Calibrated:
    return tracking.fetch(run_id, f"families/{family}.skops", lambda path: skops.io.load(path, trusted=TRUSTED))


def _truth(spec: Classification, rows: pd.DataFrame) -> Any:
    return rows[spec.contract.target].to_numpy(dtype=float)


def _primary(spec: Classification, y: Any, score: Any) -> float:
    return float(all_metrics(spec.costs, 0.5)[spec.primary_metric](y, score, np.ones((1, len(y))))[0])


def _review_band(scores: Any, threshold: float, share: float) -> tuple[float, float]:
    """Return the scores around the threshold between which ``share`` of the training's cases lie."""
    place = float((scores < threshold).mean())
    low, high = np.quantile(scores, [max(0.0, place - share / 2), min(1.0, place + share / 2)])
    return float(min(low, threshold)), float(max(high, threshold))
