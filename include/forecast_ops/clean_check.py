"""Test packed forecasters in a clean process: it knows their versions and the stores, and nothing of their training."""

from __future__ import annotations

import datetime as dt
import json
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from include.catalog import use_case
from include.errors import ArtifactError
from include.forecast import Forecast
from include.forecast_ops import artifact
from include.forecast_ops.history import history
from include.forecast_ops.training import ANSWERS
from include.models import tracking
from include.models.clean_process import asked, heard, timed, told, within_limits
from include.records import ModelRef

_OFF = 1e-6  # of the largest answer
_HISTORY_DAYS = 60


def check(spec: Forecast, refs: Mapping[str, ModelRef]) -> None:
    """Load each version from the registry in a clean process, let it forecast, weigh and time it.

    Raises:
        ArtifactError: the process ended, or a version answers otherwise than at its training.
        GateError: a version is too large or too slow.
    """
    where = f"artifacts of {len(refs)} forecasters of {spec.name}"
    found = asked("include.forecast_ops.clean_check", spec.name, said=told(refs), where=where)
    for key, seen in found.items():
        if seen["off"] > _OFF:
            raise ArtifactError(
                expected=f"series {key} to answer as at its training, at most {_OFF:g} off",
                seen=f"{seen['off']:.1e} off",
                where=where,
                next_step="the artifact or the tables changed since; train again",
            )
        within_limits(spec, ms=seen["ms"], mb=seen["mb"], where=f"series {key}, {where}")


def main(spec: Forecast, refs: Mapping[str, ModelRef]) -> dict[str, dict[str, float]]:
    """Return for each series how far its answers are off, a day's forecast in ms of a processor, and the size in MB."""
    known = None
    found = {}
    for key, ref in refs.items():
        told = tracking.load_json(ref.run_id, ANSWERS)
        closure = pd.Timestamp(told["closure"])
        if known is None:
            first = closure.date() - dt.timedelta(days=_HISTORY_DAYS)
            known = history(spec, known_at=closure.to_pydatetime(), first_day=first)
        forecaster = artifact.load(ref)
        answers, taken = timed(partial(forecaster.issue, known, closure))
        before = np.array(told["kw"])
        found[key] = {
            "off": float(np.abs(answers - before).max() / max(np.abs(before).max(), 1.0)),
            "ms": taken / len(forecaster.views),
            "mb": _size(ref),
        }
    return found


def _size(ref: ModelRef) -> float:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(tracking.client().download_artifacts(ref.run_id, "model", folder))
        return sum(each.stat().st_size for each in path.rglob("*") if each.is_file()) / 1e6


if __name__ == "__main__":
    spec = use_case(sys.argv[1])
    if not isinstance(spec, Forecast):
        sys.exit(f"{spec.name} is no forecast")
    print(json.dumps(main(spec, heard(sys.stdin.read()))))
