"""How often to retrain: history is replayed under several cadences, and what quality they give is set against its cost.

The model that is fitted before a window is the same whoever asks for it. So each window's model is fitted once and
judged on its own window and on all later ones; a cadence then only says which of these models answers in which window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field
from scipy import stats

from include.errors import PermanentError
from include.models.metrics import estimate
from include.records import Estimate, Record

NEVER = "never"
FEWEST_WINDOWS = 6
_RESAMPLES = 2000

Values = NDArray[np.float64]
Quality = dict[str, float]


class Metric(Record):
    """What a model is judged by in a window."""

    name: str
    unit: str
    higher_is_better: bool


class Fit(Record):
    """The model that was fitted before a window, and how good it was from there on."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    window: int = Field(ge=0, description="place of the first window that it has not learned from")
    seconds: float = Field(ge=0, description="CPU time of the fit")
    quality: dict[int, Quality] = Field(description="by window, its own first, and metric; NaN: cannot be judged")


@dataclass(frozen=True)
class InUse:
    """What is known at the end of a window, when it is decided whether the next one gets a new model.

    Args:
        fitted: Window before which the model in use was fitted.
        window: The window that has ended.
        quality: How good the model was, window by window since it was fitted.
    """

    fitted: int
    window: int
    quality: Sequence[Quality]


Trigger = Callable[[InUse], bool]


class Replayed(Record):
    """A history under one cadence."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    cadence: str
    fitted: tuple[int, ...] = Field(description="for each window, before which one its model was fitted")
    seconds: float = Field(description="CPU time of its fits")
    quality: dict[str, tuple[float, ...]] = Field(description="by metric, of each window")

    @property
    def fits(self) -> int:
        """Return how many models it has cost."""
        return len(set(self.fitted))


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


def fit_windows(
    wanted: Iterable[int],
    count: int,
    *,
    fit: Callable[[int], Any],
    quality: Callable[[Any, int], Quality],
    say: Callable[[str], None] = lambda line: None,
) -> list[Fit]:
    """Fit the models of some windows, and judge each on its own and on all later windows.

    Args:
        wanted: Their places.
        count: How many windows there are.
        fit: Makes the model of a window from what was known before it.
        quality: Judges a model on a window.
        say: Takes a line for each window.
    """
    found = []
    for window in wanted:
        begun = time.process_time()
        model = fit(window)
        seconds = time.process_time() - begun
        judged = {later: quality(model, later) for later in range(window, count)}
        numbers = ", ".join(f"{name} {value:.4g}" for name, value in judged[window].items())
        say(f"window {window + 1} of {count}: fitted in {seconds:.2f} CPU s; {numbers}")
        found.append(Fit(window=window, seconds=seconds, quality=judged))
    return found


def replay(fits: Iterable[Fit], count: int, *, every: Sequence[int], triggers: Mapping[str, Trigger]) -> list[Replayed]:
    """Return the history under each cadence: every so many windows, never, and on each trigger.

    A cadence that is as long as the history is ``never`` under another name, and left out.

    Args:
        fits: One for each window.
        count: How many windows there are.
        every: Windows between two trainings.
        triggers: By name, who asks for a training at the end of a window.

    Raises:
        PermanentError: windows are too few, a model is missing, or a cadence is shorter than a window.
    """
    models = {each.window: each for each in fits}
    _check(models, count, every)
    found = []
    for windows in sorted({each for each in every if each < count}):
        found.append(_replayed(models, f"every {windows}", [at - at % windows for at in range(count)]))
    found.append(_replayed(models, NEVER, [0] * count))
    for name, due in triggers.items():
        fitted = [0]
        for window in range(count - 1):
            now = fitted[-1]
            seen = [models[now].quality[at] for at in range(now, window + 1)]
            fitted.append(window + 1 if due(InUse(now, window, seen)) else now)
        found.append(_replayed(models, name, fitted))
    return found


def fell(metric: Metric, *, windows: int = 3, level: float = 0.01) -> Trigger:
    """Return the trigger that asks for a training when the newest windows are worse than the model's earlier ones.

    A one-sided test of Welch; it looks at every window, and so is wrong more often than its level says.

    Args:
        metric: What is looked at.
        windows: How many are the newest; before them there must be as many.
        level: Of the test.
    """
    sign = 1.0 if metric.higher_is_better else -1.0

    def due(now: InUse) -> bool:
        values = sign * np.array([each[metric.name] for each in now.quality])
        values = values[np.isfinite(values)]
        before, newest = values[:-windows], values[-windows:]
        if len(before) < windows or np.ptp(before) == 0 == np.ptp(newest):
            return False
        return bool(stats.ttest_ind(newest, before, equal_var=False, alternative="less").pvalue < level)

    return due


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

    Args:
        found: Histories, the most frequent cadence first.
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


def _replayed(models: Mapping[int, Fit], cadence: str, fitted: Sequence[int]) -> Replayed:
    seen = [models[model].quality[window] for window, model in enumerate(fitted)]
    return Replayed(
        cadence=cadence,
        fitted=tuple(fitted),
        seconds=sum(models[model].seconds for model in sorted(set(fitted))),
        quality={name: tuple(each[name] for each in seen) for name in seen[0]},
    )


def _judged(found: Sequence[Replayed]) -> NDArray[np.int_]:
    """Return the windows in which every cadence has every metric: so all are judged on the same."""
    every = np.array([values for each in found for values in each.quality.values()])
    judged = np.flatnonzero(np.isfinite(every).all(axis=0))
    if len(judged) < FEWEST_WINDOWS:
        raise _wrong(f"at least {FEWEST_WINDOWS} windows that can be judged", f"{len(judged)} of {every.shape[1]}",
                     "take longer windows, or a longer history")  # fmt: skip
    return judged


def _check(models: Mapping[int, Fit], count: int, every: Sequence[int]) -> None:
    if count < FEWEST_WINDOWS:
        raise _wrong(f"at least {FEWEST_WINDOWS} windows", str(count), "take shorter windows, or a longer history")
    if missing := sorted(set(range(count)) - set(models)):
        raise _wrong(f"a model for each of {count} windows", f"none for {missing}", "clear the tasks that fit models")
    if not every or min(every) < 1:
        raise _wrong("cadences of at least one window", str(list(every)), "name how many windows lie between trainings")


def _wrong(expected: str, seen: str, next_step: str) -> PermanentError:
    return PermanentError(expected=expected, seen=seen, where="study of how often to retrain", next_step=next_step)
