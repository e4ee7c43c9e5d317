"""Guards of the diagnosis: what keeps a fault from being learned, and a change from being called a fault."""

from __future__ import annotations

from tests.guards.mutant import Mutant

CAUSES, FAULTS, MIX, DELIVERY, DIAGNOSIS = (
    f"include/monitoring/{name}.py" for name in ("causes", "faults", "selection", "delivery", "diagnosis")
)
SEEN = "tests/unit/monitoring/test_causes.py::"
MIXES = "tests/unit/monitoring/test_selection.py::"
DAYS, SAID = "tests/unit/monitoring/test_delivery.py::", "tests/unit/monitoring/test_diagnosis.py::"
BESIDE = f"{SEEN}test_the_other_columns_go_on_beside_one_that_is_not_as_it_should_be"
SIGNS = f"{SEEN}test_signs_that_the_world_does_not_leave_are_a_fault_of_the_values"
OTHER = "assert"

GUARDS = {
    "a cause for a column that is missing or new": (
        Mutant(
            "a column that is not there is a fault of the delivery", CAUSES,
            "    gone = {name: said for name, said in problems.items() if name not in seen.columns}\n",
            "    gone: dict[str, str] = {}\n",
            f"{BESIDE}[missing]", OTHER,
        ),
        Mutant(
            "what all columns do is the world's", FAULTS,
            "    return sum(each.effect >= _COMPANIONS for each in drifted) > max(_MOST * of, 2)\n",
            "    return False\n",
            f"{SEEN}test_what_the_world_moves_in_all_columns_may_leave_a_small_references_range[4.0-environment]",
            OTHER,
        ),
        Mutant(
            "a new column is told", CAUSES,
            '            "evidence": (*first.evidence, *notes),\n',
            '            "evidence": first.evidence,\n',
            f"{SEEN}test_a_new_column_alone_changes_nothing_and_is_told", OTHER,
        ),
    ),
    "a cause for values that are missing, one, or of another type": (
        Mutant(
            "missing values are a fault of the delivery", FAULTS,
            "    if drift.missing_now - drift.missing_before > _GONE:\n", "    if False:\n",
            f"{BESIDE}[all null]", OTHER,
        ),
        Mutant(
            "one value for all is a fault", FAULTS,
            " if share >= _ONE and usual < usual_up_to else None", " if False else None",
            f"{BESIDE}[constant]", OTHER,
        ),
        Mutant(
            "one value is a fault though no test calls it drift", CAUSES,
            "            sign = one_value(sketch, counts, held)\n", "            sign = None\n",
            f"{SEEN}test_a_meter_that_is_stuck_at_a_usual_reading_is_a_fault_without_drift", OTHER,
        ),
        Mutant(
            "what most values were may be all by chance", FAULTS,
            "usual < usual_up_to", "True",
            f"{SEEN}test_a_value_that_most_had_may_be_all_of_a_small_window", OTHER,
        ),
        Mutant(
            "a level is not one value though it lies in one cell", FAULTS,
            "    if not sketch.ordered:\n", "    if True:\n",
            f"{SEEN}test_a_level_that_lies_in_one_cell_of_the_reference_is_not_one_value", OTHER,
        ),
        Mutant(
            "a text among numbers is not called missing", CAUSES,
            "        if sign and each.column not in wrong:  #", "        if sign:  #",
            f"{BESIDE}[another type]", OTHER,
        ),
        Mutant(
            "a name that was never seen is a fault", FAULTS,
            "    if unheard > _UNHEARD:\n", "    if False:\n",
            f"{SIGNS}[spelling for some]", OTHER,
        ),
    ),
    "a cause for values of another unit": (
        Mutant(
            "values outside of all that there were are a fault", FAULTS,
            "    if outside <= (_MOST if all_moved else _OUTSIDE) or not sketch.edges:\n", "    if True:\n",
            f"{SIGNS}[sign]", OTHER,
        ),
        Mutant(
            "values that were taken from everywhere are a fault", FAULTS,
            "        if _as_before(reference[rest], window[rest]):\n", "        if False:\n",
            f"{SIGNS}[unit for some]", OTHER,
        ),
        Mutant(
            "a column that moved alone is a fault", CAUSES,
            "lone = [] if faulty or explained or free_levels else alone(", "lone = [] if True else alone(",
            f"{SIGNS}[alone]", OTHER,
        ),
        Mutant(
            "where levels are free, another one is none", FAULTS,
            "    if sketch.ordered and free_level:\n", "    if False:\n",
            f"{SEEN}test_where_levels_are_free_another_one_is_no_fault_but_lost_values_are", OTHER,
        ),
    ),
    "a change that is taken for another one": (
        Mutant(
            "a mix is contradicted by what stood still", MIX,
            "        if rest.p_value < (_LEFT if column in moved else _SURE) and",
            "        if column in moved and rest.p_value < _LEFT and",
            f"{SEEN}test_a_column_that_makes_groups_and_moves_without_its_companions_is_no_mix", OTHER,
        ),
        Mutant(
            "a group that stays away is no other spelling", FAULTS,
            "    if not lost or gains.max() < _HELD * gains.sum():\n", "    if not lost:\n",
            f"{SEEN}test_another_mix_of_a_group_explains_whatever_moved_with_it[a colour stays away]", OTHER,
        ),
        Mutant(
            "a fault's broken promise does not blame the relation", CAUSES,
            "    broken = [each for each in promises if each.broken and not faulty]\n",
            "    broken = [each for each in promises if each.broken]\n",
            f"{SEEN}test_what_a_fault_breaks_is_not_blamed_on_the_relation", OTHER,
        ),
        Mutant(
            "a gap inside of both intervals breaks no promise", DIAGNOSIS,
            "        return self.excess > 1\n", "        return self.excess > 0.5\n",
            f"{SAID}test_a_promise_is_broken_beyond_both_intervals_in_squares[0.76-False]", OTHER,
        ),
        Mutant(
            "what was not judged is not called calm", CAUSES,
            '            "not_judged": drift.not_judged,\n', "",
            f"{SEEN}test_of_a_few_rows_nothing_is_told[0]", OTHER,
        ),
    ),
    "a day that is absent, a part, twice or late": (
        Mutant(
            "an empty day did not come", DELIVERY,
            'for day, rows in self.rows.items() if not rows]\n', "for day, rows in ()]\n",
            f"{DAYS}test_a_day_is_measured_by_the_days_before[0-said0]", OTHER,
        ),
        Mutant(
            "a part of a day is told", DELIVERY,
            '            if volume == "part" and rows:\n', "            if False:\n",
            f"{DAYS}test_a_day_is_measured_by_the_days_before[80-said1]", OTHER,
        ),
        Mutant(
            "a day's usual spread is no fault", DELIVERY,
            "max(spread, _SPREAD * np.sqrt(usual))", "_SPREAD * np.sqrt(usual)",
            f"{DAYS}test_where_days_differ_much_half_a_day_is_one_of_them", OTHER,
        ),
        Mutant(
            "a fault that lasts does not become usual", DELIVERY,
            "        if len(before) < _FEWEST or not _volume(", "        if True or not _volume(",
            f"{DAYS}test_a_fault_that_lasts_does_not_become_usual", OTHER,
        ),
        Mutant(
            "a day of the week has its own level", DELIVERY,
            "            level[mine] *= np.median(rows) / np.median(rows[mine])\n", "            pass\n",
            f"{DAYS}test_days_of_the_week_are_told_from_each_other", OTHER,
        ),
        Mutant(
            "rows that come again are told", DELIVERY,
            "            elif self.repeated.get(day, 0) > _REPEATED * rows:\n", "            elif False:\n",
            f"{DAYS}test_rows_whose_key_was_there_are_a_batch_that_came_twice", OTHER,
        ),
        Mutant(
            "many rows in quarantine are a fault of the values", CAUSES,
            "evidence=(*_named(wrong), *broken), columns=tuple(wrong)",
            "evidence=(*_named(wrong),), columns=tuple(wrong)",
            f"{SEEN}test_rows_that_break_a_rule_are_a_fault_of_the_values[rule0]", OTHER,
        ),
    ),
    "a shape that the world may leave": (
        Mutant(
            "beside columns that moved without a sign a shape is none", CAUSES,
            "        if not (sign.shape and others >= max(_BYSTANDERS, by_shape)):\n", "        if True:\n",
            f"{SEEN}test_beside_columns_that_moved_without_a_sign_a_shape_is_none", OTHER,
        ),
        Mutant(
            "names that come in other shares are no fault", CAUSES,
            "if each.column in profile.groups and not profile.columns[each.column].ordered]", "if each.effect < 0]",
            f"{SEEN}test_groups_that_come_in_other_shares_while_nothing_else_moves_far_are_another_mix", OTHER,
        ),
    ),
    "another mix where rows of a day depend": (
        Mutant(
            "what stood still by the test of days is no contradiction", MIX,
            "        still = profile.in_blocks and column not in moved\n", "        still = False\n",
            f"{MIXES}test_lines_of_baskets_show_another_mix_by_the_market_alone[fewer in one market]", OTHER,
        ),
        Mutant(
            "a whole that moved has no other mix", MIX,
            "each.column == whole and each.effect < _STILL", "each.column == whole",
            f"{MIXES}test_parts_take_what_others_gave_only_where_the_whole_stands_still[the whole moved]", OTHER,
        ),
        Mutant(
            "zones that took what others gave are another mix", CAUSES,
            "    if took:\n", "    if False:\n",
            f"{MIXES}test_lines_that_are_switched_are_another_mix_of_zones[0.5-selection]", OTHER,
        ),
    ),
}  # fmt: skip
