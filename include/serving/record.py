"""One line of the prediction log: who asked what, who answered what by which version, and why.

All use cases have the same fields, so one table form holds them. A shadow's answer is a line of its own, written when
it is there, so that it delays no answer: variant ``shadow``, the answered request's id with ``/shadow`` behind it, and
in the field ``shadow`` the answer it stands beside.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic_core import to_json

SHADOW = "shadow"


def line(
    said: Mapping[str, Any],
    *,
    at: dt.datetime,
    inputs: Any,
    output: Any,
    latency_ms: float,
    shadow: Any = None,
) -> bytes:
    """Return the log's line of an answer.

    Args:
        said: What every answer carries, and score and decision where there are.
        at: Wall-clock time, UTC.
        inputs: What was asked with.
        output: What was answered with, beyond score and decision.
        latency_ms: Time from the first byte to this line.
        shadow: Of a shadow's line, the answer it stands beside.
    """
    return to_json(
        {
            "request_id": said["request_id"],
            "use_case": said["use_case"],
            "key": said["key"],
            "unit": said["unit"],
            "at": at.isoformat(timespec="microseconds"),
            "variant": said["variant"],
            "model_version": said["model_version"],
            "sequence": said["sequence"],
            "decision": said.get("decision", ""),
            "score": said.get("score"),
            "inputs": _text(inputs),
            "output": _text(output),
            "reasons": _text(said["reasons"]),
            "flags": _text(said["flags"]),
            "latency_ms": round(latency_ms, 3),
            "shadow": _text(shadow) if shadow is not None else "",
        }
    )


def named(columns: Sequence[str], values: Sequence[Any]) -> dict[str, Any]:
    """Return a case's columns as what was asked with."""
    return dict(zip(columns, values, strict=True))


def _text(said: Any) -> str:
    return to_json(said).decode()
