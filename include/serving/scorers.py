"""Score requests with a classifier's ONNX graph: microseconds a row, without the libraries that it was trained with.

A scorer reads a local folder with a packed artifact; whether its files are those the journal names is asked before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from include.errors import ArtifactError, ContractError
from include.models.explain import worded
from include.records import ServingFacts
from include.serving.decisions import decide

Array = NDArray[np.float64]
Rows = Sequence[Sequence[float]] | Array
ONNX, FACTS = "model.onnx", "serving.json"


@dataclass(frozen=True)
class Explained:
    """What is answered about one row.

    Args:
        score: The probability of the target.
        decision: accept, review or decline.
        reasons: What would have to be ordinary for it to fall, the heaviest first.
    """

    score: float
    decision: str
    reasons: list[str]


class ClassificationScorer:
    """A classifier as it serves: one thread, rows of raw columns in ``columns``' order.

    Args:
        body: The ONNX graph.
        facts: What is packed beside it.

    Attributes:
        facts: What is packed beside it: columns, threshold, review band, what is typical, bounds seen in training.
    """

    def __init__(self, body: bytes, facts: ServingFacts) -> None:
        import onnxruntime  # type: ignore[import-untyped]  # here, for who packs a model needs no runtime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.facts = facts
        self._session: Any = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name
        self._typical = np.array([facts.typical[name] for name in facts.columns])
        self._diagonal = np.diag_indices(len(facts.columns))

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Return the scorer of a local artifact folder.

        Raises:
            ArtifactError: it lacks a file that serving needs, or one of them is damaged.
        """
        try:
            facts = ServingFacts.model_validate_json(_found(folder, FACTS).read_bytes())
            return cls(_found(folder, ONNX).read_bytes(), facts)
        except ArtifactError:
            raise
        except Exception as error:  # ONNX Runtime has a class of its own for each way a graph can be broken
            raise _damaged(folder, f"{type(error).__name__}: {error}") from error

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the raw columns, in the order of a row."""
        return self.facts.columns

    def score(self, rows: Rows) -> Array:
        """Return the probability of the target for each row, shape (rows,).

        Raises:
            ContractError: a row has not as many numbers as the model has columns.
        """
        return self._run(self._checked(rows))

    def decide(self, score: float) -> str:
        """Return accept, review or decline."""
        return decide(score, self.facts.review_band)

    def reasons(self, row: Sequence[float], count: int = 3) -> list[str]:
        """Return up to ``count`` reasons for a row's risk, as batch scoring gives them."""
        return self.explained(row, count).reasons

    def explained(self, row: Sequence[float], count: int = 3) -> Explained:
        """Return score, decision and reasons of one row from one call of the model.

        Raises:
            ContractError: the row has not as many numbers as the model has columns.
        """
        values = self._checked([row])
        block = np.repeat(values, len(self.columns) + 1, axis=0)
        block[1:][self._diagonal] = self._typical
        scores = self._run(block)
        falls = (scores[0] - scores[1:])[None, :]
        (said,) = worded(self.columns, values, self.facts.typical, falls, count)
        score = float(scores[0])
        return Explained(score, self.decide(score), said)

    def _checked(self, rows: Rows) -> Array:
        values = np.asarray(rows, dtype=float)
        if values.ndim != 2 or values.shape[1] != len(self.columns):
            raise ContractError(
                expected=f"rows of {len(self.columns)} numbers: {list(self.columns)}",
                seen=f"shape {values.shape}",
                where=f"request to {self.facts.use_case}",
                next_step="send every column of the model's signature, in its order",
            )
        return values

    def _run(self, values: Array) -> Array:
        with np.errstate(over="ignore"):  # too large for float32 is infinite, which the graph bounds as training did
            single = values.astype(np.float32)
        scores: Array = self._session.run(None, {self._input: single})[0]
        return scores


def _found(folder: Path, name: str) -> Path:
    if (path := next(folder.rglob(name), None)) is None:
        raise _damaged(folder, f"no {name}")
    return path


def _damaged(folder: Path, seen: str) -> ArtifactError:
    return ArtifactError(
        expected=f"{ONNX} and {FACTS} of a packed classifier",
        seen=seen,
        where=f"artifact folder {folder}",
        next_step="fetch the artifact again; a model that was packed without them must be trained anew",
    )
