"""Made-up rows whose true behaviour is known: correlated amounts, a category, a flag, and days that depend."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

FIRST = dt.date(2024, 1, 1)
AMOUNTS = tuple(f"amount_{number}" for number in range(6))


def population(rows: int, seed: int) -> pd.DataFrame:
    """Return independent rows of columns that depend on each other."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=rows)
    frame = pd.DataFrame({name: np.exp(common + generator.normal(size=rows)) for name in AMOUNTS})
    frame["colour"] = generator.choice(["red", "green", "blue", "grey"], rows, p=[0.5, 0.3, 0.15, 0.05])
    frame["known"] = generator.random(rows) < 0.9
    frame["score"] = 1 / (1 + np.exp(-common))
    return frame


def season(days: int, seed: int, *, rows: int = 24) -> tuple[pd.DataFrame, pd.Series]:
    """Return rows of days that share a level, which follows the year and yesterday's weather, and the day of each."""
    generator = np.random.default_rng(seed)
    weather = np.zeros(days)
    for day in range(1, days):
        weather[day] = 0.8 * weather[day - 1] + generator.normal(scale=0.4)
    level = np.cos(2 * np.pi * np.arange(days) / 365.25) + weather
    frame = pd.DataFrame(
        {
            "load": np.repeat(10 + level, rows) + generator.normal(scale=0.5, size=days * rows),
            "heat": np.repeat(-level, rows) + generator.normal(scale=0.8, size=days * rows),
        }
    )
    return frame, pd.Series(np.repeat([FIRST + dt.timedelta(days=day) for day in range(days)], rows))
