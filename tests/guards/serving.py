"""Guards of the prediction log: acknowledged is on disk, nothing stays half, nothing is shipped twice or left out."""

from __future__ import annotations

from tests.guards.mutant import Mutant

LOG, SEGMENTS = "include/serving/prediction_log.py", "include/serving/segments.py"
SHIPPING, TABLES = "include/serving/shipping.py", "include/data/tables.py"
LOGGED = "tests/unit/serving/test_prediction_log.py::"
LEFT = "tests/unit/serving/test_segments.py::"
SHIPPED = "tests/services/serving/test_shipping.py::"
UNSTOPPED = "DID NOT RAISE"
DURABLE = f"{LOGGED}test_a_durable_record_is_on_disk_and_not_in_memory_when_it_is_acknowledged"

GUARDS = {
    "kill -9 and power loss under the prediction log": (
        Mutant(
            "a record is acknowledged when it is written, not before", LOG,
            "        try:\n            self._files.write(lines)\n",
            "        self._loop.call_soon_threadsafe(self._settle, [future for _, future in group], '')\n"
            "        time.sleep(0.05)\n        try:\n            self._files.write(lines)\n",
            f"{LOGGED}test_what_is_acknowledged_is_in_the_log_in_its_order", "IndexError|ValueError|assert",
        ),
        Mutant(
            "a durable group is synced", LOG,
            "            if self._durable:\n                os.fdatasync(self._file)\n", "",
            f"{DURABLE}[True]", "assert",
        ),
        Mutant(
            "one that need not be durable is not", LOG,
            "            if self._durable:\n                os.fdatasync",
            "            if True:\n                os.fdatasync",
            f"{DURABLE}[False]", "assert",
        ),
        Mutant(
            "a new segment's name is synced before its first group", LOG,
            "        if self._durable:\n            os.fsync(self._lock)\n", "",
            f"{LOGGED}test_a_segment_s_name_is_on_disk_before_its_first_record_is_acknowledged", "assert",
        ),
        Mutant(
            "a line is told by its checksum", SEGMENTS,
            ' and raw[:9] == b"%08x " % zlib.crc32(record) else', " else",
            f"{LEFT}test_a_broken_line_in_a_closed_segment_is_named[12]", UNSTOPPED,
        ),
        Mutant(
            "a torn tail is cut off before its segment is closed", SEGMENTS,
            "                file.truncate(end)\n", "",
            f"{LEFT}test_a_torn_tail_ends_an_open_segment_wherever_it_was_torn[1]", "LogError",
        ),
        Mutant(
            "what stands behind a broken line is kept aside", SEGMENTS,
            '                if b"\\n" in rest:', "                if False:",
            f"{LEFT}test_what_a_power_loss_leaves_behind_a_broken_line_is_kept_aside", "not enough values",
        ),
        Mutant(
            "a dead writer's log is shipped", SHIPPING,
            "    for folder in writers(home):\n        adopt(folder)\n    done", "    done",
            f"{SHIPPED}test_the_log_of_a_killed_process_is_shipped_with_all_that_it_acknowledged", "assert",
        ),
        Mutant(
            "a living writer's log is left alone", SEGMENTS,
            "        if not dead:\n", "        if False:\n",
            f"{LOGGED}test_a_living_writer_s_log_is_not_adopted", "assert",
        ),
        Mutant(
            "a writer's folder is locked before it has its name", LOG,
            'self.folder.with_name(f"{HIDDEN}{self.writer}")', "self.folder",
            f"{LEFT}test_a_folder_is_locked_before_anybody_can_see_it", "FileNotFoundError|assert",
        ),
    ),
    "disk full under the prediction log": (
        Mutant(
            "half a group is taken away", LOG,
            "            os.ftruncate(self._file, self._size)\n", "",
            f"{LOGGED}test_a_full_disk_is_told_leaves_nothing_half_and_is_forgotten_when_there_is_room",
            "LogError|assert",
        ),
        Mutant(
            "half a group that stayed is taken away before the next", LOG,
            "        if self._spoiled:\n            self._mend()\n", "",
            f"{LOGGED}test_half_a_group_that_cannot_be_taken_away_at_once_is_taken_away_before_the_next",
            "DID NOT RAISE|LogError|assert",
        ),
        Mutant(
            "a line's end inside of a record is refused", SEGMENTS,
            '    if b"\\n" in record:', "    if False:",
            f"{LOGGED}test_a_record_with_a_line_s_end_is_refused", UNSTOPPED,
        ),
        Mutant(
            "a client that has gone does not keep the others waiting", LOG,
            "            if future.done():  # who asked has gone", "            if False:",
            f"{LOGGED}test_a_client_that_goes_away_leaves_its_record_and_the_others_their_answers", "TimeoutError",
        ),
    ),
    "back-pressure of the prediction log": (
        Mutant(
            "what waits to be shipped is bounded", LOG,
            "        if self._on_disk + waiting > self._max_unshipped:", "        if False:",
            f"{LOGGED}test_what_waits_to_be_shipped_is_bounded_and_the_bound_lifts_when_it_is_shipped", "assert",
        ),
        Mutant(
            "the bound lifts when it is shipped", LOG,
            "self._on_disk, looked = unshipped_bytes(self._home), time", "looked = time",
            f"{LOGGED}test_what_waits_to_be_shipped_is_bounded_and_the_bound_lifts_when_it_is_shipped",
            "OverloadedError",
        ),
        Mutant(
            "what others have left counts from the start", LOG,
            "            self._on_disk = unshipped_bytes(home)\n", "            self._on_disk = 0\n",
            f"{LOGGED}test_the_bound_counts_what_other_writers_have_left", UNSTOPPED,
        ),
        Mutant(
            "what waits for the disk is bounded", LOG,
            "        if waiting > self._max_waiting:", "        if False:",
            f"{LOGGED}test_what_waits_for_the_disk_is_bounded", UNSTOPPED,
        ),
    ),
    "shipping the prediction log": (
        Mutant(
            "the table's version of a writer is read first", TABLES,
            " if table is None or _is_new(table, each)]", "]",
            f"{SHIPPED}test_shipping_twice_adds_nothing", "assert",
        ),
        Mutant(
            "a commit whose answer was lost is looked for", TABLES,
            "                failed = error  # only its answer may be lost", "                raise",
            f"{SHIPPED}test_a_commit_whose_reply_is_lost_is_recognised[later commit]", "TransientError",
        ),
        Mutant(
            "a commit is made on what was read, or not at all", TABLES,
            "items()],\n            max_commit_retries=0,\n", "items()],\n",
            f"{SHIPPED}test_two_shippers_at_once_ship_once", "assert",
        ),
        Mutant(
            "a segment is kept until every table has its part", SHIPPING,
            "        if failed:\n            raise failed\n        for path", "        for path",
            f"{SHIPPED}test_a_segment_of_which_one_table_has_its_part_brings_only_the_other_s", UNSTOPPED,
        ),
        Mutant(
            "a table that cannot take holds up no other", SHIPPING,
            "                failed = failed or error", "                raise",
            f"{SHIPPED}test_a_table_that_cannot_take_does_not_hold_up_the_others", "assert",
        ),
        Mutant(
            "a segment that another has shipped is passed over", SHIPPING,
            "        with contextlib.suppress(FileNotFoundError):  # another has shipped it", "        if True:",
            f"{SHIPPED}test_what_another_has_shipped_meanwhile_is_passed_over", "FileNotFoundError",
        ),
        Mutant(
            "a segment that another has removed is no error", SHIPPING,
            "            path.unlink(missing_ok=True)", "            path.unlink()",
            f"{SHIPPED}test_what_another_has_shipped_meanwhile_is_passed_over", "FileNotFoundError",
        ),
        Mutant(
            "a segment that a listing misses is asked for", SEGMENTS,
            "    while segment_path(folder, first - 1, CLOSED).exists():\n        first -= 1\n"
            "    return [each for each in range(first, max(found) + 1) if segment_path(folder, each, CLOSED).exists()]",
            "    return sorted(found)",
            f"{LEFT}test_a_segment_that_is_closed_while_the_folder_is_listed_is_not_left_out", "assert",
        ),
        Mutant(
            "columns have their types from the start", SHIPPING,
            "pa.Table.from_pylist(rows, schema=SCHEMA)", "pa.Table.from_pylist(rows)",
            f"{SHIPPED}test_a_column_without_any_value_has_its_type_from_the_start", "Error|assert",
        ),
        Mutant(
            "half a character does not hold up the log", SHIPPING,
            '    return said if said.isascii() else said.encode(errors="backslashreplace").decode()', "    return said",
            f"{SHIPPED}test_every_field_arrives_typed_with_where_it_came_from", "UnicodeEncodeError",
        ),
        Mutant(
            "a line that does not fit the table is put aside", SHIPPING,
            "        except (ValueError, KeyError, TypeError, OverflowError):", "        except ZeroDivisionError:",
            f"{SHIPPED}test_a_line_that_is_no_row_goes_to_quarantine_and_holds_up_none[broken]", "ValueError",
        ),
    ),
}  # fmt: skip
