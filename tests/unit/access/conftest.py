"""Airflow is imported late, and makes its home in a folder of the tests."""

from __future__ import annotations

from importlib import import_module

import pytest


@pytest.fixture(scope="module")
def access(tmp_path_factory):
    """Give a function that imports a module of ``plugins.access``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_HOME", str(tmp_path_factory.mktemp("airflow")))
        yield lambda name: import_module(f"plugins.access.{name}")
