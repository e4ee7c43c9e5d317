"""Lists in a real PostgreSQL: a day is replaced whole or not at all."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import psycopg
import pytest

from include.errors import PermanentError, TransientError
from include.platform.stores import free_ports
from include.recommend_ops.postgres import COLUMNS, TABLE, replace_day

DAY = dt.date(2017, 11, 1)


@pytest.fixture
def dsn(postgres):
    yield postgres
    with psycopg.connect(postgres) as connection:
        connection.execute(f"drop table if exists {TABLE}")


def lists(rows: int, *, version: int = 1) -> pd.DataFrame:
    ranks = range(1, rows + 1)
    return pd.DataFrame(
        {"campaign": 18, "market": "group_1", "household": 7, "rank": ranks, "product": [100 + each for each in ranks],
         "score": 0.5, "model_version": version, "sequence": 3}
    )  # fmt: skip


def stored(dsn: str) -> list[tuple]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute("table flightdeck_campaign_lists order by day, rank").fetchall()
    at = [list(COLUMNS).index(name) for name in ("day", "rank", "product", "model_version")]
    return [tuple(row[place] for place in at) for row in rows]


def test_day_is_written_and_written_again_without_a_double(dsn):
    assert replace_day(dsn, lists(3), use_case="recommender", day=DAY) == 3
    replace_day(dsn, lists(2, version=2), use_case="recommender", day=DAY)
    replace_day(dsn, lists(1), use_case="recommender", day=DAY + dt.timedelta(days=1))

    assert stored(dsn) == [(DAY, 1, 101, 2), (DAY, 2, 102, 2), (DAY + dt.timedelta(days=1), 1, 101, 1)]


def test_another_use_cases_day_stays(dsn):
    replace_day(dsn, lists(2), use_case="recommender", day=DAY)
    replace_day(dsn, lists(1), use_case="other", day=DAY)

    assert len(stored(dsn)) == 3


def test_day_that_fails_half_way_leaves_the_one_before(dsn):
    replace_day(dsn, lists(3), use_case="recommender", day=DAY)
    doubled = pd.concat([lists(2, version=2), lists(1, version=2)])

    with pytest.raises(PermanentError, match="duplicate key"):
        replace_day(dsn, doubled, use_case="recommender", day=DAY)

    assert [row[3] for row in stored(dsn)] == [1, 1, 1]


def test_database_that_is_away_is_transient():
    (port,) = free_ports(1)
    with pytest.raises(TransientError, match="an answer from PostgreSQL"):
        replace_day(f"host=127.0.0.1 port={port} user=shop", lists(1), use_case="recommender", day=DAY)


def test_user_without_the_right_is_told(dsn):
    with psycopg.connect(dsn) as connection:
        connection.execute("create role reader login")
        connection.execute("revoke create on schema public from public")
    with pytest.raises(PermanentError, match="permission denied"):
        replace_day(dsn.replace("user=shop", "user=reader"), lists(1), use_case="recommender", day=DAY)
