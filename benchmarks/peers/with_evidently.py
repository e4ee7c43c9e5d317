"""Evidently's drift of columns, in an environment of its own.

``with_evidently.py scores FOLDER``: for each method what every column of every window comes to, more being more drift.
The report of one window takes five seconds, nearly all of them for plots, so that the windows are gone through by the
tests that it calls; that they come to what the report says is seen on the first window.
``with_evidently.py seconds FOLDER``: how long one window takes by each method, once to warm up and three times then, as
a report and by its tests alone.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.legacy.calculations.stattests.registry import get_stattest
from evidently.presets import DataDriftPreset

METHODS: dict[str, dict[str, str]] = {
    "Evidently, distances as it comes": {},
    "Evidently, KS and chi-square": {"num_method": "ks", "cat_method": "chisquare"},
}


def reported(reference: pd.DataFrame, window: pd.DataFrame, method: dict[str, str]) -> dict[str, float]:
    """Return each column's number as the report has it: a distance, or a p-value."""
    named = _named(reference)
    definition = DataDefinition(
        numerical_columns=[name for name in reference if name not in named], categorical_columns=named
    )
    both = [Dataset.from_pandas(each, data_definition=definition) for each in (window, reference)]
    metrics = Report([DataDriftPreset(**method)]).run(*both).dict()["metrics"]
    return {each["config"]["column"]: float(each["value"]) for each in metrics if "column" in each["config"]}


def tested(reference: pd.DataFrame, window: pd.DataFrame, method: dict[str, str]) -> dict[str, float]:
    """Return the same by the tests alone."""
    named, values = _named(reference), {}
    for name in reference:
        kind, asked = ("cat", "cat_method") if name in named else ("num", "num_method")
        both = (reference[name].dropna(), window[name].dropna())
        values[name] = float(get_stattest(*both, kind, method.get(asked))(*both, kind, None).drift_score)
    return values


def _named(reference: pd.DataFrame) -> list[str]:
    return [name for name in reference if reference[name].dtype.kind not in "fi"]


def scores(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Return the numbers by method, column and window."""
    reference = pd.read_parquet(folder / "reference.parquet")
    windows = [rows.drop(columns="window") for _, rows in pd.read_parquet(folder / "windows.parquet").groupby("window")]
    found: dict[str, dict[str, list[float]]] = {}
    for name, method in METHODS.items():
        seen = [tested(reference, window, method) for window in windows]
        first = reported(reference, windows[0].reset_index(drop=True), method)
        assert all(np.isclose(seen[0][column], first[column], atol=1e-12) for column in reference), (seen[0], first)
        found[name] = {
            column: [-np.log(max(each[column], 1e-300)) if method else each[column] for each in seen]
            for column in reference
        }
    return found


def seconds(folder: Path) -> dict[str, list[float]]:
    """Return the seconds that one window takes, by method."""
    reference, window = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "window"))
    taken: dict[str, list[float]] = {}
    for name, method in METHODS.items():
        for way, asked in ((name, reported), (f"{name}, tests alone", tested)):
            asked(reference.head(1000), window.head(1000), method)
            for _ in range(3):
                began = time.perf_counter()
                asked(reference, window, method)
                taken.setdefault(way, []).append(time.perf_counter() - began)
    return taken


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asked = {"scores": scores, "seconds": seconds}[sys.argv[1]]
    sys.stdout.write("\n" + json.dumps(asked(Path(sys.argv[2]))))
