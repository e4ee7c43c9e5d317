"""Made records, and what is on disk of them."""

from __future__ import annotations

import json

from include.serving.segments import OPEN, closed_numbers, log_folder, read_segment, segment_path

AT = "2026-05-03T11:00:00.000001+00:00"


def record(request_id, *, at=AT, **others):
    """Return a record as the service writes one."""
    made = {
        "request_id": request_id, "use_case": "credit", "key": "default", "unit": "client 7", "at": at,
        "variant": "champion", "model_version": 3, "sequence": 17, "decision": "accept", "score": 0.125,
        "inputs": '{"limit": 20000}', "output": "{}", "reasons": "[]", "flags": "[]", "latency_ms": 1.5, "shadow": "",
    }  # fmt: skip
    return json.dumps(made | others).encode()


def ids(path):
    """Return the request ids of a segment in their order."""
    return [json.loads(each)["request_id"] for _, each in read_segment(path)]


def folder_of(home):
    """Return the folder of the only writer."""
    (folder,) = [each for each in log_folder(home).iterdir() if not each.name.startswith(".")]
    return folder


def logged(folder):
    """Return the request ids of all segments of a writer in their order."""
    closed = [segment_path(folder, number, ".closed") for number in closed_numbers(folder)]
    return [each for path in [*closed, *sorted(folder.glob(f"*{OPEN}"))] for each in ids(path)]
