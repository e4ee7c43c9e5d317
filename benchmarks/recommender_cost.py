"""What a training of the recommender costs, in a process of its own, so that its peak memory is its own too.

``python -m benchmarks.recommender_cost TIMES`` prints one JSON object: lines, users, items, CPU seconds of each part,
and the peak memory in GiB before the training and at its end.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: threads would fight over two cores
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from typing import Any

from benchmarks.recommender_data import DAY, multiplied
from include.data import journey
from include.recommending.events import Limits, clean
from include.recommending.families import FAMILIES
from include.recommending.interactions import interactions
from include.recommending.preparation import ColdStart, catalogue, warm
from include.recommending.training import build, train

SERVED = {"discover": "ease", "rebuy": "rate"}
_BASELINES = ("popularity", "frequency", "plain_ease")
_FEWEST = 75


def cost(times: int) -> dict[str, Any]:
    """Return what a training on ``times`` as many households costs, measured in a fresh process."""
    argv = [sys.executable, "-m", "benchmarks.recommender_cost", str(times)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _measured(times: int) -> dict[str, Any]:
    products = journey.products()
    lines = multiplied(journey.events(), products, times)
    before, seconds = _peak(), {}
    size, began = len(lines), time.process_time()
    events = clean(lines, products, Limits()).events
    del lines
    known = warm(events, ColdStart(fewest_items=10, fewest_households=_FEWEST * times))
    seconds["events"] = time.process_time() - began
    began = time.process_time()
    x = interactions(events, products, DAY, known)
    del events
    seconds["interactions"] = time.process_time() - began
    kept = {}
    for task, served in SERVED.items():
        for name, family in FAMILIES.items():
            if task not in family.tasks or name in seconds:
                continue
            began = time.process_time()
            scores = train(x, [name], "discover" if task == "discover" else "rebuy").scores[name]
            seconds[name] = time.process_time() - began
            if name == served:
                kept[task] = scores
    began = time.process_time()
    build(x, market="all", names=catalogue(products, x.items)["type"], rebuy=kept["rebuy"], discover=kept["discover"])
    seconds["pack"] = time.process_time() - began
    return {
        "lines": size, "users": len(x.users), "items": len(x.items), "seconds": seconds,
        "nightly": sum(seconds[name] for name in ("events", "interactions", *_BASELINES, *SERVED.values(), "pack")),
        "families": sum(seconds[name] for name in FAMILIES), "before_gib": before, "peak_gib": _peak(),
    }  # fmt: skip


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    sys.stdout.write(json.dumps(_measured(int(sys.argv[1]))) + "\n")
