"""The small use case whose newest days are of other patients, larger in every measure: a drift that must be found."""

from __future__ import annotations

import datetime as dt

from include.data.sources import Batch
from tests.e2e.use_cases.strict import SPEC as STRICT
from tests.second_use_case import tumours

_LARGER = 1.35

SPEC = STRICT.model_copy(
    update={
        "name": "drifting",
        "title": "Drifting",
        "source": STRICT.source.model_copy(update={"fetch": "tests.e2e.use_cases.drifting:fetch"}),
        "label_delay_days": 14,
        "fresh_days": 12,
        "monitoring": STRICT.monitoring.model_copy(update={"window_days": 4, "min_rows": 30, "confirm": (2, 3)}),
    }
)


def fetch(spec, day: dt.date) -> Batch:
    """Return the biopsies of a day; of the last fourteen days of history with every measure larger."""
    from include.settings import settings

    batch = tumours.fetch(spec, day)
    if day >= settings().replay_start - dt.timedelta(days=spec.label_delay_days):
        larger = {name: batch.rows[name] * _LARGER for name in tumours.MEASURES}
        return Batch(rows=batch.rows.assign(**larger), truth=batch.truth)
    return batch
