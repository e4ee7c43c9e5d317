"""What `./flightdeck history` prints: the versions of a use case and what each showed in each window."""

from __future__ import annotations

import math

import pandas as pd
from rich.console import Console
from rich.table import Table

from include.models.evaluations import evaluations
from include.spec import UseCase

_WINDOW = ["key", "version", "first_day", "last_day"]
_NUMBERS = ["value", "low", "high"]


def show(console: Console, spec: UseCase, *, key: str | None, last: int) -> None:
    """Print the newest evaluations of a use case, or of one of its models, the newest window last.

    Raises:
        PermanentError: the use case has no such key.
        TransientError: MLflow is away.
    """
    # An estimate stands in the line of its window's truth, so twice as many evaluations are lines enough.
    lines = beside_estimates(evaluations(spec, key=key, last=2 * max(last, 1))).tail(max(last, 1))
    if lines.empty:
        whose = spec.name if key is None else f"{spec.name}/{key}"
        console.print(f"Nothing was evaluated of {whose} yet. `./flightdeck run {spec.name}` trains the first model.")
        return
    table = Table("version", "key", "window", "source", "rows", spec.primary_metric, "estimate", "verdict",
                  title=spec.title)  # fmt: skip
    for line in lines.itertuples():
        table.add_row(
            f"v{line.version}", line.key, f"{line.first_day} to {line.last_day}", line.source, f"{line.rows:,}",
            _said(line.value, line.low, line.high), _said(line.estimate, line.estimate_low, line.estimate_high),
            line.verdict,
        )  # fmt: skip
    console.print(table)


def beside_estimates(found: pd.DataFrame) -> pd.DataFrame:
    """Return evaluations with the estimate of the same version and window beside the truth, where there was one.

    Args:
        found: As ``evaluations`` gives them.

    Returns:
        The same columns and ``estimate``, ``estimate_low``, ``estimate_high``; a line of its own for an estimate whose
        truth has not come.
    """
    guessed = found["source"] == "estimate"
    names = {name: "estimate" if name == "value" else f"estimate_{name}" for name in _NUMBERS}
    estimates = found.loc[guessed, [*_WINDOW, *_NUMBERS]].rename(columns=names)
    truths = found.loc[~guessed]
    known = pd.MultiIndex.from_frame(truths[_WINDOW])
    alone = found.loc[guessed & ~pd.MultiIndex.from_frame(found[_WINDOW]).isin(known)].assign(
        **dict.fromkeys(_NUMBERS, math.nan)
    )
    lines = pd.concat([each for each in (truths, alone) if len(each)] or [truths]).sort_index()
    return lines.merge(estimates, how="left", on=_WINDOW)


def _said(value: float, low: float, high: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f} [{low:.4f}, {high:.4f}]"
