"""Counterparts of single steps as ONNX nodes: derived features, ranks among quantiles, the normal quantile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto

from include.models.features import LARGEST, Features, steps_of
from include.models.onnx_graph import INPUT, Graph, Trees

Array = NDArray[np.float64]
_KINDS = {
    "ratio": "ratio", "count_positive": "count", "maximum": "extreme", "minimum": "extreme",
    "difference": "sum", "mean": "sum", "total": "sum", "slope": "sum",
}  # fmt: skip
_OF_TWO = ("ratio", "difference")
_BOUND = 1e-7  # how near an end of its quantiles scikit-learn takes a value for the end itself

# Wichura's AS 241 (1988), PPND16: exact to 1e-16. The last of its three regions begins beyond _BOUND.
_CENTRE = (
    (3.3871328727963666080, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
_TAIL = (
    (1.42343711074968357734, 4.63033784615654529590, 5.76949722146069140550, 3.64784832476320460504,
     1.27045825245236838258, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187, 1.67638483018380384940, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip


def single_columns(graph: Graph, step: Features) -> str:
    """Add raw and derived columns as ``Features`` makes them: of single precision, kept in double."""
    raw = graph.add("Cast", graph.bounded(INPUT, -LARGEST, LARGEST, np.float32), to=TensorProto.DOUBLE)
    if not step.derived:
        return raw
    more = graph.bounded(_derived(graph, raw, step), -LARGEST, LARGEST)
    single = graph.add("Cast", graph.add("Cast", more, to=TensorProto.FLOAT), to=TensorProto.DOUBLE)
    return graph.add("Concat", raw, single, axis=1)


def _derived(graph: Graph, raw: str, step: Features) -> str:
    """Add the derived features in the step's order; those of one kind and width are computed together."""
    at = {name: place for place, name in enumerate(step.columns)}
    groups: dict[tuple[str, int], list[int]] = defaultdict(list)
    chosen = [[at[name] for name in (inputs[:2] if op in _OF_TWO else inputs)] for _, op, inputs in step.derived]
    for place, (_, op, _) in enumerate(step.derived):
        groups[_KINDS[op], len(chosen[place])].append(place)
    parts, order = [], []
    for (kind, _), members in groups.items():
        inputs = np.array([chosen[place] for place in members])
        parts.append(_DERIVED[kind](graph, raw, inputs, [step.derived[place][1] for place in members]))
        order += members
    joined = graph.add("Concat", *parts, axis=1)
    return graph.gather(joined, np.argsort(order))


def _ratio(graph: Graph, raw: str, inputs: NDArray[np.int64], ops: Sequence[str]) -> str:
    above, below = graph.gather(raw, inputs[:, 0]), graph.gather(raw, inputs[:, 1])
    nothing = graph.add("Equal", below, graph.constant(0.0))
    return graph.add("Where", nothing, graph.constant(np.nan), graph.add("Div", above, below))


def _count(graph: Graph, raw: str, inputs: NDArray[np.int64], ops: Sequence[str]) -> str:
    positive = graph.add("Greater", graph.gather(raw, inputs), graph.constant(0.0))
    return graph.total(graph.add("Cast", positive, to=TensorProto.DOUBLE))


def _extreme(graph: Graph, raw: str, inputs: NDArray[np.int64], ops: Sequence[str]) -> str:
    """Add maxima; a minimum is one of what is turned around. One missing input makes the whole missing."""
    turned = graph.constant([1.0 if op == "maximum" else -1.0 for op in ops])
    block = graph.add("Mul", graph.gather(raw, inputs), graph.add("Unsqueeze", turned, graph.places([1])))
    present = graph.add("Where", graph.add("IsNaN", block), graph.constant(0.0), block)
    largest = graph.add("ReduceMax", present, graph.places([-1]), keepdims=0)
    missing = graph.total(graph.add("Mul", block, graph.constant(0.0)))
    return graph.add("Mul", graph.add("Add", largest, missing), turned)


def _sum(graph: Graph, raw: str, inputs: NDArray[np.int64], ops: Sequence[str]) -> str:
    """Add weighted sums, taken from left to right as ``Features`` takes them."""
    width = inputs.shape[1]
    steps = steps_of(width)
    ones = np.ones(width)
    known = {
        "total": (ones, 1.0), "mean": (ones, width), "slope": (steps, steps @ steps),
        "difference": (np.array([1.0, -1.0]), 1.0),
    }  # fmt: skip
    weights, divisors = zip(*(known[op] for op in ops), strict=True)
    each = [
        graph.add("Mul", graph.gather(raw, places), graph.constant(weight))
        for places, weight in zip(inputs.T, np.array(weights).T, strict=True)
    ]
    return graph.add("Div", graph.add("Sum", *each), graph.constant(divisors))


