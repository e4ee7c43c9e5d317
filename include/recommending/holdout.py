"""The other split: each household's last new item is taken out of its history, and must be found again.

It asks the same of every household, wherever its history ends, but looks ahead: models learn from purchases of others
that came later. So it is reported, and never decides. What was bought in the same basket says much about the item that
is looked for; whether it stays in the history is a choice, and both are reported.
"""

from __future__ import annotations

import pandas as pd
import scipy.sparse as sp

from include.recommending.events import BASKET, HOUSEHOLD, PRODUCT, TIME
from include.recommending.preparation import Warm


def leave_last(events: pd.DataFrame, known: Warm, *, mates: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the history without each user's last new item, and those items.

    Args:
        events: Clean events, in the order of time; of items first bought at the same moment, the last one counts.
        known: Users and items that take part.
        mates: Whether the other lines of the basket in which the item was first bought stay in the history.

    Returns:
        Events, and one row a user: ``household``, ``product``, ``basket``.
    """
    candidates = events[events[HOUSEHOLD].isin(known.users) & events[PRODUCT].isin(known.items)]
    firsts = candidates.sort_values(TIME, kind="stable").drop_duplicates([HOUSEHOLD, PRODUCT])
    held = firsts.drop_duplicates(HOUSEHOLD, keep="last")[[HOUSEHOLD, PRODUCT, BASKET]]
    pairs = pd.MultiIndex.from_frame(held[[HOUSEHOLD, PRODUCT]])
    out = pd.MultiIndex.from_frame(events[[HOUSEHOLD, PRODUCT]]).isin(pairs)
    if not mates:
        out |= events[BASKET].isin(held[BASKET]).to_numpy()
    return events[~out], held.sort_values(HOUSEHOLD, ignore_index=True)


def as_truth(held: pd.DataFrame, known: Warm) -> sp.csr_array:
    """Return ones at the items that were taken out, shape (users, items)."""
    rows, columns = known.users.searchsorted(held[HOUSEHOLD]), known.items.searchsorted(held[PRODUCT])
    return sp.csr_array(([1.0] * len(held), (rows, columns)), shape=(len(known.users), len(known.items)))
