"""Who gets which variant: the same answer for the same unit everywhere, without a table of who was assigned.

A unit's share is a hash of the experiment's or rollout's salt and the unit, so it stays where it is from day to day,
is independent of every other salt's, and one that has the challenger at a small weight keeps it at a larger one.
"""

from __future__ import annotations

import hashlib
from typing import Literal

Variant = Literal["champion", "challenger"]
_LARGEST = 1 - 2**-53


def share_of(unit: str, *, salt: str, use_case: str, key: str) -> float:
    """Return where a unit lies in [0, 1): the first 8 bytes of a SHA-256."""
    digest = hashlib.sha256(f"{salt}|{use_case}|{key}|{unit}".encode()).digest()
    # The largest of them would round to 1, which is not below a weight of 1.
    return min(int.from_bytes(digest[:8], "big") / 2**64, _LARGEST)


def variant_of(unit: str, *, salt: str, use_case: str, key: str, weight: float) -> Variant:
    """Return which variant a unit gets where the challenger's weight is a share of all units."""
    return "challenger" if share_of(unit, salt=salt, use_case=use_case, key=key) < weight else "champion"
