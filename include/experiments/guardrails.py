"""Does the challenger do harm? One-sided checks that may stop an experiment or a canary early.

A guardrail is a share that must not rise (errors, fall-backs, slow answers, declines) or fall, with the worsening that
is tolerated. Latency is the share of answers slower than a limit: a share is bounded, an average is moved by one stuck
request. Each check is looked at after every period (a day of an experiment, five minutes of a canary), and the level is
spent early (Pocock), for harm should be seen soon. Where several guardrails are watched the level is divided by their
number. What is counted is the unit, a client or a household, as in ``include.experiments.observations``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from include.errors import ExperimentError
from include.experiments.boundaries import Array, critical_values, pocock
from include.experiments.observations import CHALLENGER, Effects, effects
from include.records import Estimate, Record

Status = Literal["ok", "broken", "not enough data"]
_RULE_OF_THREE = 3


class Guardrail(Record):
    """A share and how much worse a challenger may make it."""

    name: str = Field(description="column of the share's numerator: 1 where it happened")
    tolerated: float = Field(gt=0, lt=1, description="worsening that is not harm, absolute")
    harmful: Literal["rise", "fall"] = Field(default="rise", description="which change is the worse one")
    fewest_units: int = Field(default=20, ge=2, description="units in each variant below which nothing is said")


class GuardrailResult(Record):
    """What one guardrail says at the end of a period."""

    name: str
    status: Status
    champion: float | None = Field(description="the champion's share; none where nothing was seen")
    challenger: float | None
    worsening: Estimate | None = Field(description="how much worse the challenger is; negative: it is better")
    tolerated: float
    confidence: float = Field(description="chance that no such verdict, at any look, is wrong, on each side")
    units: tuple[int, int] = Field(description="units seen of champion and challenger")
    requests: tuple[int, int] = Field(description="requests or days seen of champion and challenger")
    period: int = Field(description="the period at whose end it was decided")
    of_periods: int
    said: str = Field(description="the same in a sentence")


def check(
    frame: pd.DataFrame, guardrails: Sequence[Guardrail], *, periods: int, until: int, level: float = 0.05
) -> tuple[GuardrailResult, ...]:
    """Return what each guardrail says at the end of a period; once broken, it stays broken.

    ``broken``: the worsening is above what is tolerated, with the stated confidence. ``ok``: it is below, with the
    same, and there are units enough: what was never seen among n of them may be with 3 / n of all, however often each
    was seen (Hanley & Lippman-Hand 1983). ``not enough data``: neither can be said yet.

    Args:
        frame: One row a request or household-day: ``unit``, ``variant``, ``period`` (0, 1, …), and a column of 0 and 1
            for each guardrail.
        guardrails: What is watched.
        periods: How many looks are planned.
        until: Last period that is complete.
        level: Chance at most that a harmless challenger is called broken by any guardrail at any look.

    Raises:
        ExperimentError: a look that was not planned, a column that is no share, or a unit that has both variants.
    """
    _checked(frame, guardrails, periods, until)
    each = level / len(guardrails)
    rows = frame[frame["period"] <= until]
    return tuple(_check(rows, guardrail, periods, until, each) for guardrail in guardrails)


def worst(results: Sequence[GuardrailResult]) -> Status:
    """Return one word for all: broken if any is, ok if all are."""
    statuses = {result.status for result in results}
    if "broken" in statuses:
        return "broken"
    return "ok" if statuses == {"ok"} else "not enough data"


def _check(rows: pd.DataFrame, guardrail: Guardrail, periods: int, until: int, level: float) -> GuardrailResult:
    treated, outcomes, exposures = _arrays(rows, guardrail.name, until)
    sign = 1.0 if guardrail.harmful == "rise" else -1.0
    seen = np.cumsum(exposures, axis=1) > 0
    counts = np.stack([seen[~treated].sum(axis=0), seen[treated].sum(axis=0)])
    found = effects(outcomes, exposures, treated, pseudo=1.0)
    status, k, reach = decide(sign * found.difference, found, counts.min(axis=0), guardrail, periods, level)
    requests = tuple(int(exposures[arm, : k + 1].sum()) for arm in (~treated, treated))
    raw = [
        float(outcomes[arm, : k + 1].sum() / n) if n else None
        for arm, n in zip((~treated, treated), requests, strict=True)
    ]
    value = float(sign * found.difference[k])
    worsening = Estimate(value=value, low=value - reach, high=value + reach) if np.isfinite(reach) else None
    return GuardrailResult(
        name=guardrail.name,
        status=status,
        champion=raw[0],
        challenger=raw[1],
        worsening=worsening,
        tolerated=guardrail.tolerated,
        confidence=1 - level,
        units=(int(counts[0, k]), int(counts[1, k])),
        requests=(requests[0], requests[1]),
        period=k,
        of_periods=periods,
        said=_said(guardrail, status, raw, worsening, level),
    )


def decide(
    worsening: Array, found: Effects, units: NDArray[np.int_], guardrail: Guardrail, periods: int, level: float
) -> tuple[Status, int, float]:
    """Return the status, the look that decided, and how far its interval reaches to each side.

    The first look at which harm is sure decides; otherwise the last one does.

    Args:
        worsening: How much worse the challenger is, by look.
        found: The difference's error and correlations.
        units: Units seen of the variant that has fewer, by look.
        guardrail: What is tolerated.
        periods: How many looks are planned.
        level: Of this guardrail.
    """
    looks, enough = len(worsening), units >= guardrail.fewest_units
    spent = pocock(np.arange(1, periods + 1) / periods, level)[:looks]
    spent = np.where(np.maximum.accumulate(enough), spent, 0.0)  # what is not looked at spends nothing
    critical = found.stretched(critical_values(found.correlations, spent, sides=1))
    reach = np.where(enough, critical * found.error, np.inf)
    harm = worsening - reach > guardrail.tolerated
    if harm.any():
        k = int(np.flatnonzero(harm)[0])
        return "broken", k, float(reach[k])
    last = looks - 1
    sure = worsening[last] + reach[last] < guardrail.tolerated
    many = units[last] * guardrail.tolerated >= _RULE_OF_THREE
    return ("ok" if sure and many else "not enough data"), last, float(reach[last])


def _arrays(rows: pd.DataFrame, name: str, until: int) -> tuple[NDArray[np.bool_], Array, Array]:
    """Return who has the challenger, and what happened to each unit in each period, of how often."""
    codes, units = pd.factorize(rows["unit"])
    at = codes * (until + 1) + rows["period"].to_numpy(np.int64)
    size, shape = len(units) * (until + 1), (len(units), until + 1)
    outcomes = np.bincount(at, rows[name].to_numpy(float), size).reshape(shape).astype(np.float64)
    exposures = np.bincount(at, None, size).reshape(shape).astype(np.float64)
    treated: NDArray[np.bool_] = np.zeros(len(units), dtype=bool)
    treated[codes[(rows["variant"] == CHALLENGER).to_numpy()]] = True
    return treated, outcomes, exposures


def _said(
    guardrail: Guardrail, status: Status, raw: list[float | None], worsening: Estimate | None, level: float
) -> str:
    shares = " against ".join("nothing seen" if share is None else f"{share:.2%}" for share in reversed(raw))
    if worsening is None:
        return f"{guardrail.name}: {status}, {shares}; fewer than {guardrail.fewest_units} units in a variant"
    between = f"worse by {worsening.value:+.2%}, between {worsening.low:+.2%} and {worsening.high:+.2%}"
    return (
        f"{guardrail.name}: {status}, {shares}; {between} with {1 - level:.1%} confidence on each side; "
        f"{guardrail.tolerated:.2%} is tolerated"
    )


def _checked(frame: pd.DataFrame, guardrails: Sequence[Guardrail], periods: int, until: int) -> None:
    wrong = ""
    names = [guardrail.name for guardrail in guardrails]
    if not names or len(set(names)) != len(names):
        wrong = f"guardrails {names}"
    elif not 0 <= until < periods:
        wrong = f"a look at the end of period {until} of {periods} (from 0)"
    elif missing := sorted({"unit", "variant", "period", *names} - set(frame.columns)):
        wrong = f"no column {', '.join(missing)}"
    elif strange := [name for name in names if not frame[name].isin([0, 1]).all()]:
        wrong = f"values other than 0 and 1 in {', '.join(strange)}"
    elif both := int(frame[["unit", "variant"]].drop_duplicates()["unit"].duplicated().sum()):
        wrong = f"{both} units with both variants"
    if wrong:
        raise ExperimentError(
            expected="guardrails with a column of 0 and 1 each, looked at as planned, and one variant for each unit",
            seen=wrong,
            where="guardrails",
            next_step="leave out the fall-back's rows and units moved by a change of weight, or plan more periods",
        )
