"""The data contract as a Great Expectations suite: row rules send rows to quarantine, batch rules stop the batch."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")

import great_expectations as gx
import numpy as np
import pandas as pd
from great_expectations import expectations as gxe

from include.data.landing import UNIQUE
from include.errors import ContractError
from include.spec import Column, Contract, Role

logging.getLogger("great_expectations").setLevel(logging.WARNING)
_KINDS = {"integer": "iuf", "number": "iuf", "boolean": "b", "datetime": "M", "string": "OTU"}
_EXACT = 2**53  # a float behind it is no longer one certain whole number
_HIDDEN = (Role.PERSONAL, Role.PROTECTED)
_DTYPES = {"integer": "int64", "number": "float64", "boolean": "bool", "string": "str"}


@dataclass(frozen=True)
class Checked:
    """A batch that kept its batch rules.

    Args:
        good: Rows that kept every row rule, with the contract's types; indexed by their place in the batch.
        broken: Rows that did not, as they came, with ``rule``, ``column`` and ``value`` of the first rule broken.
    """

    good: pd.DataFrame
    broken: pd.DataFrame


def whole(contract: Contract, rows: pd.DataFrame, *, columns: list[str], where: str) -> pd.DataFrame:
    """Check one delivery's batch rules, and return its promised columns.

    Args:
        contract: The promises.
        rows: One delivery.
        columns: Which of the contract's columns it must have; others of the frame are extra.
        where: What the delivery is, for the error's sentence.

    Raises:
        ContractError: a batch rule is broken; names column, check and value.
    """
    rows = _columns(contract, rows, columns, where)
    least = max(contract.min_rows, 1)
    if len(rows) < least:
        raise _stop(where, f"at least {least} rows", f"{len(rows)} rows")
    for name in columns:
        typed(contract.column(name), rows[name], where)
    return rows


def typed(column: Column, values: pd.Series, where: str) -> None:
    """Check that a column has values, of its type.

    Raises:
        ContractError: it has not; names column, type and a value.
    """
    if values.isna().all() and not column.nullable:
        raise _stop(where, f"column {column.name} to have values", "null in every row")
    if values.dtype.kind not in _KINDS[column.dtype]:
        seen = f"{values.dtype}, e.g. {_shown(column, repr(_odd(column, values)))}"
        raise _stop(where, f"column {column.name} of type {column.dtype}", seen)


def check(contract: Contract, rows: pd.DataFrame, *, columns: list[str], days: pd.Series, where: str) -> Checked:
    """Check the rows of one or many whole deliveries against the row rules.

    Args:
        contract: The promises.
        rows: Rows that passed ``whole``; any index.
        columns: Their columns.
        days: The day of each row; an identifier is unique within its day.
        where: What the rows are, for the error's sentence.

    Raises:
        ContractError: too large a share of a day's rows breaks a rule.
    """
    rows, days = rows.reset_index(drop=True), days.reset_index(drop=True)
    promised = [contract.column(name) for name in columns]
    broken = _row_rules(contract, rows, promised, days)
    shares = days[broken.index].value_counts() / days.value_counts()
    if shares.max() > contract.max_quarantine_share:
        worst = broken.loc[days[broken.index] == shares.idxmax()]
        limit = f"at most {contract.max_quarantine_share:.1%} rows that break a rule"
        raise _stop(f"{where}, day {shares.idxmax()}", limit, f"{shares.max():.1%}: {counted(contract, worst)}")
    types = {
        column.name: _DTYPES[column.dtype] for column in promised if column.dtype in _DTYPES and not column.nullable
    }
    return Checked(rows.drop(index=broken.index)[columns].astype(types), rows.loc[broken.index].join(broken))


def counted(contract: Contract, broken: pd.DataFrame) -> str:
    """Return in words which rules are broken most, by how many rows, and a value for each."""
    by_rule = broken.groupby(["column", "rule"])["value"].agg(["size", "first"])
    worst = by_rule.sort_values("size", ascending=False, kind="stable").head(3)
    return ", ".join(
        f"{count} rows break '{rule}' of {name}, e.g. {_shown(contract.column(name), value)}"
        for (name, rule), count, value in worst.itertuples()
    )


def _columns(contract: Contract, rows: pd.DataFrame, columns: list[str], where: str) -> pd.DataFrame:
    if doubled := rows.columns[rows.columns.duplicated()].tolist():
        raise _stop(where, f"column {doubled[0]} once", "two columns of that name")
    missing = [name for name in columns if name not in rows.columns]
    extra = [str(name) for name in rows.columns if name not in columns]
    if missing and len(missing) > len(columns) / 2:
        raise _stop(where, f"the columns {columns}", f"another data set: {list(map(str, rows.columns))}")
    if missing:
        raise _stop(where, f"column {missing[0]}", f"no such column (missing: {', '.join(missing)})")
    if extra and contract.extra_columns == "refuse":
        raise _stop(where, "no column beside the promised ones", f"extra column {', '.join(extra)}")
    return rows[columns]


def _odd(column: Column, values: pd.Series) -> Any:
    """Return the value that spoils a column: in one of numbers the first that is none, otherwise the first."""
    if column.dtype in ("integer", "number"):
        unread = values[pd.to_numeric(values, errors="coerce").isna()]
        values = pd.concat([unread.dropna(), unread, values])
    return next(iter(values.astype(object)), None)


def _shown(column: Column, value: str) -> str:
    """Return a value as it may stand in a log, which every viewer can read."""
    return f"a {column.role} value, which is not shown" if column.role in _HIDDEN else value


def _row_rules(contract: Contract, rows: pd.DataFrame, promised: list[Column], days: pd.Series) -> pd.DataFrame:
    """Return rule, column and value of the first rule that each broken row breaks, by the row's index."""
    found: list[pd.DataFrame] = []
    for name, rule, broken in _broken(contract, rows, promised, days):
        values = [repr(value) for value in rows.loc[broken, name]]
        found.append(pd.DataFrame({"rule": rule, "column": name, "value": values}, index=broken))
    if not found:
        return pd.DataFrame(columns=["rule", "column", "value"])
    every = pd.concat(found)
    return every[~every.index.duplicated()].sort_index()


