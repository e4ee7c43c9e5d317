"""A small contract, and a batch that keeps it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.spec import Column, Contract, Role

CONTRACT = Contract(
    columns=(
        Column(name="id", dtype="integer", role=Role.IDENTIFIER),
        Column(name="sex", dtype="integer", role=Role.PROTECTED, allowed=(0, 1)),
        Column(name="amount", dtype="number", minimum=0, maximum=1e6),
        Column(name="grade", dtype="string", allowed=("a", "b")),
        Column(name="late", dtype="integer", minimum=-2, maximum=8),
        Column(name="bad", dtype="integer", role=Role.TARGET, allowed=(0, 1)),
    ),
    min_rows=10,
)
COLUMNS = ["id", "sex", "amount", "grade", "late"]


@pytest.fixture
def rows():
    generator = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "id": np.arange(200),
            "sex": generator.integers(0, 2, 200),
            "amount": generator.uniform(0, 1e5, 200),
            "grade": generator.choice(["a", "b"], 200),
            "late": generator.integers(-2, 9, 200),
        }
    )
