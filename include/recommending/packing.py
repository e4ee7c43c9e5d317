"""What a recommender is on disk, and how a training becomes one.

Files are ``.npy`` and JSON: nothing in them can run, and processes share one copy through the page cache.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from include.errors import ArtifactError
from include.recommending.recommender import HIDDEN, Recommender

if TYPE_CHECKING:
    from include.recommending.interactions import Array, Interactions

FORMAT = 1
ABOUT = "recommender.json"
_ARRAYS = tuple(each.name for each in fields(Recommender) if each.name not in {"market", "day", "about", "names"})


def save(made: Recommender, folder: Path) -> None:
    """Write the files of the model into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    about = {
        "format": FORMAT, "market": made.market, "day": made.day.isoformat(), "about": dict(made.about),
        "names": list(made.names),
    }  # fmt: skip
    for name in _ARRAYS:
        np.save(folder / f"{name}.npy", np.ascontiguousarray(getattr(made, name)), allow_pickle=False)
    (folder / ABOUT).write_text(json.dumps(about, sort_keys=True, indent=1) + "\n")


def load(folder: Path) -> Recommender:
    """Return the model of a folder; its arrays are read as they are needed.

    Raises:
        ArtifactError: a file is missing, cut short, of another format, or does not fit the others.
    """
    try:
        said = json.loads((folder / ABOUT).read_text())
        if said["format"] != FORMAT:
            raise ValueError(f"format {said['format']}, not {FORMAT}")
        arrays = {
            name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False).view(np.ndarray)
            for name in _ARRAYS
        }
        made = Recommender(
            said["market"], dt.date.fromisoformat(said["day"]), said["about"], tuple(said["names"]), **arrays
        )
        _check(made)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ArtifactError(
            expected=f"a packed recommender: {ABOUT} and {len(_ARRAYS)} arrays that fit",
            seen=f"{type(problem).__name__}: {problem}",
            where=str(folder.name),
            next_step="fetch the model again, or train it again",
        ) from problem
    return made


def pack(
    x: Interactions, *, market: str, names: Iterable[str], rebuy: Array, discover: Array, weights: Array,
    unit: float = 1.0, about: Mapping[str, Any] | None = None,
) -> Recommender:  # fmt: skip
    """Return what is served of a training.

    Args:
        x: What was learned from.
        market: Its name.
        names: What the items are called.
        rebuy: Logits of buying again, shape (users, items).
        discover: Scores of new items, shape (users, items).
        weights: Of EASE, items first; further rows are left out.
        unit: How much of ``discover``'s scale one unit of the weights is: 1 where it is EASE itself.
        about: Facts of the training, as JSON.
    """
    open_ = np.ones(x.shape, dtype=bool)
    open_[x.bought.nonzero()] = False
    low = np.where(open_, discover, np.inf).min(axis=1, keepdims=True)
    high = np.where(open_, discover, -np.inf).max(axis=1, keepdims=True)
    spread = np.where(np.isfinite(high - low) & (high > low), high - low, 1).astype(np.float32)
    scaled = np.where(open_, (discover - np.where(np.isfinite(low), low, 0)) / spread, HIDDEN).astype(np.float32)
    visits = x.visits
    return Recommender(
        market, x.day, about or {}, tuple(names), x.users, x.items,
        rebuy=(1 / (1 + np.exp(-rebuy))).astype(np.float32), discover=scaled,
        spread=spread.ravel() / np.float32(unit), weights=np.ascontiguousarray(weights[: len(x.items)]),
        popularity=(np.asarray(x.bought.sum(axis=0)) / len(x.users)).astype(np.float32),
        starts=visits.indptr.astype(np.int64), bought=visits.indices.astype(np.int32), visits=visits.data,
        last=x.last.data,
    )  # fmt: skip


def _check(made: Recommender) -> None:
    users, items = len(made.users), len(made.items)
    shapes = {
        "rebuy": (users, items), "discover": (users, items), "spread": (users,), "weights": (items, items),
        "popularity": (items,), "starts": (users + 1,), "names": (items,), "bought": (int(made.starts[-1]),),
        "visits": made.bought.shape, "last": made.bought.shape,
    }  # fmt: skip
    wrong = [name for name, shape in shapes.items() if np.shape(getattr(made, name)) != shape]
    if wrong:
        raise ValueError(f"shapes of {', '.join(wrong)} do not fit {users} users and {items} items")
