"""Guards of many machines: no work where the clock is wrong, no failure untold, nothing that an image lacks."""

from __future__ import annotations

from tests.guards.mutant import Mutant

CONTAINER = "tests/unit/platform/test_container.py::"

GUARDS = {
    "a worker on a machine whose clock is wrong": (
        Mutant(
            "it ends", "include/platform/worker_clock.py",
            "    if seconds is not None and abs(seconds) > ALLOWED_SECONDS:", "    if False:",
            "tests/unit/platform/test_worker_clock.py::test_a_clock_that_is_an_hour_off_is_refused_in_words[behind]",
            "DID NOT RAISE",
        ),
        Mutant(
            "it ends before what it has begun", "include/platform/container.py",
            "default=0) if told else 0", "default=0)",
            f"{CONTAINER}test_where_one_ends_by_itself_the_others_are_not_waited_for", "TimeoutExpired",
        ),
    ),
    "a failure while the store is restarted": (
        Mutant(
            "it is recorded", "include/incidents.py",
            "not isinstance(error, TransientError) or time.monotonic() > deadline", "True",
            "tests/services/test_incidents.py::test_a_store_that_is_back_soon_has_the_record", "TypeError",
        ),
    ),
    "an image for where no package index is": (
        Mutant(
            "it has what a training reads", "include/data/recordings.py",
            "    journey.fetch()", "    journey.events()",
            "tests/unit/data/test_recordings.py::test_all_that_a_use_case_reads_is_there_where_no_index_is",
            "TransientError",
        ),
    ),
}  # fmt: skip
