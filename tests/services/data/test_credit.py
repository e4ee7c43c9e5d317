"""The credit contract on real clients: what is wrong with a delivery is named, and the right one lands after it."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.data.contracts import check
from include.data.ingest import ingest, row_columns
from include.data.landing import newest_known
from include.data.replay import credit_clients
from include.data.sources import Batch
from include.data.tables import Table
from include.errors import ContractError
from include.use_cases import credit_risk
from include.use_cases.credit_risk import SPEC as CREDIT
from tests.conftest import REPLAY_START

DAY = REPLAY_START - dt.timedelta(days=1)
SPEC = CREDIT.model_copy(
    update={"source": CREDIT.source.model_copy(update={"fetch": "tests.services.data.test_credit:fetch"})}
)
SPOIL = []
# Row, column, value, and the rule that it breaks: seven of the day's 166 or 167 clients, fewer than stop a batch.
WRONG = (
    (0, "EDUCATION", 9.0, "one of 0, 1, 2, 3, 4, 5, 6"),
    (1, "SEX", 3.0, "one of 0, 1"),
    (2, "LIMIT_BAL", -20_000.0, "between 0 and 1e+08"),
    (3, "PAY_AMT1", 1e308, "between 0 and 1e+08"),
    (4, "BILL_AMT1", np.nan, "not null"),
    (5, "BILL_AMT2", np.inf, "between -1e+07 and 1e+08"),
    (6, "ID", 1e308, "at most 2^53"),
)


def fetch(spec, day):
    """Return the clients of a day, spoiled by what the test has put there."""
    batch = credit_risk.fetch(spec, day)
    for spoil in SPOIL:
        batch = Batch(spoil(batch.rows), batch.truth)
    return batch


@pytest.fixture
def spoiled_by(tenant):
    """Give the list of what spoils the deliveries of this test."""
    SPOIL.clear()
    yield SPOIL
    SPOIL.clear()


def land(first=DAY):
    return ingest(SPEC, first_day=first, last_day=DAY, run="test")


def with_wrong_values(rows):
    for row, column, value, _ in WRONG:
        rows[column] = rows[column].astype(float)
        rows.loc[row, column] = value
    return rows


def test_all_thirty_thousand_clients_keep_the_contract(s3):
    clients = credit_clients()
    found = check(SPEC.contract, clients, columns=row_columns(SPEC), days=clients["arrival"], where="all clients")
    assert len(found.good) == 30_000
    assert found.broken.empty


def test_wrong_rows_wait_in_quarantine_by_name_and_land_when_they_are_corrected(spoiled_by):
    spoiled_by.append(with_wrong_values)
    found = land()
    assert found.quarantined == len(WRONG)
    kept = Table(SPEC.name, "quarantine").read().set_index("column")
    assert kept[["rule", "value"]].T.to_dict("list") == {column: [rule, repr(v)] for _, column, v, rule in WRONG}
    assert len(Table(SPEC.name, "rows").read()) == found.rows

    spoiled_by.clear()
    again = land()
    rows = Table(SPEC.name, "rows").read()
    assert (again.rows, again.quarantined) == (found.rows + len(WRONG), 0)
    assert len(rows) == len(newest_known(rows, ["ID"])) == again.rows
    assert set(rows["ID"]) == set(credit_risk.fetch(SPEC, DAY).rows["ID"])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda rows: rows.assign(LIMIT_BAL=[*rows["LIMIT_BAL"].iloc[:-1], "20.000 NT$"]),
            r"column LIMIT_BAL of type number, but saw object, e.g. '20\.000 NT\$'",
        ),
        (lambda rows: rows.assign(AGE="thirty"), "column AGE of type integer, but saw str, e.g. a protected value"),
        (lambda rows: rows.assign(PAY_0=np.nan), "column PAY_0 to have values, but saw null in every row"),
        (lambda rows: rows.assign(EDUCATION=7), "100.0%: .*'one of 0, 1, 2, 3, 4, 5, 6' of EDUCATION, e.g. 7"),
        (lambda rows: rows.assign(PAY_AMT6=-1.0), "100.0%: .*'between 0 and 1e.08' of PAY_AMT6, e.g. -1.0"),
        (lambda rows: rows.rename(columns={"PAY_0": "PAY_1"}), "expected column PAY_0, but saw no such column"),
        (lambda rows: rows.assign(default=0), "extra column default"),
        (lambda rows: pd.DataFrame({"sepal": [5.1] * 150, "petal": [1.4] * 150}), r"another data set: \['sepal'"),
    ],
    ids=[
        "one text", "text column", "all null", "unknown category", "negative", "missing column", "extra column",
        "another data set",
    ],
)  # fmt: skip
def test_a_wrong_batch_is_stopped_by_name_and_the_next_one_lands_once(spoiled_by, spoil, words):
    before = DAY - dt.timedelta(days=1)
    spoiled_by.append(spoil)
    with pytest.raises(ContractError, match=rf"credit_risk .*{words}.*nothing was written"):
        land(before)
    assert not Table(SPEC.name, "rows").exists()
    spoiled_by.clear()
    land(before)
    rows = Table(SPEC.name, "rows").read()
    assert 332 <= len(rows) <= 334
    assert not rows.duplicated(["day", "ID"]).any()
