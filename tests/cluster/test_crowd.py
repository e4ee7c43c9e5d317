"""Many who ask the API server at once: all are answered, and nobody's connection waits for another's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

CROWD = 100


def test_a_crowd_is_answered(people):
    at_once = Barrier(CROWD)

    def opens(_):
        at_once.wait()
        return [people["operator"].ask("GET", "dags?limit=100").status_code for _ in range(3)]

    with ThreadPoolExecutor(CROWD) as pool:
        answers = list(pool.map(opens, range(CROWD)))
    assert answers == [[200] * 3] * CROWD
