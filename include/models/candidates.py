"""The families of models that a spec can name: each builds an unfitted classifier over the raw columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer, StandardScaler

from include.classification import Classification
from include.models.features import categorical, features_of, raises_risk
from include.models.scorecard import Scorecard


def logistic(spec: Classification, params: dict[str, Any], seed: int) -> Pipeline:
    """Return a logistic regression over evened-out numbers and one-hot categories.

    Amounts are mapped to a normal shape by their ranks: a few very large ones would rule the coefficients otherwise.
    """
    named = np.array(categorical(spec))
    amounts = make_pipeline(
        SimpleImputer(strategy="median"),
        QuantileTransformer(n_quantiles=200, output_distribution="normal", subsample=None, random_state=seed),
        StandardScaler(),
    )
    parts: list[tuple[str, Any, list[int]]] = [("amounts", amounts, np.flatnonzero(~named).tolist())]
    if named.any():
        names = OneHotEncoder(handle_unknown="ignore", sparse_output=False, min_frequency=20)
        parts.append(("names", names, np.flatnonzero(named).tolist()))
    return Pipeline(
        [
            ("features", features_of(spec)),
            ("columns", ColumnTransformer(parts)),
            ("model", LogisticRegression(max_iter=1000, **params)),
        ]
    )


def scorecard(spec: Classification, params: dict[str, Any], seed: int) -> Pipeline:
    """Return a weight-of-evidence scorecard; the interpretable model of the house."""
    return Pipeline([("features", features_of(spec)), ("model", Scorecard(rising=raises_risk(spec), **params))])


def boosting(spec: Classification, params: dict[str, Any], seed: int) -> Pipeline:
    """Return gradient boosting over histograms, monotone where the spec says that more is riskier."""
    rising = [int(each) for each in raises_risk(spec)]
    model = HistGradientBoostingClassifier(
        monotonic_cst=rising, early_stopping=False, random_state=seed, **{"max_iter": 200, **params}
    )
    return Pipeline([("features", features_of(spec)), ("model", model)])
