"""What every error promises: its facts, in one line, also behind a process's border."""

from __future__ import annotations

import pickle

from include.errors import TransientError

FACTS = {"expected": "an answer", "where": "open table a/rows", "next_step": "see that S3 runs"}


def test_the_sentence_is_one_line_whatever_a_library_says():
    seen = "Kernel error -> Generic S3 error\n   \x1b[31m↳\x1b[0m Error performing GET, max_retries\n  \x1b[31m↳ 5\n"

    assert str(TransientError(seen=seen, **FACTS)) == (
        "open table a/rows: expected an answer, but saw Kernel error -> Generic S3 error Error performing GET, "
        "max_retries 5. Next: see that S3 runs"
    )


def test_an_error_keeps_its_class_and_facts_on_its_way_to_another_process():
    error = TransientError(seen="none", **FACTS)

    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert (type(again), again.args, again.seen) == (TransientError, error.args, "none")
