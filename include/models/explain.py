"""Reason codes: what would have to be ordinary for a case's risk to fall, and by how much.

One raw column at a time is set to what is typical of good cases and the case is scored again; the largest falls are its
reasons. This is the one-feature prediction difference of Robnik-Šikonja & Kononenko (2008) with a single reference. It
needs nothing of the model but its score, so it holds for every family; it does not see effects that two columns have
only together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Array = NDArray[np.float64]
_SMALLEST = 1e-4


def falls(model: Any, frame: pd.DataFrame) -> pd.DataFrame:
    """Return how much each row's score falls when a column becomes typical; shape (rows, raw model columns).

    Args:
        model: A packed model; its ``model.typical`` says what is typical.
        frame: Raw rows.
    """
    import pandas as pd  # here, for a scoring service words its reasons without it

    columns, typical = list(model.columns), model.model.typical
    raw = frame[columns].astype(float)
    score = model.score(raw)
    blocks = []
    for name in columns:
        block = raw.copy(deep=False)
        block[name] = typical[name]
        blocks.append(block)
    again: Array = model.score(pd.concat(blocks, ignore_index=True)).reshape(len(columns), len(frame))
    return pd.DataFrame((score - again).T, columns=columns, index=frame.index)


def reasons(model: Any, frame: pd.DataFrame, count: int = 3) -> list[list[str]]:
    """Return up to ``count`` reasons for each row's risk, the heaviest first, e.g. ``PAY_0 = 2 (typical 0): +0.31``."""
    if frame.empty:
        return []
    fall = falls(model, frame)
    names = list(fall.columns)
    return worded(names, frame[names].to_numpy(dtype=float), model.model.typical, fall.to_numpy(), count)


def worded(
    names: Sequence[str], values: Array, typical: Mapping[str, float], amounts: Array, count: int = 3
) -> list[list[str]]:
    """Return the reasons of rows in words.

    Args:
        names: The raw columns.
        values: Raw rows, shape (rows, columns).
        typical: What is typical of each column.
        amounts: How much each row's score falls when a column becomes typical, shape as ``values``.
        count: Most reasons of a row.
    """
    heaviest = np.argsort(-amounts, axis=1, kind="stable")[:, :count]
    return [
        [
            f"{names[column]} = {values[row, column]:g} (typical {typical[names[column]]:g}): "
            f"{amounts[row, column]:+.3f}"
            for column in heaviest[row]
            if amounts[row, column] > _SMALLEST
        ]
        for row in range(len(values))
    ]
