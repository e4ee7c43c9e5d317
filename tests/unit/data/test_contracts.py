"""Every way a batch can be wrong: rows go to quarantine by rule, a batch stops by name."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.data.contracts import check, whole
from include.errors import ContractError
from tests.unit.data.conftest import COLUMNS, CONTRACT

DAY = dt.date(2026, 3, 1)


def checked(rows, contract=CONTRACT, days=None):
    dated = pd.Series([DAY] * len(rows)) if days is None else days
    kept = whole(contract, rows, columns=COLUMNS, where="test 2026-03-01")
    return check(contract, kept, columns=COLUMNS, days=dated, where="test")


def test_a_batch_that_keeps_the_contract_passes_whole(rows):
    found = checked(rows)
    assert len(found.good) == len(rows)
    assert found.broken.empty


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("amount", -1.0, "between 0 and 1e+06"),
        ("amount", 1e308, "between 0 and 1e+06"),
        ("amount", np.nan, "not null"),
        ("amount", np.inf, "between 0 and 1e+06"),
        ("amount", -np.inf, "between 0 and 1e+06"),
        ("grade", "z", "one of a, b"),
        ("grade", None, "not null"),
        ("sex", 7, "one of 0, 1"),
        ("late", 9, "between -2 and 8"),
        ("late", 1.5, "whole number"),
        ("id", 1e308, "at most 2^53"),
        ("id", np.inf, "finite"),
    ],
    ids=[
        "negative", "1e308", "nan", "inf", "minus inf", "unknown category", "no category", "unknown code", "too late",
        "fraction", "absurd identifier", "infinite identifier",
    ],
)  # fmt: skip
def test_a_broken_row_goes_to_quarantine_with_the_rule(rows, column, value, rule):
    if isinstance(value, float):
        rows[column] = rows[column].astype(float)
    rows.loc[3, column] = value
    found = checked(rows)
    assert found.broken.index.tolist() == [3]
    assert found.broken.loc[3, ["column", "rule"]].tolist() == [column, rule]
    assert 3 not in found.good.index
    assert len(found.good) == len(rows) - 1


def test_an_identifier_that_64_bits_cannot_hold_does_not_become_another(rows):
    rows["id"] = rows["id"].astype("uint64")
    rows.loc[3, "id"] = np.uint64(2**63)
    assert checked(rows).broken["rule"].to_dict() == {3: "below 2^63"}


def test_a_double_that_is_the_same_is_kept_once(rows):
    rows.loc[8] = rows.loc[7]
    found = checked(rows)
    assert found.broken.index.tolist() == [8]
    assert found.broken.loc[8, "rule"] == "unique"


def test_doubles_that_contradict_each_other_are_both_out(rows):
    rows.loc[8, "id"] = 7
    assert checked(rows).broken.index.tolist() == [7, 8]


def test_an_identifier_may_come_again_on_another_day(rows):
    rows.loc[8, "id"] = 7
    days = pd.Series([DAY] * len(rows))
    days[8] = DAY + dt.timedelta(days=1)
    assert checked(rows, days=days).broken.empty


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda rows: rows.drop(columns="amount"), "expected column amount, but saw no such column"),
        (lambda rows: rows.assign(iban="x"), "extra column iban"),
        (
            lambda rows: rows.assign(amount="12 EUR"),
            "column amount of type number, but saw .*'12 EUR'",
        ),
        (
            lambda rows: rows.assign(amount=[*rows["amount"].head(199), "12 EUR"]),
            "column amount of type number, but saw object, e.g. '12 EUR'",
        ),
        (lambda rows: rows.assign(sex="male"), "column sex of type integer, but saw str, e.g. a protected value"),
        (lambda rows: rows.assign(amount=True), "column amount of type number, but saw bool, e.g. True"),
        (lambda rows: pd.concat([rows, rows["late"]], axis=1), "column late once, but saw two columns of that name"),
        (lambda rows: rows.assign(amount=np.nan), "column amount to have values, but saw null in every row"),
        (lambda rows: rows.head(0), "at least 10 rows, but saw 0 rows"),
        (lambda rows: rows.head(9), "at least 10 rows, but saw 9 rows"),
        (lambda rows: pd.DataFrame({"petal": [1.0] * 50, "sepal": [2.0] * 50}), "another data set"),
        (lambda rows: rows.assign(grade="z"), "100.0%: 200 rows break 'one of a, b' of grade, e.g. 'z'"),
        (lambda rows: rows.assign(sex=7), "200 rows break 'one of 0, 1' of sex, e.g. a protected value"),
    ],
    ids=[
        "missing column", "extra column", "text column", "one text", "protected text", "wrong type", "doubled column",
        "all null", "empty", "too few", "another data set", "too many broken", "too many broken protected",
    ],
)  # fmt: skip
def test_a_broken_batch_stops_and_names_column_check_and_value(rows, spoil, words):
    with pytest.raises(ContractError, match=words):
        checked(spoil(rows))


def test_unknown_columns_are_dropped_where_the_contract_says_so(rows):
    lenient = CONTRACT.model_copy(update={"extra_columns": "drop"})
    assert list(checked(rows.assign(iban="x"), lenient).good.columns) == COLUMNS


def test_numbers_keep_the_types_of_the_contract(rows):
    found = checked(rows.astype({"sex": "int8", "late": float, "amount": "float32"}))
    assert found.good["late"].dtype == "int64"
    assert found.good["amount"].dtype == "float64"
