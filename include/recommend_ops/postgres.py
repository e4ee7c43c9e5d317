"""Lists into PostgreSQL, for a shop whose campaign tool reads them there: a day is replaced whole, or not at all."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import psycopg
from psycopg import sql

from include.errors import PermanentError, TransientError

TABLE = "flightdeck_campaign_lists"
COLUMNS = {
    "use_case": "text", "day": "date", "campaign": "bigint", "market": "text", "household": "bigint", "rank": "int",
    "product": "bigint", "score": "double precision", "model_version": "int", "journal_sequence": "int",
}  # fmt: skip
_KEY = ("use_case", "day", "campaign", "household", "rank")
_SECONDS = 10


def replace_day(dsn: str, lists: pd.DataFrame, *, use_case: str, day: dt.date) -> int:
    """Put a day's lists in the place of what stood there, in one transaction, and return how many rows there are.

    Args:
        dsn: Where PostgreSQL is, as libpq reads it.
        lists: Columns ``campaign``, ``market``, ``household``, ``rank``, ``product``, ``score``, ``model_version`` and
            ``sequence``.
        use_case: Whose lists they are.
        day: The day.

    Raises:
        TransientError: the database is away, or was lost on the way; repeat the call.
        PermanentError: it refuses: no right, another table of that name.
    """
    rows = lists.assign(use_case=use_case, day=day, journal_sequence=lists["sequence"])[list(COLUMNS)]
    typed = (sql.SQL("{} {} not null").format(sql.Identifier(n), sql.SQL(kind)) for n, kind in COLUMNS.items())
    named = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    table = sql.Identifier(TABLE)
    try:
        with psycopg.connect(dsn, connect_timeout=_SECONDS) as connection, connection.cursor() as cursor:
            cursor.execute(
                sql.SQL("create table if not exists {} ({}, primary key ({}))").format(
                    table, sql.SQL(", ").join(typed), sql.SQL(", ").join(map(sql.Identifier, _KEY))
                )
            )
            cursor.execute(sql.SQL("delete from {} where use_case = %s and day = %s").format(table), (use_case, day))
            with cursor.copy(sql.SQL("copy {} ({}) from stdin").format(table, named)) as copy:
                for row in rows.itertuples(index=False):
                    copy.write_row(row)
    except psycopg.OperationalError as error:
        raise TransientError(
            expected="an answer from PostgreSQL",
            seen=str(error),
            where=f"lists of {use_case} for {day}",
            next_step="see that the database of the connection runs, then clear the task: no day is half",
        ) from error
    except psycopg.Error as error:
        raise PermanentError(
            expected=f"to write the table {TABLE}",
            seen=str(error),
            where=f"lists of {use_case} for {day}",
            next_step="give the connection's user the right to create and write it, then clear the task",
        ) from error
    return len(rows)
