"""The kinds of cause that a window's difference may have, and which of them mean that the data is wrong."""

from __future__ import annotations

from typing import Literal

Cause = Literal["none", "delivery", "values", "selection", "environment", "concept"]
FAULTS: frozenset[Cause] = frozenset({"delivery", "values"})