_DERIVED = {"ratio": _ratio, "count": _count, "extreme": _extreme, "sum": _sum}


def ranks(graph: Graph, values: str, quantiles: Array, references: Array) -> str:
    """Add the rank of each value among its column's quantiles, as ``QuantileTransformer`` interpolates it.

    A value that is several quantiles at once has the middle of their ranks. So there are pieces between quantiles, and
    points where some coincide; a tree finds the piece, a table has its start, rank and slope.

    Args:
        graph: The graph that grows.
        values: Columns without missing values.
        quantiles: Shape (quantiles, columns).
        references: The ranks of the quantiles, from 0 to 1.
    """
    trees = Trees()
    table: list[tuple[float, float, float]] = []
    for column, knots in enumerate(quantiles.T):
        thresholds, first = [], len(table)
        table.append((0.0, 0.0, 0.0))
        known, low, count = np.unique(knots, return_index=True, return_counts=True)
        starts, ends = references[low], references[low + count - 1]
        slopes = np.append((starts[1:] - ends[:-1]) / np.diff(known), 0.0)
        for value, start, end, slope in zip(known, starts, ends, slopes, strict=True):
            thresholds += [np.nextafter(value, -np.inf), value]
            table += [(value, (start + end) / 2, 0.0), (value, end, slope)]
        trees.steps(column, thresholds, list(range(first, len(table))), first, column)
    lowest, highest = graph.constant(quantiles[0]), graph.constant(quantiles[-1])
    pieces = graph.add("Cast", graph.trees(values, trees, quantiles.shape[1]), to=TensorProto.INT64)
    start, rank, slope = (
        graph.add("Gather", graph.constant(each), pieces, axis=0) for each in zip(*table, strict=True)
    )
    inner = graph.add("Add", graph.add("Mul", slope, graph.add("Sub", values, start)), rank)
    bound = graph.constant(_BOUND)
    below = graph.add("Less", graph.add("Sub", values, bound), lowest)
    above = graph.add("Greater", graph.add("Add", values, bound), highest)
    not_above = graph.add("Where", above, graph.constant(1.0), inner)
    return graph.add("Where", below, graph.constant(0.0), not_above)


def normal_quantile(graph: Graph, rank: str) -> str:
    """Add the normal quantile of ranks, ends bounded as ``QuantileTransformer`` bounds them."""
    edge = _BOUND - np.spacing(1)
    kept = graph.bounded(rank, edge, 1 - edge)
    off = graph.add("Sub", kept, graph.constant(0.5))
    inside = graph.add("Sub", graph.constant(0.180625), graph.add("Mul", off, off))
    centre = graph.add("Mul", off, _rational(graph, inside, *_CENTRE))
    end = graph.add("Min", kept, graph.add("Sub", graph.constant(1.0), kept))
    depth = graph.add("Sqrt", graph.add("Neg", graph.add("Log", end)))
    tail = _rational(graph, graph.add("Sub", depth, graph.constant(1.6)), *_TAIL)
    signed = graph.add("Mul", graph.add("Sign", off), tail)
    near = graph.add("LessOrEqual", graph.add("Abs", off), graph.constant(0.425))
    return graph.add("Where", near, centre, signed)


def _rational(graph: Graph, value: str, above: Sequence[float], below: Sequence[float]) -> str:
    """Add the quotient of two polynomials of degree 7, both from the same powers."""
    one = graph.add("Unsqueeze", value, graph.places([2]))
    two = graph.add("Mul", one, one)
    three, four = graph.add("Mul", two, one), graph.add("Mul", two, two)
    five, six, seven = (graph.add("Mul", four, each) for each in (one, two, three))
    powers = graph.add("Concat", one, two, three, four, five, six, seven, axis=2)
    factors = np.array([above, below]).T
    both = graph.add("Add", graph.add("MatMul", powers, graph.constant(factors[1:])), graph.constant(factors[0]))
    return graph.add("Div", *(graph.gather(both, place, axis=2) for place in (0, 1)))
