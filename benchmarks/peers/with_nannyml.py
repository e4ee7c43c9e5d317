"""NannyML's drift of columns, in an environment of its own.

``with_nannyml.py scores FOLDER``: for each method what every column of every window comes to, more being more drift.
Its rule is how many standard deviations a window is away from the mean of the reference's own chunks, 3 being too many;
so that number is what is given.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import nannyml
import pandas as pd

METHODS = {
    "NannyML, Jensen–Shannon as it comes": ("jensen_shannon", "jensen_shannon"),
    "NannyML, KS and L-infinity": ("kolmogorov_smirnov", "l_infinity"),
}


def scores(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Return the numbers by method, column and window."""
    reference, rows = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "windows"))
    size = int(rows.groupby("window").size().iloc[0])
    names = list(reference)
    named = [name for name in names if reference[name].dtype.kind not in "fi"]
    found: dict[str, dict[str, list[float]]] = {}
    for called, (of_numbers, of_names) in METHODS.items():
        calculator = nannyml.UnivariateDriftCalculator(
            column_names=names, treat_as_categorical=named, continuous_methods=[of_numbers],
            categorical_methods=[of_names], chunk_size=size,
        )  # fmt: skip
        seen = calculator.fit(reference).calculate(rows.sort_values("window", kind="stable").drop(columns="window"))
        table = seen.to_df()
        own = table[table[("chunk", "chunk", "period")] == "reference"]
        later = table[table[("chunk", "chunk", "period")] == "analysis"]
        found[called] = {}
        for name in names:
            value = (name, of_names if name in named else of_numbers, "value")
            found[called][name] = ((later[value] - own[value].mean()) / own[value].std()).tolist()
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write("\n" + json.dumps(scores(Path(sys.argv[2]))))
