"""Whether lists bring what they brought: the share of households that buy from theirs, beside the weeks before.

The truth about lists is known a day later, so nothing has to be estimated. A model of last night promises what the
night before showed, and falls with it; the weeks before do not.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from scipy.stats import t

from include.data.sources import DAY
from include.data.tables import Table
from include.monitoring.diagnosis import Promise
from include.monitoring.evidence import Performance
from include.recommend_ops.shown import VERDICTS
from include.recommendation import Recommendation
from include.records import Estimate

METRIC = "hit_rate"
_DAYS_BEFORE = 28  # whole weeks: on a Saturday other things are bought than on a Tuesday
_NEWEST_DAYS = 3
_FEWEST_BEFORE = 3


def kept(spec: Recommendation, last_day: dt.date) -> Performance | None:
    """Return what the lists up to a day brought, beside the weeks before; none where the watch has judged too few.

    Raises:
        TransientError: the store is away.
    """
    first_day = last_day - dt.timedelta(days=_DAYS_BEFORE + _NEWEST_DAYS - 1)
    verdicts = Table(spec.name, VERDICTS).read(first_day=first_day, last_day=last_day)
    return None if verdicts.empty else beside_before(spec, verdicts, last_day)


def beside_before(spec: Recommendation, verdicts: pd.DataFrame, last_day: dt.date) -> Performance | None:
    """Return how many households bought from their list on the newest days, beside those before.

    A market's lists of the fall-back, where a person has switched the models off, are nobody's quality.

    Args:
        spec: The use case.
        verdicts: Rows of the watch: day, ``model_version`` (0: fall-back), households, ``hit_rate``.
        last_day: The newest day; none is returned where it has not been judged.
    """
    rows = verdicts.loc[(verdicts["model_version"] > 0) & verdicts["hit_rate"].notna()]
    by_day = rows.assign(bought=rows["hit_rate"] * rows["households"]).groupby(DAY)[["bought", "households"]].sum()
    if len(by_day) < _NEWEST_DAYS + _FEWEST_BEFORE or by_day.index[-1] != last_day:
        return None
    rates = by_day["bought"] / by_day["households"]
    newest = rates.iloc[-_NEWEST_DAYS:]
    return Performance(
        metric=METRIC,
        higher_is_better=True,
        promised=float(rates.iloc[:-_NEWEST_DAYS].mean()),
        seen=_interval(newest.to_numpy(), spec.gates.confidence),
        first_day=newest.index[0],
        last_day=last_day,
        rows=int(by_day["households"].iloc[-_NEWEST_DAYS:].sum()),
    )


def promise(found: Performance, margin: float) -> Promise:
    """Return the same for a diagnosis: the weeks before, give or take the margin, beside what was seen."""
    reach = margin * found.promised
    expected = Estimate(value=found.promised, low=found.promised - reach, high=found.promised + reach)
    return Promise(metric=found.metric, expected=expected, seen=found.seen)


def _interval(rates: np.ndarray, confidence: float) -> Estimate:
    """Return the mean of days with Student's interval: households of one day share its weather and its offers."""
    value = float(rates.mean())
    reach = float(t.ppf((1 + confidence) / 2, len(rates) - 1) * rates.std(ddof=1) / np.sqrt(len(rates)))
    return Estimate(value=value, low=max(value - reach, 0.0), high=min(value + reach, 1.0))
