"""A fitted classifier as one ONNX graph, so that a single row costs microseconds and serving needs no scikit-learn.

The graph takes the raw columns as float32, in the model's order, and answers with the probability in double. It is
built by hand from the fitted numbers: what each step does with NaN, a zero denominator or a value on a split is then
stated here, and not left to a converter. A step that is not known here is refused by name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from include.errors import ArtifactError
from include.models.features import Features
from include.models.fitting import EDGE, Calibrated
from include.models.onnx_graph import Graph, Trees
from include.models.onnx_steps import normal_quantile, ranks, single_columns
from include.models.scorecard import Scorecard
from include.records import GateResult, ServingFacts
from include.serving.scorers import ClassificationScorer

Array = NDArray[np.float64]
MOST_OFF = 1e-6


@dataclass(frozen=True)
class Converted:
    """A model as ONNX, or why there is none.

    Args:
        body: The graph's bytes; none where a step is unknown.
        why_not: What could not be converted; empty otherwise.
    """

    body: bytes | None
    why_not: str = ""


def converted(model: Calibrated) -> Converted:
    """Return a model as ONNX, or the reason why it is not to be had."""
    try:
        return Converted(convert(model))
    except ArtifactError as error:
        return Converted(None, f"{error.where}: {error.seen}")


def onnx_gate(candidate: Converted, facts: ServingFacts, rows: pd.DataFrame, scores: Array) -> GateResult:
    """Return the gate: what serves a request gives each row the score that the candidate was judged by.

    Args:
        candidate: The model as ONNX.
        facts: What is packed beside it.
        rows: The rows of the evaluation.
        scores: The original's scores of them, shape (rows,).
    """
    off = np.inf
    if candidate.body is not None:
        answers = ClassificationScorer(candidate.body, facts).score(rows[list(facts.columns)].to_numpy(dtype=float))
        off = float(np.abs(answers - scores).max())
    return GateResult(
        name="ONNX answers as the original",
        passed=bool(off <= MOST_OFF),
        required=f"{MOST_OFF:.0e} off at most",
        observed=f"{off:.0e} off on {len(rows)} rows" if candidate.body is not None else "cannot be converted",
        detail=candidate.why_not,
    )


def convert(model: Calibrated) -> bytes:
    """Return a fitted and calibrated pipeline as an ONNX model.

    Raises:
        ArtifactError: a step is of a kind, or set in a way, that has no counterpart here.
    """
    if not isinstance(model, Calibrated) or not isinstance(model.model, Pipeline):
        raise _unknown("model", model, "a calibrated pipeline")
    steps = [step for _, step in model.model.steps]
    if not isinstance(steps[0], Features):
        raise _unknown(model.model.steps[0][0], steps[0], "the step Features first")
    graph, first = Graph(), steps[0]
    columns = single_columns(graph, first)
    match steps[1:]:
        case [Scorecard() as card]:
            odds = _scorecard(graph, columns, card)
        case [HistGradientBoostingClassifier() as boosted]:
            odds = _boosting(graph, columns, boosted)
        case [ColumnTransformer() as parts, LogisticRegression() as linear]:
            odds = _logistic(graph, columns, parts, linear)
        case _:
            raise _unknown(
                "pipeline", steps[-1], "Scorecard, HistGradientBoostingClassifier, or columns and LogisticRegression",
                [type(each).__name__ for each in steps],
            )  # fmt: skip
    edge = float(np.log((1 - EDGE) / EDGE))
    stretched = graph.add("Mul", graph.bounded(odds, -edge, edge), graph.constant(model.slope))
    risk = graph.add("Sigmoid", graph.add("Add", stretched, graph.constant(model.shift)))
    return graph.model(len(first.columns), risk)


def _scorecard(graph: Graph, columns: str, card: Scorecard) -> str:
    """Add a tree a column: a value belongs to the bin behind the last edge that is at it or below it."""
    trees = Trees()
    each = zip(card.coef_, card.bins_.edges_, card.bins_.weights_, strict=True)
    for place, (coefficient, edges, weights) in enumerate(each):
        worth = coefficient * weights
        trees.steps(place, np.nextafter(edges, -np.inf), worth[:-1], worth[-1])
    return graph.add("Add", _one(graph, columns, trees), graph.constant(card.intercept_))


def _boosting(graph: Graph, columns: str, boosted: HistGradientBoostingClassifier) -> str:
    """Add the trees as they are; their thresholds are doubles here too, so that no split moves."""
    trees = Trees()
    for (predictor,) in boosted._predictors:
        if predictor.nodes["is_categorical"].any():
            raise _unknown("model", boosted, "splits by amounts", "splits by categories")
        trees.root(_subtree(trees, predictor.nodes, 0))
    return graph.add("Add", _one(graph, columns, trees), graph.constant(float(boosted._baseline_prediction[0, 0])))


def _subtree(trees: Trees, nodes: Any, place: int) -> Any:
    node = nodes[place]
    if node["is_leaf"]:
        return trees.leaf(node["value"])
    left, right = _subtree(trees, nodes, node["left"]), _subtree(trees, nodes, node["right"])
    missing = bool(node["missing_go_to_left"])
    return trees.split(node["feature_idx"], node["num_threshold"], left, right, missing_left=missing)


def _logistic(graph: Graph, columns: str, parts: ColumnTransformer, linear: LogisticRegression) -> str:
    """Add evened-out amounts and one-hot names, each with its coefficients."""
    odds = graph.constant(float(linear.intercept_[0]))
    for name, part, places in parts.transformers_:
        coefficients = linear.coef_[0, parts.output_indices_[name]]
        match part:
            case Pipeline(steps=[(_, SimpleImputer()), (_, QuantileTransformer()), (_, StandardScaler())]):
                more = _amounts(graph, columns, part, np.array(places), coefficients)
            case OneHotEncoder():
                more = _names(graph, columns, part, np.array(places), coefficients)
            case "drop":
                continue
            case _:
                raise _unknown(name, part, "imputer, quantiles and scaler, or OneHotEncoder")
        odds = graph.add("Add", odds, more)
    return odds


def _amounts(graph: Graph, columns: str, part: Pipeline, places: Any, coefficients: Array) -> str:
    imputer, quantiles, scaler = (step for _, step in part.steps)
    if imputer.add_indicator or not np.isnan(imputer.missing_values):
        raise _unknown("imputer", imputer, "NaN as what is missing, and no indicators")
    if quantiles.output_distribution != "normal":
        raise _unknown("quantiles", quantiles, "a normal shape", quantiles.output_distribution)
    known = ~np.isnan(imputer.statistics_)  # a column without any value in training is left out by the imputer
    chosen = graph.gather(columns, places[known])
    filled = graph.add("Where", graph.add("IsNaN", chosen), graph.constant(imputer.statistics_[known]), chosen)
    even = normal_quantile(graph, ranks(graph, filled, quantiles.quantiles_, quantiles.references_))
    mean = scaler.mean_ if scaler.with_mean else np.zeros(known.sum())
    scale = scaler.scale_ if scaler.with_std else np.ones(known.sum())
    scaled = graph.add("Div", graph.add("Sub", even, graph.constant(mean)), graph.constant(scale))
    return graph.total(graph.add("Mul", scaled, graph.constant(coefficients)))


def _names(graph: Graph, columns: str, encoder: OneHotEncoder, places: Any, coefficients: Array) -> str:
    """Add a tree a column with a step at each name that training knew; any other adds nothing."""
    if encoder.handle_unknown != "ignore":
        raise _unknown("names", encoder, "unknown names that count nothing", encoder.handle_unknown)
    trees = Trees()
    for column, place in enumerate(places):
        worth = _worth(encoder, column, coefficients)
        thresholds, weights = [], [0.0]
        for value in sorted(value for value in worth if not np.isnan(value)):
            thresholds += [np.nextafter(value, -np.inf), value]
            weights += [worth[value], 0.0]
        trees.steps(int(place), thresholds, weights, next((worth[value] for value in worth if np.isnan(value)), 0.0))
    return _one(graph, columns, trees)


def _worth(encoder: OneHotEncoder, column: int, coefficients: Array) -> dict[float, float]:
    """Return what each known name of a column adds to the log-odds, rare ones as the encoder groups them."""
    names = encoder.categories_[column]
    rows = np.array([[np.nanmax(each) + 1 for each in encoder.categories_]] * len(names), dtype=float)
    rows[:, column] = names
    return dict(zip(names.tolist(), (encoder.transform(rows) @ coefficients).tolist(), strict=True))


def _one(graph: Graph, columns: str, trees: Trees) -> str:
    """Add trees of one target as a plain vector, shape (rows,)."""
    return graph.add("Squeeze", graph.trees(columns, trees), graph.places([1]))


def _unknown(where: str, step: Any, wanted: str, seen: Any = "") -> ArtifactError:
    return ArtifactError(
        expected=f"for ONNX: {wanted}",
        seen=f"unknown step {type(step).__name__}{f' ({seen})' if seen else ''}",
        where=where,
        next_step="write its counterpart in include/models/onnx.py, or leave the family out",
    )
