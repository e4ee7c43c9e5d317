"""alibi-detect's drift of columns, in an environment of its own.

``with_alibi_detect.py scores FOLDER``: minus the logarithm of each column's p-value in every window. It knows no value
that is missing: where a column has some, its rows with one are left out, for that column alone.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from alibi_detect.cd import ChiSquareDrift, KSDrift

METHOD = "alibi-detect, KS and chi-square"


def scores(folder: Path) -> dict[str, dict[str, list[float]]]:
    """Return the numbers by method, column and window."""
    reference, rows = (pd.read_parquet(folder / f"{name}.parquet") for name in ("reference", "windows"))
    found = {}
    for name in reference:
        before, windows = reference[name].dropna(), rows[[name, "window"]].dropna()
        if reference[name].dtype.kind in "fi":
            test = KSDrift(_column(before), p_val=0.05)
        else:
            codes = {each: float(code) for code, each in enumerate(sorted({*before, *windows[name]}))}
            before, windows = before.map(codes), windows.assign(**{name: windows[name].map(codes)})
            test = ChiSquareDrift(_column(before), p_val=0.05, categories_per_feature={0: list(codes.values())})
        p_values = [test.feature_score(test.x_ref, _column(each))[0][0] for _, each in windows.groupby("window")[name]]
        found[name] = [float(-np.log(max(float(value), 1e-300))) for value in p_values]
    return {METHOD: found}


def _column(values: pd.Series) -> np.ndarray:
    return values.to_numpy(dtype=np.float64)[:, None]


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.stdout.write("\n" + json.dumps(scores(Path(sys.argv[2]))))
