"""Is a window different from the reference: a test and an effect for each column, and one rate of false alarms for all.

A column has drifted if its difference is significant *and* large enough to matter. Significant means: in fewer than the
stated share of calm windows would any column look as different (``include.monitoring.calm``). So the rate that is
stated is that of whole windows, however many columns they have and however these depend on each other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import numpy as np
import pandas as pd
from pydantic import Field

from include.errors import PermanentError
from include.monitoring import blocks, calm
from include.monitoring.joint import JointDrift, told_apart
from include.monitoring.profile import ReferenceProfile
from include.monitoring.sketch import Kind
from include.monitoring.window import WindowCounts, read
from include.records import Record

SCORE = "score"
JOINT = "all columns together"
FEWEST_ROWS = 30


class ColumnDrift(Record):
    """One column of a window against the reference."""

    column: str
    kind: Kind
    test: str = Field(description="smooth test of ordered cells, chi-square of named ones")
    statistic: float
    p_value: float = Field(description="of this column alone")
    adjusted_p: float = Field(description="share of calm windows in which some column would look as different")
    effect: float = Field(
        description="Cohen's w: .1 small, .3 medium, .5 large; about the shift in standard deviations"
    )
    shift: float = Field(
        default=0.0,
        description="by what share of its cells the mean of an ordered column moved; 0 where rows do not depend",
    )
    missing_before: float = Field(description="share without a value, in the reference")
    missing_now: float = Field(description="share without a value, in the window")
    psi: float = Field(description="population stability index, for who is used to it; nothing is decided by it")
    significant: bool
    drifted: bool


class WindowDrift(Record):
    """All columns of a window, prediction drift included under the name ``score``."""

    rows: int
    columns: tuple[ColumnDrift, ...]
    joint: JointDrift | None = Field(default=None, description="all columns together; none where it was not looked at")
    joint_adjusted_p: float = Field(
        default=1.0, description="share of calm windows in which some column, or all together, would look as different"
    )
    joint_drifted: bool = Field(default=False, description="whether that is significant and matters")
    problems: dict[str, str] = Field(default_factory=dict, description="columns that could not be compared as they are")
    not_judged: str = Field(default="", description="why nothing was compared; empty otherwise")

    @property
    def drifted(self) -> list[ColumnDrift]:
        """Return the columns that have drifted, the largest effect first."""
        return sorted((each for each in self.columns if each.drifted), key=lambda each: -each.effect)

    @property
    def alarm(self) -> bool:
        """Return whether anything has drifted, a column or all together."""
        return self.joint_drifted or any(each.drifted for each in self.columns)


def detect(
    profile: ReferenceProfile,
    window: pd.DataFrame | Iterable[pd.DataFrame] | WindowCounts,
    *,
    rate: float = 0.05,
    min_effect: float = 0.1,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    joint: bool = True,
    seed: int = 0,
) -> WindowDrift:
    """Compare a window with the reference.

    Args:
        profile: The profile that was stored at training.
        window: Its rows, in parts if they are many, or what was read of them.
        rate: Share of calm windows in which anything may be called significant; at least .02 is meant, for the calm
            windows that it is read from are 2,000, or the runs of days that a season has.
        min_effect: Effect below which a difference does not matter.
        first_day: First day of the window; needed where the reference's rows of a day depend on each other.
        last_day: Its last day.
        joint: Whether to look at all columns together as well; not done where rows of a day depend on each other.
        seed: Of what is drawn.

    Raises:
        PermanentError: the days of the window are needed and not given.
    """
    seen = window if isinstance(window, WindowCounts) else read(profile, window, seed=seed)
    if seen.rows < FEWEST_ROWS:
        said = f"{seen.rows} rows, at least {FEWEST_ROWS} are needed"
        return WindowDrift(rows=seen.rows, columns=(), problems=seen.problems, not_judged=said)
    looks = _looks(profile, seen, first_day, last_day, seed)
    together = None
    if joint and not profile.in_blocks and len(seen.sample):
        together = told_apart(profile.sample, seen.sample, seed=seed)
    if together is not None:
        looks = _with_joint(looks, together, seed)
    adjusted = calm.calibrated(looks)
    if not adjusted:
        said = f"the reference has no run of as many days as from {first_day} to {last_day}" if looks.p_values else (
            "none of the reference's columns is there")  # fmt: skip
        return WindowDrift(rows=seen.rows, columns=(), problems=seen.problems, not_judged=said)
    columns = tuple(_column(profile, seen, looks, name, adjusted[name], rate, min_effect) for name in seen.columns)
    return WindowDrift(
        rows=seen.rows,
        columns=columns,
        joint=together,
        joint_adjusted_p=adjusted.get(JOINT, 1.0),
        joint_drifted=together is not None and adjusted[JOINT] <= rate and together.effect >= min_effect,
        problems=seen.problems,
    )


def _looks(
    profile: ReferenceProfile, seen: WindowCounts, first_day: dt.date | None, last_day: dt.date | None, seed: int
) -> calm.Looks:
    if not profile.in_blocks:
        return calm.independent(profile, seen, seed=seed)
    if first_day is None or last_day is None:
        raise PermanentError(
            expected="the window's first and last day: rows of a day depend on each other in the reference",
            seen=f"{first_day} to {last_day}",
            where="drift detection",
            next_step="pass first_day and last_day",
        )
    return blocks.compared(profile, seen, first_day=first_day, last_day=last_day)


def _with_joint(looks: calm.Looks, together: JointDrift, seed: int) -> calm.Looks:
    """Return the looks with one more, whose p-value in calm windows is taken as unrelated to the others'."""
    alone = np.random.default_rng(seed + 1).random((len(looks.calm), 1))
    return calm.Looks(
        {**looks.p_values, JOINT: together.p_value}, looks.effects, looks.tested, np.hstack([looks.calm, alone])
    )


def _column(
    profile: ReferenceProfile,
    seen: WindowCounts,
    looks: calm.Looks,
    name: str,
    adjusted: float,
    rate: float,
    min_effect: float,
) -> ColumnDrift:
    sketch, counts = profile.columns[name], seen.columns[name]
    effect = looks.effects[name]
    return ColumnDrift(
        column=name,
        kind=sketch.kind,
        test="smooth test" if sketch.ordered else "chi-square",
        statistic=looks.tested[name].statistic,
        p_value=looks.p_values[name],
        adjusted_p=adjusted,
        effect=effect,
        shift=looks.shifts.get(name, 0.0),
        missing_before=sketch.missing_rate,
        missing_now=float(counts[-1] / seen.rows),
        psi=stability(np.array(sketch.counts), counts),
        significant=adjusted <= rate,
        drifted=adjusted <= rate and effect >= min_effect,
    )


def stability(before: np.ndarray, now: np.ndarray) -> float:
    """Return the population stability index of counts, shape (cells,) each, with no cell empty (Siddiqi, 2006)."""
    one, other = (np.maximum(each / max(each.sum(), 1), 1e-4) for each in (before, now))
    return float(((other - one) * np.log(other / one)).sum())
