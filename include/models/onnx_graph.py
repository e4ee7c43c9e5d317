"""The bricks of an ONNX graph: named nodes and constants in double, decision trees, and functions of single columns.

All is computed in double, so that a graph and the Python code that it repeats differ by roundings of 1e-15 alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Numbers = Sequence[float] | NDArray[np.float64]
INPUT, OUTPUT = "rows", "probability"
_OPSET, _TREES_OPSET, _IR = 21, 5, 10
_LESS_OR_EQUAL = 0


@dataclass(frozen=True)
class Child:
    """Where a split leads: to another split, or to a leaf."""

    place: int
    leaf: bool


@dataclass
class Trees:
    """Decision trees as the attributes of one ``TreeEnsemble``; what the trees say of a target is summed up."""

    roots: list[int] = field(default_factory=list)
    splits: list[tuple[int, float, bool, Child, Child]] = field(default_factory=list)
    leaves: list[tuple[int, float]] = field(default_factory=list)

    def leaf(self, weight: float, target: int = 0) -> Child:
        """Return a new leaf that adds ``weight`` to a target."""
        self.leaves.append((target, float(weight)))
        return Child(len(self.leaves) - 1, leaf=True)

    def split(self, feature: int, threshold: float, left: Child, right: Child, *, missing_left: bool = False) -> Child:
        """Return a new split: left at the threshold and below it, right above it."""
        self.splits.append((int(feature), float(threshold), missing_left, left, right))
        return Child(len(self.splits) - 1, leaf=False)

    def root(self, top: Child) -> None:
        """Finish a tree; one that is a leaf alone becomes a split between two equal ones, for ONNX has no other."""
        if top.leaf:
            target, weight = self.leaves[top.place]
            top = self.split(0, 0.0, top, self.leaf(weight, target))
        self.roots.append(top.place)

    def steps(self, feature: int, thresholds: Numbers, weights: Numbers, missing: float, target: int = 0) -> None:
        """Add a function of one column as a tree: ``weights[k]`` up to and at ``thresholds[k]``, the last one above."""
        known = self._between(feature, thresholds, weights, target)
        self.root(self.split(feature, np.inf, known, self.leaf(missing, target)))

    def _between(self, feature: int, thresholds: Numbers, weights: Numbers, target: int) -> Child:
        if not len(thresholds):
            return self.leaf(weights[0], target)
        middle = len(thresholds) // 2
        left = self._between(feature, thresholds[:middle], weights[: middle + 1], target)
        right = self._between(feature, thresholds[middle + 1 :], weights[middle + 1 :], target)
        return self.split(feature, thresholds[middle], left, right)


class Graph:
    """A graph that grows node by node; each call returns the name of what it has added."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, values: Any, dtype: Any = np.float64) -> str:
        """Add a constant, in double where nothing else is said."""
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype=dtype), name))
        return name

    def places(self, values: Any) -> str:
        """Add a constant of indices."""
        return self.constant(values, np.int64)

    def add(self, op: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output."""
        name = f"n{len(self._nodes)}"
        self._nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def gather(self, values: str, places: Any, axis: int = 1) -> str:
        """Add the choice of some columns."""
        return self.add("Gather", values, self.places(places), axis=axis)

    def total(self, values: str) -> str:
        """Add the sum over the last axis, which goes."""
        return self.add("ReduceSum", values, self.places([-1]), keepdims=0)

    def bounded(self, values: str, low: float, high: float, dtype: Any = np.float64) -> str:
        """Add bounds that let NaN through; ONNX Runtime's Clip is not sure to."""
        above = self.add("Max", values, self.constant(low, dtype))
        return self.add("Min", above, self.constant(high, dtype))

    def trees(self, values: str, trees: Trees, targets: int = 1) -> str:
        """Add trees over columns in double; shape (rows, targets)."""
        features, thresholds, missing, left, right = zip(*trees.splits, strict=True)
        leaf_targets, weights = zip(*trees.leaves, strict=True)
        return self.add(
            "TreeEnsemble",
            values,
            domain="ai.onnx.ml",
            n_targets=targets,
            aggregate_function=1,
            post_transform=0,
            tree_roots=trees.roots,
            nodes_featureids=features,
            nodes_modes=_tensor(np.full(len(features), _LESS_OR_EQUAL, dtype=np.uint8)),
            nodes_splits=_tensor(np.array(thresholds)),
            nodes_missing_value_tracks_true=[int(each) for each in missing],
            nodes_truenodeids=[child.place for child in left],
            nodes_trueleafs=[int(child.leaf) for child in left],
            nodes_falsenodeids=[child.place for child in right],
            nodes_falseleafs=[int(child.leaf) for child in right],
            leaf_targetids=leaf_targets,
            leaf_weights=_tensor(np.array(weights)),
        )

    def model(self, columns: int, output: str) -> bytes:
        """Return the whole as a checked model: float32 rows of so many columns in, one double a row out."""
        self._nodes.append(helper.make_node("Identity", [output], [OUTPUT]))
        graph = helper.make_graph(
            self._nodes,
            "classification",
            [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["n", columns])],
            [helper.make_tensor_value_info(OUTPUT, TensorProto.DOUBLE, ["n"])],
            self._constants,
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid("ai.onnx.ml", _TREES_OPSET)]
        made = helper.make_model(graph, opset_imports=opsets, ir_version=_IR, producer_name="flightdeck")
        onnx.checker.check_model(made)
        return made.SerializeToString(deterministic=True)


def _tensor(values: NDArray[Any]) -> onnx.TensorProto:
    return numpy_helper.from_array(values)
