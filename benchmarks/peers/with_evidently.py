"""Evidently's drift of columns, in an environment of its own.

``with_evidently.py scores FOLDER``: for each method what every column of every window comes to, more being more drift.
``with_evidently.py seconds FOLDER``: how long one window takes by each method, once to warm up and three times then.
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
from evidently.presets import DataDriftPreset

METHODS: dict[str, dict[str, str]] = {
    "Evidently, distances as it comes": {},
    "Evidently, KS and chi-square": {"num_method": "ks", "cat_method": "chisquare"},
}


def drifts(reference: pd.DataFrame, window: pd.DataFrame, method: dict[str, str]) -> dict[str, float]:
    """Return each column's number: a distance, or minus the logarithm of a p-value."""
    named = [name for name in reference if reference[name].dtype.kind not in "fi"]
    definition = DataDefinition(
        numerical_columns=[name for name in reference if name not in named], categorical_columns=named
    )
    both = [Dataset.from_pandas(each, data_definition=definition) for each in (window, reference)]
    metrics = Report([DataDriftPreset(**method)]).run(*both).dict()["metrics"]
    values = {each["config"]["column"]: float(each["value"]) for each in metrics if "column" in each["config"]}
    if not method:
        return values
    return {name: float(-np.log(max(value, 1e-300))) for name, value in values.items()}


def scores(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Return the numbers by method, column and window."""
    reference = pd.read_parquet(folder / "reference.parquet")
    windows = [rows.drop(columns="window") for _, rows in pd.read_parquet(folder / "windows.parquet").groupby("window")]
    found: dict[str, dict[str, list[float]]] = {}
    for name, method in METHODS.items():
        seen = [drifts(reference, window.reset_index(drop=True), method) for window in windows]
        found[name] = {column: [each[column] for each in seen] for column in reference}
    return found


def seconds(folder: Path) -> dict[str, list[float]]:
    """Return the seconds that one window takes, by method."""
    reference, window = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "window"))
    taken: dict[str, list[float]] = {}
    for name, method in METHODS.items():
        drifts(reference.head(1000), window.head(1000), method)
        for _ in range(3):
            began = time.perf_counter()
            drifts(reference, window, method)
            taken.setdefault(name, []).append(time.perf_counter() - began)
    return taken


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    asked = {"scores": scores, "seconds": seconds}[sys.argv[1]]
    sys.stdout.write("\n" + json.dumps(asked(Path(sys.argv[2]))))
