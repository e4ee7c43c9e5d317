"""Guards of back-ups and restores: a back-up rests on what it has, and nothing is restored that does not verify."""

from __future__ import annotations

from tests.guards.mutant import Mutant

BACKUP, RESTORE = "include/platform/backup.py", "include/platform/restore.py"
TABLES = "include/platform/tables_copy.py"
TRIED = "tests/services/platform/test_backup.py::"
NOT_RAISED, OTHERWISE = "DID NOT RAISE", "Regex pattern did not match"

GUARDS = {
    "a back-up under load": (
        Mutant(
            "no entry names a version that the registry's copy lacks", BACKUP,
            "[key for key in journals.get(prefix, []) if _number(key) <= until]", "journals.get(prefix, [])",
            f"{TRIED}test_an_entry_for_a_version_that_the_registry_did_not_have_yet_is_left_to_the_next_back_up",
            "AssertionError",
        ),
        Mutant(
            "no tag names an entry that the journal's copy lacks", BACKUP,
            "max(reached.get(prefix, 0), anchor.sequence if anchor else 0)", "reached.get(prefix, 0)",
            f"{TRIED}test_an_entry_that_the_registry_carries_is_in_the_back_up_whenever_it_came", "BackupError",
        ),
        Mutant(
            "no answer names an entry that the journal's copy lacks", TABLES,
            '_NAMES_AN_ENTRY = {"sequence", "journal_sequence"}', '_NAMES_AN_ENTRY = {"nothing"}',
            f"{TRIED}test_answers_that_name_an_entry_after_the_last_one_are_left_to_the_next_back_up",
            "AssertionError",
        ),
        Mutant(
            "a table is whole though files of it are removed meanwhile", TABLES,
            "            self._until_whole(table)", "            pass",
            f"{TRIED}test_a_table_from_which_rows_are_erased_meanwhile_is_copied_anew_without_them", "Error",
        ),
        Mutant(
            "a journal that does not verify is not backed up in silence", BACKUP,
            "    if problem or not objects:", "    if not objects:",
            f"{TRIED}test_a_journal_that_does_not_verify_ends_the_back_up_and_is_named", NOT_RAISED,
        ),
    ),
    "a restore": (
        Mutant(
            "nothing is written onto something", RESTORE,
            "    if held:", "    if False:",
            f"{TRIED}test_a_deployment_that_holds_something_is_refused_by_name_and_count"
            "[bucket-bucket flightdeck: 1 objects]",
            OTHERWISE,
        ),
        Mutant(
            "every digest is checked before the first byte is written", RESTORE,
            "    manifests.check(folder, manifest)\n", "",
            f"{TRIED}test_a_flipped_bit_is_found_before_the_first_byte_is_written[objects/flightdeck/large]",
            NOT_RAISED,
        ),
        Mutant(
            "a manifest that was changed is refused", "include/platform/manifest.py",
            "        document = opened(path.read_bytes(), domain=_DOMAIN)",
            "        import json\n\n        document = json.loads(path.read_bytes())\n"
            '        document.pop("signature")',
            f"{TRIED}test_a_manifest_that_somebody_has_changed_is_refused", OTHERWISE,
        ),
        Mutant(
            "each model has the files that the journal names", RESTORE,
            "        with files_of(ref):\n            pass", "        pass",
            f"{TRIED}test_files_that_are_not_those_of_the_journal_are_found_at_the_end", NOT_RAISED,
        ),
    ),
}  # fmt: skip