def _broken(
    contract: Contract, rows: pd.DataFrame, promised: list[Column], days: pd.Series
) -> Iterator[tuple[str, str, list[int]]]:
    expectations = list(_expectations(promised))
    results = _validate(rows, [each for _, each in expectations])
    for (rule, expectation), result in zip(expectations, results, strict=True):
        if broken := result["unexpected_index_list"]:
            yield expectation.column, rule, broken
    for column in promised:
        values = rows[column.name]
        if column.dtype == "integer" and values.dtype.kind == "f":
            yield column.name, "whole number", rows.index[(values % 1 != 0) & np.isfinite(values)].tolist()
            yield column.name, "at most 2^53", rows.index[(values.abs() > _EXACT) & np.isfinite(values)].tolist()
        if column.dtype == "integer" and values.dtype.kind == "u":
            yield column.name, "below 2^63", rows.index[values > np.iinfo("int64").max].tolist()
        if column.dtype in ("integer", "number"):
            yield column.name, "finite", rows.index[np.isinf(values.to_numpy(dtype=float))].tolist()
    yield contract.keys[0], UNIQUE, _doubled(rows, contract.keys, days)


def _doubled(rows: pd.DataFrame, keys: list[str], days: pd.Series) -> list[int]:
    """Return the rows whose identifier is there twice within its day.

    Of equal copies the first is kept; of rows that contradict each other nobody knows which is right.
    """
    dated = rows.assign(_day=days)
    contradicting = dated.drop_duplicates()
    contradicting = contradicting[
        contradicting.duplicated([*keys, "_day"], keep=False) & contradicting[keys].notna().all(axis=1)
    ]
    return sorted({*contradicting.index, *rows.index[dated.duplicated()]})


def _expectations(promised: list[Column]) -> Iterator[tuple[str, Any]]:
    for column in promised:
        if not column.nullable:
            yield "not null", gxe.ExpectColumnValuesToNotBeNull(column=column.name)
        if column.minimum is not None or column.maximum is not None:
            low, high = column.minimum, column.maximum
            rule = (
                f"between {low if low is None else format(low, 'g')} and {high if high is None else format(high, 'g')}"
            )
            yield rule, gxe.ExpectColumnValuesToBeBetween(column=column.name, min_value=low, max_value=high)
        if column.allowed is not None:
            rule = f"one of {', '.join(map(str, column.allowed))}"
            yield rule, gxe.ExpectColumnValuesToBeInSet(column=column.name, value_set=list(column.allowed))


def _validate(rows: pd.DataFrame, expectations: list[Any]) -> list[dict[str, Any]]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    batch = (
        context.data_sources.add_pandas("memory")
        .add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
        .get_batch(batch_parameters={"dataframe": rows})
    )
    suite = gx.ExpectationSuite(name="contract", expectations=expectations)
    found = batch.validate(suite, result_format="COMPLETE")
    by_type_and_column = {
        (each.expectation_config.type, each.expectation_config.kwargs["column"]): each for each in found.results
    }
    results = []
    for each in expectations:
        result = by_type_and_column[(each.expectation_type, each.column)]
        if result.exception_info and result.exception_info.get("raised_exception"):
            raise ContractError(
                expected=f"{each.expectation_type} of {each.column} to be computable",
                seen=str(result.exception_info.get("exception_message")),
                where="contract",
                next_step="look at the column's values; they are not of the promised type",
            )
        results.append({"unexpected_index_list": result.result.get("unexpected_index_list") or []})
    return results


def _stop(where: str, expected: str, seen: str) -> ContractError:
    return ContractError(
        expected=expected,
        seen=seen,
        where=where,
        next_step="nothing was written; have the delivery corrected, or change the contract with its owner's consent",
    )
