"""The models that a worker answers with: opened from the local cache if they are those that the journal names.

The supervisor has put them there. They are checked again here, for between a download and a start lies a disk.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.classification import Classification
from include.errors import ArtifactError
from include.models.folders import digest_of_folder
from include.recommendation import Recommendation
from include.records import ModelRef
from include.serving.cache import model_folder
from include.serving.deadline import Timed
from include.spec import UseCase


@dataclass(frozen=True)
class Loaded:
    """A model in memory.

    Args:
        ref: Which version it is.
        model: The scorer or recommender.
        answer: What requests ask of it, with the time it takes.
    """

    ref: ModelRef
    model: Any
    answer: Timed


def load(spec: UseCase, home: Path, ref: ModelRef) -> Loaded:
    """Return a model of the local cache.

    Raises:
        ArtifactError: it is not there, not the one that the journal names, or damaged.
    """
    folder = model_folder(home, ref.digest)
    if not folder.is_dir():
        raise _not_it(ref, "no such folder", folder)
    try:
        if (seen := digest_of_folder(folder)) != ref.digest:
            raise _not_it(ref, f"files with digest {seen[:16]}", folder)
        return _opened(spec, ref, folder)
    except ArtifactError:
        raise
    except Exception as error:  # a library's own words about a file that is not as it should be
        raise _not_it(ref, f"{type(error).__name__}: {error}", folder) from error


def _opened(spec: UseCase, ref: ModelRef, folder: Path) -> Loaded:
    if isinstance(spec, Classification):
        return classifier(spec, ref, folder)
    if isinstance(spec, Recommendation):
        return recommender(ref, folder)
    raise _not_it(ref, f"a {type(spec).__name__}, whose models answer no single request", folder)


def classifier(spec: Classification, ref: ModelRef, folder: Path) -> Loaded:
    """Return a classifier that has answered once.

    Raises:
        ArtifactError: it asks for other columns than the contract has.
    """
    from include.serving.scorers import ClassificationScorer

    scorer = ClassificationScorer.open(folder)
    if list(scorer.columns) != spec.model_columns:
        raise _not_it(ref, f"a model of the columns {list(scorer.columns)}", folder)
    typical = [scorer.facts.typical[name] for name in scorer.columns]
    return Loaded(ref, scorer, warmed(scorer.explained, typical))


def recommender(ref: ModelRef, folder: Path) -> Loaded:
    """Return a recommender that has answered once; processes share its arrays.

    Raises:
        ArtifactError: it is damaged.
    """
    from include.recommending import packing

    about = next(folder.rglob(packing.ABOUT), None)
    if about is None:
        raise _not_it(ref, f"no {packing.ABOUT}", folder)
    model = packing.load(about.parent)
    someone = int(model.users[0]) if len(model.users) else 0
    return Loaded(ref, model, warmed(model.answer, someone, "rebuy", 10))


def warmed(function: Callable[..., Any], *args: Any) -> Timed:
    """Return a function that was called twice; the second time tells how quick it is."""
    function(*args)
    began = time.monotonic()
    function(*args)
    return Timed(function, time.monotonic() - began)


def needed(keys: Mapping[str, Any]) -> dict[str, ModelRef]:
    """Return the models that the keys of a use case name, by digest."""
    named = (ref for key in keys.values() for ref in (key.decides, key.challenger, key.shadow, key.fallback))
    return {ref.digest: ref for ref in named if ref is not None}


def _not_it(ref: ModelRef, seen: str, folder: Path) -> ArtifactError:
    return ArtifactError(
        expected=f"the artifact with digest {ref.digest[:16]} that the journal names",
        seen=seen,
        where=f"{ref.name} v{ref.version} in {folder}",
        next_step="remove the folder, and the supervisor fetches it again; until then the fall-back answers",
    )
