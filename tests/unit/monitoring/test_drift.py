"""How often the drift detection is wrong on calm windows, and whether it sees what it should."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.errors import PermanentError
from include.monitoring.drift import detect
from include.monitoring.profile import build
from tests.unit.monitoring.populations import AMOUNTS, FIRST, population, season

RATE = 0.05


@pytest.fixture(scope="module")
def reference():
    return build(population(5000, 1))


@pytest.fixture(scope="module")
def two_years():
    rows, days = season(730, 1)
    return build(rows, days=days, dependent=True)


def changed(column, change, *, rows=1000, seed=3):
    frame = population(rows, seed)
    frame[column] = change(frame[column])
    return frame


def named(found):
    return [each.column for each in found.drifted]


@pytest.mark.parametrize("rows", [100, 1000])
def test_calm_windows_look_significant_about_as_often_as_stated(reference, rows):
    windows = [detect(reference, population(rows, 100 + seed), min_effect=1e-9, joint=False) for seed in range(150)]
    called = np.mean([any(each.significant for each in found.columns) for found in windows])
    spread = np.sqrt(RATE * (1 - RATE) / len(windows))
    # One reference stands for all windows, so what it lacks of the truth is in each of them.
    assert 0.5 * RATE - 3 * spread <= called <= 1.5 * RATE + 3 * spread


def test_with_the_effect_large_calm_windows_are_silent(reference):
    calm = [detect(reference, population(4000, 900 + seed), min_effect=0.15, joint=False) for seed in range(50)]
    assert not any(found.alarm for found in calm)


def test_significance_alone_would_cry_over_a_trifle(reference):
    frame = changed("amount_2", lambda values: values * 1.08, rows=50_000)
    assert named(detect(reference, frame, min_effect=1e-9, joint=False)) == ["amount_2"]
    assert named(detect(reference, frame, joint=False)) == []


@pytest.mark.parametrize(
    ("column", "change"),
    [
        ("amount_2", lambda values: values * 2.5),
        ("amount_2", lambda values: values / 1000),
        ("amount_2", lambda values: values.mask(np.random.default_rng(9).random(len(values)) < 0.3)),  # of any size
        ("amount_2", lambda values: values * 0 + 1.0),
        ("amount_2", lambda values: values * np.nan),
        ("colour", lambda values: values.replace("red", "blue")),
        ("colour", lambda values: values.replace("red", "crimson")),
        ("known", lambda values: ~values),
        ("score", lambda values: values**3),
    ],
    ids=["scaled", "unit", "missing", "constant", "gone", "mix", "unheard", "flag", "prediction"],
)
def test_a_shift_is_seen_in_its_column_alone(reference, column, change):
    found = [detect(reference, changed(column, change, seed=seed), rate=0.02, joint=False) for seed in range(10)]
    assert [named(each) for each in found] == [[column]] * 10


def test_the_effect_of_a_shift_is_its_size_in_standard_deviations_whatever_the_rows():
    draw = np.random.default_rng(0)
    reference = build(pd.DataFrame({"a": draw.normal(size=20_000)}))
    effects = {
        rows: detect(reference, pd.DataFrame({"a": draw.normal(0.3, 1, size=rows)})).columns[0].effect
        for rows in (2_000, 200_000)
    }
    assert effects == {rows: pytest.approx(0.3, abs=0.06) for rows in effects}


def test_a_change_of_what_columns_do_together_is_seen_though_each_looks_as_before(reference):
    frame = population(1000, 3)
    shuffled = np.random.default_rng(0).permutation(len(frame))
    frame["amount_0"] = frame["amount_0"].to_numpy()[shuffled]
    found = detect(reference, frame)
    assert (named(found), found.joint_drifted) == ([], True)


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_a_window_of_a_few_rows_is_not_judged_and_says_so(reference, rows):
    found = detect(reference, population(1000, 3).head(rows))
    assert (found.alarm, found.columns, found.not_judged) == (False, (), f"{rows} rows, at least 30 are needed")


def test_a_column_that_is_not_there_is_named_and_the_others_are_judged(reference):
    found = detect(reference, changed("amount_2", lambda values: values * 2.5).drop(columns="amount_0"), joint=False)
    assert found.problems == {"amount_0": "column is not there"}
    assert named(found) == ["amount_2"]


def test_a_new_column_is_named_and_the_others_are_judged(reference):
    found = detect(reference, changed("amount_2", lambda values: values * 2.5).assign(extra=1), joint=False)
    assert found.problems == {"extra": "column is new: the reference knows nothing of it"}
    assert named(found) == ["amount_2"]


def test_infinite_values_are_named_and_the_others_are_judged(reference):
    def broken(values):
        return values.where(values.index % 4 != 0, np.inf)

    found = detect(reference, changed("amount_2", broken), joint=False)
    assert found.problems == {"amount_2": "250 of 1000 values are infinite"}
    assert named(found) == ["amount_2"]


def test_texts_among_numbers_are_named_and_the_others_are_judged(reference):
    frame = changed("amount_2", lambda values: values.astype(object).where(values.index % 4 != 0, "n/a"))
    found = detect(reference, frame, joint=False)
    assert found.problems == {"amount_2": "250 of 1000 values are no numbers; the reference has numbers"}
    assert named(found) == ["amount_2"]


def test_a_window_without_any_known_column_is_not_judged(reference):
    found = detect(reference, pd.DataFrame({"other": range(100)}))
    assert found.not_judged == "none of the reference's columns is there"


def test_a_reference_that_is_all_null_or_constant_says_nothing_of_itself():
    rows = pd.DataFrame({"null": [np.nan] * 200, "one": [1.0] * 200, "a": np.arange(200.0)})
    assert not detect(build(rows), rows.sample(100, random_state=0)).alarm


@pytest.mark.parametrize("columns", [1_000, pytest.param(10_000, marks=pytest.mark.slow)])
def test_thousands_of_columns_are_judged_at_once(columns):
    draw = np.random.default_rng(0)
    rows = pd.DataFrame(draw.normal(size=(400, columns))).add_prefix("c")
    window = pd.DataFrame(draw.normal(size=(200, columns))).add_prefix("c")
    window["c7"] += 2
    assert named(detect(build(rows), window, joint=False)) == ["c7"]


def test_parts_of_a_window_are_judged_as_the_whole_is(reference):
    frame = changed("amount_2", lambda values: values * 2.5, rows=3000)
    whole = detect(reference, frame, joint=False)
    assert detect(reference, (frame.iloc[at : at + 700] for at in range(0, 3000, 700)), joint=False) == whole


def test_a_season_that_comes_again_is_calm_and_another_level_is_not(two_years):
    rows, days = season(1095, 1)
    week = (days >= FIRST + dt.timedelta(days=800)) & (days < FIRST + dt.timedelta(days=807))
    first, last = days[week].min(), days[week].max()
    seen = detect(two_years, rows[week], first_day=first, last_day=last)
    moved = detect(two_years, rows[week].assign(load=rows.loc[week, "load"] + 4), first_day=first, last_day=last)
    assert (named(seen), named(moved)) == ([], ["load"])


def test_days_that_depend_are_not_judged_without_their_dates(two_years):
    rows, _ = season(7, 2)
    with pytest.raises(PermanentError, match=r"first and last day.*None to None"):
        detect(two_years, rows)


def test_a_window_longer_than_any_run_of_the_reference_is_not_judged():
    rows, days = season(60, 1)
    found = detect(build(rows, days=days, dependent=True), rows, first_day=days.iloc[0], last_day=days.iloc[-1])
    assert "no run of as many days" in found.not_judged


def test_the_reference_of_credit_holds_no_protected_column():
    from include.monitor_ops.reference import reference_of
    from include.use_cases.credit_risk import SPEC

    rows = pd.DataFrame({column.name: np.arange(50) for column in SPEC.contract.columns})
    profile = reference_of(SPEC, rows, np.linspace(0, 1, 50))
    assert not {*profile.columns, *profile.sampled} & set(SPEC.protected_columns)
    assert set(AMOUNTS).isdisjoint(profile.columns)
