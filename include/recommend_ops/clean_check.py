"""Test packed recommenders in a clean process: it knows their versions, and nothing of the training."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import partial

import numpy as np

from include.catalog import use_case
from include.errors import ArtifactError
from include.models import tracking
from include.models.clean_process import asked, heard, timed, told, within_limits
from include.recommend_ops import artifact
from include.recommend_ops.training import SAMPLE, answers
from include.recommendation import TASKS, Recommendation
from include.records import ModelRef


def check(spec: Recommendation, refs: Mapping[str, ModelRef]) -> None:
    """Load each version from the registry in a clean process, let it answer, weigh and time it.

    Raises:
        ArtifactError: the process ended, or a version answers otherwise than at its training.
        GateError: a version is too large or too slow.
    """
    where = f"artifacts of {len(refs)} recommenders of {spec.name}"
    found = asked("include.recommend_ops.clean_check", spec.name, said=told(refs), where=where)
    for key, seen in found.items():
        if seen["other"]:
            raise ArtifactError(
                expected=f"market {key} to answer as at its training",
                seen=f"{seen['other']} lists that differ",
                where=where,
                next_step="do not use it; train again",
            )
        within_limits(spec, ms=seen["ms"], mb=seen["mb"], where=f"market {key}, {where}")


def main(spec: Recommendation, refs: Mapping[str, ModelRef]) -> dict[str, dict[str, float]]:
    """Return by market how many lists differ from the training's, an answer's p95 in ms of a processor, and the MB."""
    found = {}
    for key, ref in refs.items():
        told, made = tracking.load_json(ref.run_id, SAMPLE), artifact.load(ref)
        again = answers(made, told["users"], spec.list_length)
        answer = partial(made.answer, task="discover", n=spec.list_length)
        taken = [timed(partial(answer, user))[1] for user in told["users"] * 5]
        found[key] = {
            "other": sum(one != two for task in TASKS for one, two in zip(told[task], again[task], strict=True)),
            "ms": float(np.quantile(taken, 0.95)),
            "mb": sum(each.nbytes for each in (made.rebuy, made.discover, made.weights)) / 1e6,
        }
    return found


if __name__ == "__main__":
    spec = use_case(sys.argv[1])
    if not isinstance(spec, Recommendation):
        sys.exit(f"{spec.name} is no recommendation")
    print(json.dumps(main(spec, heard(sys.stdin.read()))))
