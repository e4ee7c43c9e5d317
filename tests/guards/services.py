"""Guards against services that fail, and processes that die: no row or version is lost, double or half."""

from __future__ import annotations

from tests.guards.mutant import Mutant

OBJECTS, TABLES, LANDING = "include/data/objects.py", "include/data/tables.py", "include/data/landing.py"
JOURNAL, PROMOTION = "include/deployment/journal.py", "include/deployment/promotion.py"
TRACKING, REGISTRY = "include/models/tracking.py", "include/models/registry.py"
FAULTS = "tests/services/data/test_ingest_faults.py::"
CHAIN = "tests/services/deployment/test_journal.py::"
TRAINING = "tests/services/models/test_training_faults.py::"

GUARDS = {
    "S3 down in mid-write": (
        Mutant(
            "an object store that is away is told as such", OBJECTS,
            "_AWAY = (StoreConnectionError, HTTPClientError, IncompleteReadError)", "_AWAY = (IncompleteReadError,)",
            "tests/services/data/test_objects.py::test_absent_store_is_transient_and_named", "PermanentError",
        ),
        Mutant(
            "a store that goes away under a table is told as such", TABLES,
            "isinstance(error, (OSError, DeltaError)) and any(part in said for part in _STORE_SAYS)", "False",
            f"{FAULTS}test_a_store_that_goes_away_in_mid_write_is_told_as_transient_and_leaves_nothing_half[rows]",
            "SourceError",
        ),
        Mutant(
            "all days come in one commit, or none of them", LANDING,
            "    return Table(use_case, table).update(delivered[DAY].min(), delivered[DAY].max(), decide, run=run)",
            "    for day, delivered in delivered.groupby(DAY):\n"
            "        version = Table(use_case, table).update(day, day, decide, run=run)\n"
            "    return version",
            "tests/services/data/test_ingest.py::test_rows_land_once_and_their_truth_when_it_is_due",
            "all days come in one commit",
        ),
    ),
    "a reply lost after S3 did the write": (
        Mutant(
            "a commit whose reply is lost is recognised", TABLES,
            "            if again is None or again.transaction_version(transaction) is None:\n                raise",
            "            raise",
            "tests/services/data/test_tables.py::"
            "test_a_commit_whose_reply_is_lost_is_recognised_and_not_made_again[later commit]",
            "TransientError: replace table any/log",
        ),
        Mutant(
            "a journal entry whose reply is lost is recognised", JOURNAL,
            "            if (mine := self.find(request_id)) is not None:\n                return _same(mine, action)",
            "            self.entries()",
            f"{CHAIN}test_lost_reply_does_not_append_twice", "assert",
        ),
        Mutant(
            "a version whose reply is lost is not made twice", REGISTRY,
            "        for double in versions[1:]:", "        for double in []:",
            f"{TRAINING}test_lost_replies_make_no_second_run_and_no_second_version", "too many values to unpack",
        ),
        Mutant(
            "a run whose reply is lost is not opened twice", TRACKING,
            "        for double in found[1:]:", "        for double in []:",
            f"{TRAINING}test_lost_replies_make_no_second_run_and_no_second_version", "too many values to unpack",
        ),
    ),
    "S3's 409 conflict answer": (
        Mutant(
            "409 is sent again", OBJECTS,
            "{412: _ExistsError, 409: _ConflictError}", "{412: _ExistsError}",
            f"{CHAIN}test_conflict_answer_is_a_retry_not_a_loss", "PermanentError",
        ),
        Mutant(
            "409 is no loss", OBJECTS,
            "{412: _ExistsError, 409: _ConflictError}", "{412: _ExistsError, 409: _ExistsError}",
            f"{CHAIN}test_conflict_answer_is_a_retry_not_a_loss", "assert False",
        ),
    ),
    "MLflow down in mid-train": (
        Mutant(
            "an MLflow that is away is told as such", TRACKING,
            '        if error.error_code not in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"):', "        if True:",
            f"{TRAINING}test_mlflow_away_in_mid_train_is_transient_and_the_repeat_ends_in_one_version[register]",
            "MlflowException",
        ),
        Mutant(
            "the repeat finds the version it has registered", "include/models/evaluation.py",
            "    if (made := registry.version_of_run(name, run_id)) is not None:\n        return made\n", "",
            f"{TRAINING}test_mlflow_away_in_mid_train_is_transient_and_the_repeat_ends_in_one_version[evaluate]",
            "AssertionError|assert|ArtifactError",
        ),
    ),
    "a process killed in mid-write, mid-train, mid-promotion": (
        Mutant(
            "what a killed writer has landed is not added again", LANDING,
            '        news = delivered.loc[(told["_merge"] == "left_only").to_numpy()]', "        news = delivered",
            f"{FAULTS}test_a_writer_killed_in_mid_write_leaves_nothing_half[truth]", "assert 240 == 120",
        ),
        Mutant(
            "a killed training's version is found again", REGISTRY,
            "    return model_ref(name, versions[0]) if versions else None", "    return None",
            f"{TRAINING}test_a_training_killed_in_its_middle_goes_on_in_its_run_and_ends_in_one_version[evaluate]",
            "AssertionError|assert|ArtifactError",
        ),
        Mutant(
            "the repeat of a killed promotion sets what MLflow shows", PROMOTION,
            '        mirror(spec, journal)\n        return Outcome(True, f"{named} was promoted by entry',
            '        return Outcome(True, f"{named} was promoted by entry',
            "tests/services/deployment/test_promotion_processes.py::"
            "test_repeat_alone_finishes_what_the_kill_left[between alias and tag]",
            "assert",
        ),
        Mutant(
            "a reconcile sets what MLflow shows", PROMOTION,
            "        if shown != wanted:", "        if False:",
            "tests/services/deployment/test_rollback.py::test_alias_that_somebody_moved_by_hand_is_repaired", "assert",
        ),
    ),
    "no space left": (
        Mutant(
            "a store that answers 500 is told as ill, not as refusing", OBJECTS,
            "            if status >= 500 or status == 429:", "            if status == 429:",
            "tests/services/data/test_no_space.py::test_no_space_left_is_told_and_loses_nothing", "PermanentError",
        ),
        Mutant(
            "the sentence speaks of space and of a restart", OBJECTS,
            "and its disk has space; after a full one restart it", "and restart it",
            "tests/services/data/test_no_space.py::test_no_space_left_is_told_and_loses_nothing",
            "Regex pattern did not match",
        ),
    ),
}  # fmt: skip
