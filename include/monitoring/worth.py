"""Which cadence of retraining is worth its cost: the rarest that loses less than a margin against the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from include.models.metrics import estimate
from include.monitoring.cadence import FEWEST_WINDOWS, NEVER, Metric, Replayed, wrong
from include.records import Estimate, Record

_RESAMPLES = 2000
# Of what retraining brings, so much may be lost at most: a gate's margin is meant for one promotion, and as a standing
# loss it may be more than the whole.
_MAY_BE_LOST = 0.2

Values = NDArray[np.float64]


class Standing(Record):
    """A cadence beside the most frequent one and beside the best."""

    replayed: Replayed
    mean: dict[str, float] = Field(description="by metric, over the windows that could be judged")
    gain: dict[str, Estimate] = Field(description="by metric, over the most frequent cadence; positive is better")
    behind: Estimate = Field(description="primary metric, over the best cadence; positive is better")
    good_enough: bool = Field(description="whether it is behind the best by less than the margin, interval included")


class Answer(Record):
    """How often to retrain."""

    recommended: str
    best: str = Field(description="the cadence with the best mean of the primary metric")
    margin: float = Field(description="of the primary metric, that may be lost")
    judged: tuple[int, ...] = Field(description="windows that could be judged")
    standings: tuple[Standing, ...]
    said: str

    def table(self) -> list[str]:
        """Return a line of text for each cadence: fits, CPU seconds, means, and gains with their intervals."""
        return [
            f"{one.replayed.cadence:9} {one.replayed.fits:4} fits {one.replayed.seconds:8.1f} s  "
            + "  ".join(f"{name} {value:.4g} ({one.gain[name]})" for name, value in one.mean.items())
            + f"  {'good enough' if one.good_enough else 'worse'}"
            for one in self.standings
        ]


def answer(
    found: Sequence[Replayed],
    metrics: Sequence[Metric],
    *,
    margin: float,
    margin_is_share: bool = False,
    confidence: float = 0.95,
    seed: int = 0,
) -> Answer:
    """Return the rarest cadence that is not worse than the best by more than a margin; of equal ones the cheapest.

    Where retraining surely brings something, a fifth of it may be lost, if that is less than the margin.

    Args:
        found: Histories, the most frequent cadence first, ``never`` among them.
        metrics: The first of them decides.
        margin: What may be lost of it: the lower end of the interval must be above minus this.
        margin_is_share: Whether that is a share of the best cadence's mean.
        confidence: Of the intervals.
        seed: Of the resamples.

    Raises:
        PermanentError: too few windows could be judged.
    """
    judged = _judged(found)
    sign = {one.name: 1.0 if one.higher_is_better else -1.0 for one in metrics}
    values = {
        each.cadence: {name: sign[name] * np.array(each.quality[name])[judged] for name in sign} for each in found
    }
    primary, first = metrics[0].name, found[0].cadence
    best = max(values, key=lambda name: float(values[name][primary].mean()))
    if margin_is_share:
        margin *= abs(float(values[best][primary].mean()))
    brings = gain(values[best][primary], values[NEVER][primary], confidence=confidence, seed=seed)
    if brings.low > 0:
        margin = min(margin, _MAY_BE_LOST * brings.value)
    standings = []
    for each in found:
        mine = values[each.cadence]
        behind = gain(mine[primary], values[best][primary], confidence=confidence, seed=seed)
        standings.append(
            Standing(
                replayed=each,
                mean={name: sign[name] * float(mine[name].mean()) for name in sign},
                gain={
                    name: gain(value, values[first][name], confidence=confidence, seed=seed)
                    for name, value in mine.items()
                },
                behind=behind,
                good_enough=behind.low > -margin,
            )
        )
    enough = [each.replayed for each in standings if each.good_enough]
    chosen = min(enough, key=lambda each: (each.fits, each.seconds))
    said = (
        f"{chosen.cadence}: with {chosen.fits} fits instead of {found[0].fits} no worse than {best} by more than "
        f"{margin:.3g} {metrics[0].unit}"
    )
    return Answer(
        recommended=chosen.cadence, best=best, margin=margin, judged=tuple(judged.tolist()),
        standings=tuple(standings), said=said,
    )  # fmt: skip


def gain(one: Values, other: Values, *, confidence: float, seed: int) -> Estimate:
    """Return the mean of one minus other with its interval, paired by window.

    Neighbouring windows are alike, for models last over several: circular blocks are drawn (Politis & Romano, 1992),
    of n^(1/3) windows, rounded up.

    Args:
        one: Shape (windows,), in the order of time.
        other: The same of another.
        confidence: Of the interval.
        seed: Of the resamples.
    """
    differences, n = one - other, len(one)
    block = int(np.ceil(n ** (1 / 3)))
    starts = np.random.default_rng(seed).integers(0, n, (_RESAMPLES, -(-n // block)))
    places = ((starts[:, :, None] + np.arange(block)) % n).reshape(_RESAMPLES, -1)[:, :n]
    return estimate(np.concatenate([[differences.mean()], differences[places].mean(axis=1)]), confidence)


def _judged(found: Sequence[Replayed]) -> NDArray[np.int_]:
    """Return the windows in which every cadence has every metric: so all are judged on the same."""
    every = np.array([values for each in found for values in each.quality.values()])
    judged = np.flatnonzero(np.isfinite(every).all(axis=0))
    if len(judged) < FEWEST_WINDOWS:
        raise wrong(f"at least {FEWEST_WINDOWS} windows that can be judged", f"{len(judged)} of {every.shape[1]}",
                     "take longer windows, or a longer history")  # fmt: skip
    return judged
