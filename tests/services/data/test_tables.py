"""A table under a store that loses replies: what was committed is recognised, and decided on once."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from include.data.tables import Table
from include.naming import table_path
from include.settings import settings

DAY = dt.date(2026, 3, 1)


@pytest.mark.parametrize("earlier", [0, 1], ids=["first commit", "later commit"])
def test_a_commit_whose_reply_is_lost_is_recognised_and_not_made_again(proxy, earlier):
    table, asked = Table("any", "log"), []

    def one_more(present):
        asked.append(len(present))
        return pd.concat([present, pd.DataFrame({"day": [DAY], "number": [len(present)]})], ignore_index=True)

    for _ in range(earlier):
        table.update(DAY, DAY, one_more, run="earlier")
    proxy.at(f"PUT /{settings().bucket}/{table_path('any', 'log')}/_delta_log/".encode(), "swallow")

    version = table.update(DAY, DAY, one_more, run="test")

    assert proxy.swallowed == 1
    assert (version, asked) == (earlier, list(range(earlier + 1)))
    assert table.read()["number"].tolist() == list(range(earlier + 1))
