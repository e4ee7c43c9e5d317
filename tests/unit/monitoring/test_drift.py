"""How often the drift detection is wrong on calm windows, and whether it sees what it should."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.classification import Monitoring
from include.monitoring.drift import compare_column, detect
from include.monitoring.profile import build, column_profile
from tests.second_use_case.tumours import MEASURES, SPEC

SIGNIFICANCE_ALONE = SPEC.model_copy(update={"monitoring": Monitoring(min_effect=1e-9, false_alarm_rate=0.05)})


def population(rows, seed):
    """Return correlated amounts, as real columns are, and scores that follow from them."""
    generator = np.random.default_rng(seed)
    common = generator.normal(size=rows)
    frame = pd.DataFrame({name: np.exp(common + generator.normal(size=rows)) for name in MEASURES})
    frame["mean_texture"] = generator.integers(0, 5, rows)
    return frame, 1 / (1 + np.exp(-common))


@pytest.fixture(scope="module")
def reference():
    return build(SPEC, *population(5000, 1))


def windows(count, rows):
    return [population(rows, 100 + seed) for seed in range(count)]


def test_calm_windows_are_called_drifted_no_more_often_than_stated(reference):
    called = [bool(detect(SIGNIFICANCE_ALONE, reference, *window).drifted) for window in windows(400, 1000)]
    # Three standard errors above the stated 5 %.
    assert np.mean(called) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / len(called))


def test_with_the_effect_size_calm_windows_are_silent(reference):
    assert not any(detect(SPEC, reference, *window).drifted for window in windows(200, 1000))


def test_significance_alone_would_cry_over_a_trifle(reference):
    frame, scores = population(50_000, 2)
    frame["worst_area"] *= 1.05
    assert [each.column for each in detect(SIGNIFICANCE_ALONE, reference, frame, scores).drifted] == ["worst_area"]
    assert detect(SPEC, reference, frame, scores).drifted == []


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("worst_area", lambda values: values * 2.5),
        ("worst_area", lambda values: values.where(values.rank(pct=True) > 0.3)),
        ("mean_texture", lambda values: values.replace(0, 4)),
        ("mean_texture", lambda values: values.replace(0, 99)),
    ],
)
def test_a_shift_is_seen_in_its_column_alone(reference, column, change):
    seen = []
    for frame, scores in windows(20, 1000):
        frame[column] = change(frame[column])
        seen.append([each.column for each in detect(SPEC, reference, frame, scores).drifted])
    assert seen == [[column]] * 20


def test_prediction_drift_is_seen_under_its_own_name(reference):
    frame, scores = population(1000, 3)
    assert [each.column for each in detect(SPEC, reference, frame, scores**3).drifted] == ["score"]


def test_a_column_that_lost_all_values_has_drifted(reference):
    frame, scores = population(1000, 3)
    frame["worst_area"] = np.nan
    (found,) = detect(SPEC, reference, frame, scores).drifted
    assert (found.column, found.test) == ("worst_area", "presence")


def test_a_constant_column_that_stays_constant_is_calm():
    profile = column_profile(pd.Series([1.0] * 100), category=False)
    assert compare_column(profile, pd.Series([1.0] * 50))[2:] == (1.0, 0.0)


def test_a_category_is_the_same_however_it_is_stored():
    profile = column_profile(pd.Series([0, 1, 2] * 100), category=True)
    assert compare_column(profile, pd.Series([0.0, 1.0, 2.0] * 50))[3] == pytest.approx(0.0, abs=1e-9)


def test_the_profile_holds_no_protected_column():
    from include.use_cases.credit_risk import SPEC as CREDIT

    rows = pd.DataFrame({column.name: np.arange(50) for column in CREDIT.contract.columns})
    assert not set(build(CREDIT, rows, np.linspace(0, 1, 50)).columns) & set(CREDIT.protected_columns)
