"""Made-up rows whose truth is known: amounts of several kinds, and names, that depend on each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

NUMBERS, NAMES = 40, 10
_NAMED = np.array(["blue", "green", "grey", "red", "white", "black"])
_SHARES = np.array([0.35, 0.25, 0.2, 0.1, 0.06, 0.04])
_ROUGH, _MISSING = 1.2, 0.1


def population(rows: int, draw: np.random.Generator, *, numbers: int = NUMBERS, names: int = NAMES) -> pd.DataFrame:
    """Return rows of ``numbers`` numeric and ``names`` named columns, a fifth of whose variance is common to all.

    The numeric ones are in turn normal, log-normal, whole numbers, and normal with a tenth missing.
    """
    common = draw.standard_normal(rows)
    columns: dict[str, object] = {}
    for number in range(numbers):
        values = (common + 2 * draw.standard_normal(rows)) / np.sqrt(5)
        kind = number % 4
        if kind == 1:
            values = np.exp(_ROUGH * values)
        elif kind == 2:
            values = np.floor(3 * np.exp(values / 2))
        elif kind == 3:
            values[draw.random(rows) < _MISSING] = np.nan
        columns[f"number_{number}"] = values
    limits = np.cumsum(_SHARES)[:-1]
    for number in range(names):
        place = np.searchsorted(limits, draw.random(rows))
        columns[f"name_{number}"] = pd.Categorical.from_codes(place, _NAMED).astype("str")
    return pd.DataFrame(columns)
