"""Guards of the monitor against windows and labels that are not as they should be."""

from __future__ import annotations

from tests.guards.mutant import Mutant

DRIFT, WINDOW, SKETCH = (f"include/monitoring/{name}.py" for name in ("drift", "window", "sketch"))
TRUTH, QUALITY = "include/monitoring/truth.py", "include/monitor_ops/quality.py"
SEEN, JOINED = "tests/unit/monitoring/test_drift.py::", "tests/unit/monitoring/test_truth.py::"
CELLS, LABELLED = "tests/unit/monitoring/test_sketch.py::", "tests/unit/monitor_ops/test_quality.py::"
OTHER = "AssertionError|assert"

GUARDS = {
    "a window of 0, 1, 5 rows": (
        Mutant(
            "a window of a few rows is not judged", DRIFT,
            "    if seen.rows < FEWEST_ROWS:\n", "    if False:\n",
            f"{SEEN}test_a_window_of_a_few_rows_is_not_judged_and_says_so[5]", OTHER,
        ),
        Mutant(
            "a window without rows neither", DRIFT,
            "    if seen.rows < FEWEST_ROWS:\n", "    if 0 < seen.rows < FEWEST_ROWS:\n",
            f"{SEEN}test_a_window_of_a_few_rows_is_not_judged_and_says_so[0]", "assert|Error|Warning",
        ),
        Mutant(
            "of a hundred rows the chi-square is not believed", "include/monitoring/permutation.py",
            "    if fewer > SMALL or not", "    if True or not",
            "tests/unit/monitoring/test_permutation.py::"
            "test_of_few_rows_in_many_named_cells_the_chi_square_says_too_little", OTHER,
        ),
    ),
    "a column that is missing or new": (
        Mutant(
            "the others are judged where one is missing", WINDOW,
            "            if name not in part:\n", "            if False:\n",
            f"{SEEN}test_a_column_that_is_not_there_is_named_and_the_others_are_judged", "KeyError",
        ),
        Mutant(
            "a new one is named", WINDOW,
            "        for name in part.columns.difference(list(profile.columns)):\n", "        for name in ():\n",
            f"{SEEN}test_a_new_column_is_named_and_the_others_are_judged", OTHER,
        ),
        Mutant(
            "nothing in common is no calm", DRIFT,
            "    if not adjusted:\n", "    if False:\n",
            f"{SEEN}test_a_window_without_any_known_column_is_not_judged", OTHER,
        ),
    ),
    "all constant, all null": (
        Mutant(
            "a column without a value has no ranges", SKETCH,
            "    if not len(known):\n        return ()\n", "",
            f"{SEEN}test_a_reference_that_is_all_null_or_constant_says_nothing_of_itself", "Error",
        ),
        Mutant(
            "what is missing has a cell of its own", SKETCH,
            "    return np.append(np.diff(places, prepend=0, append=len(ranked)), missing)",
            "    return np.append(np.diff(places, prepend=0, append=len(ranked)), 0)",
            f"{SEEN}test_a_shift_is_seen_in_its_column_alone[missing]", OTHER,
        ),
    ),
    "a category never seen": (
        Mutant(
            "it is counted among the others", SKETCH,
            "    cells = pc.fill_null(found, other)", "    cells = pc.fill_null(found, 0)",
            f"{CELLS}test_a_value_never_seen_is_in_the_cell_of_others", OTHER,
        ),
    ),
    "types changed": (
        Mutant(
            "texts among numbers are named", WINDOW,
            "            strange[name] = strange.get(name, 0) + unreadable(column, part[name])\n", "",
            f"{SEEN}test_texts_among_numbers_are_named_and_the_others_are_judged", OTHER,
        ),
        Mutant(
            "a number is the same name however it is stored", SKETCH,
            '        return values.astype(float).map("{:.15g}".format)\n', "        return values.astype(str)\n",
            f"{CELLS}test_numbers_that_are_names_are_categories_and_the_same_however_they_are_stored", "Error|assert",
        ),
    ),
    "infinite values": (
        Mutant(
            "they are named", WINDOW,
            '            if part[name].dtype.kind == "f":\n', "            if False:\n",
            f"{SEEN}test_infinite_values_are_named_and_the_others_are_judged", OTHER,
        ),
        Mutant(
            "they are no bound of a range", SKETCH,
            "    known = numbers[np.isfinite(numbers)]\n", "    known = numbers[~np.isnan(numbers)]\n",
            f"{CELLS}test_an_infinite_value_is_no_bound_of_a_range", "Error|assert",
        ),
    ),
    "days that depend": (
        Mutant(
            "their dates are asked for", DRIFT,
            "    if first_day is None or last_day is None:\n", "    if False:\n",
            f"{SEEN}test_days_that_depend_are_not_judged_without_their_dates", "AttributeError|DID NOT RAISE",
        ),
    ),
    "labels for predictions that do not exist": (
        Mutant(
            "they are counted and named", TRUTH,
            "    aside[UNKNOWN] = known.loc[~there.to_numpy(), key]\n", "",
            f"{JOINED}test_a_label_for_a_prediction_that_does_not_exist_is_counted_and_named", OTHER,
        ),
    ),
    "labels twice": (
        Mutant(
            "they count once", TRUTH,
            "    known = known.drop_duplicates(same)\n", "",
            f"{JOINED}test_a_label_that_came_twice_counts_once", OTHER,
        ),
    ),
    "labels contradicting": (
        Mutant(
            "they count for nothing", TRUTH,
            "    known = known.loc[~contradicting]\n", "    known = known.drop_duplicates([DAY, key])\n",
            f"{JOINED}test_labels_that_contradict_each_other_count_for_nothing", OTHER,
        ),
        Mutant(
            "a later one is a correction", TRUTH,
            "    known = known.loc[known[AVAILABLE_AT] == newest]\n", "",
            f"{JOINED}test_a_correction_that_came_later_is_no_contradiction", OTHER,
        ),
    ),
    "truth older than retention": (
        Mutant(
            "it does not count", TRUTH,
            "        known = known.loc[known[DAY] >= oldest]\n", "",
            f"{JOINED}test_truth_older_than_is_kept_does_not_count", OTHER,
        ),
        Mutant(
            "what is older waits for nothing", TRUTH,
            "        predictions = predictions.loc[predictions[DAY] >= oldest]\n", "",
            f"{JOINED}test_predictions_older_than_is_kept_wait_for_nothing", OTHER,
        ),
    ),
    "no truth yet": (
        Mutant(
            "a table that is not there is empty", TRUTH,
            "    truth = truth if len(truth.columns) else pd.DataFrame(columns=same)\n", "",
            f"{JOINED}test_all_wait_where_there_is_no_table_of_truth_yet[None]", "KeyError",
        ),
    ),
    "labels of one kind": (
        Mutant(
            "a ranking that has no number is left out", QUALITY,
            "    except MissingMetricError:\n", "    except ZeroDivisionError:\n",
            f"{LABELLED}test_labels_of_one_kind_have_no_ranking_and_the_other_metrics_go_on", "MissingMetricError",
        ),
    ),
    "protected groups too small to compare": (
        Mutant(
            "the other columns go on", QUALITY,
            "        except MissingMetricError as error:\n", "        except ZeroDivisionError as error:\n",
            f"{LABELLED}test_a_window_with_one_group_has_no_parity_by_it_and_all_else_goes_on",
            "MissingMetricError|AttributeError",
        ),
    ),
}  # fmt: skip
