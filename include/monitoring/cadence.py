"""How often to retrain: history is replayed under several cadences, with models that are fitted once for all of them.

The model that is fitted before a window is the same whoever asks for it. So each window's model is fitted once and
judged on its own window and on all later ones; a cadence then only says which of these models answers in which window.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import ConfigDict, Field
from scipy import stats

from include.errors import PermanentError
from include.records import Record

NEVER = "never"
FEWEST_WINDOWS = 6

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


def _replayed(models: Mapping[int, Fit], cadence: str, fitted: Sequence[int]) -> Replayed:
    seen = [models[model].quality[window] for window, model in enumerate(fitted)]
    return Replayed(
        cadence=cadence,
        fitted=tuple(fitted),
        seconds=sum(models[model].seconds for model in sorted(set(fitted))),
        quality={name: tuple(each[name] for each in seen) for name in seen[0]},
    )


def _check(models: Mapping[int, Fit], count: int, every: Sequence[int]) -> None:
    if count < FEWEST_WINDOWS:
        raise wrong(f"at least {FEWEST_WINDOWS} windows", str(count), "take shorter windows, or a longer history")
    if missing := sorted(set(range(count)) - set(models)):
        raise wrong(f"a model for each of {count} windows", f"none for {missing}", "clear the tasks that fit models")
    if not every or min(every) < 1:
        raise wrong("cadences of at least one window", str(list(every)), "name how many windows lie between trainings")


def wrong(expected: str, seen: str, next_step: str) -> PermanentError:
    """Return the error of a study that cannot be made."""
    return PermanentError(expected=expected, seen=seen, where="study of how often to retrain", next_step=next_step)
