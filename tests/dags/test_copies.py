"""Copies of the credit use case: the shipped wiring under a name of its own, with its spec inside or beside."""

from __future__ import annotations

import runpy
import sys

import pytest

from benchmarks.copies import dag_file, names, spec_file
from include import use_cases


@pytest.mark.parametrize("beside", [False, True])
def test_a_copy_has_all_dags_of_the_shipped_one_under_its_own_name(tmp_path, monkeypatch, beside):
    (name,) = names(1, f"copy_{beside}".lower())
    if beside:
        spec_file(tmp_path / "specs", name)
        monkeypatch.setattr(use_cases, "__path__", [*use_cases.__path__, str(tmp_path / "specs")])
        monkeypatch.delitem(sys.modules, f"include.use_cases.{name}", raising=False)
    made = runpy.run_path(str(dag_file(tmp_path, name, beside=beside)))
    assert made["SPEC"].name == name
    dags = {each.dag_id for each in made.values() if hasattr(each, "dag_id")}
    assert {f"{name}_{step}" for step in ("ingest", "train", "deploy", "score", "monitor")} <= dags
    assert not any(dag.startswith("credit_risk") for dag in dags)
    assert [path.name for path in tmp_path.glob("*.half")] == []
