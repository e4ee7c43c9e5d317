"""Airflow with the tasks' libraries loaded before it forks: `python -m include.platform.preload celery worker …`.

A worker's processes and their tasks are forks of this one, so a task starts in a fraction of a second, and what is
loaded is in memory once for all of them. On one machine Airflow's own fork server does the same.
"""

from __future__ import annotations

import importlib
import runpy

from include.platform.components import PRELOAD

if __name__ == "__main__":
    for module in PRELOAD:
        importlib.import_module(module)
    runpy.run_module("airflow", run_name="__main__", alter_sys=True)
