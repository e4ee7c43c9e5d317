"""Each kind of cause is told from the others by its own signs, alone and beside another one."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from include.monitoring.causes import diagnose
from include.monitoring.delivery import Delivery
from include.monitoring.diagnosis import Promise
from include.monitoring.drift import detect
from include.monitoring.profile import build
from include.monitoring.window import read
from include.records import Estimate
from tests.unit.monitoring.populations import AMOUNTS, population

ROWS = 1500
KEPT = Promise(
    metric="auc", expected=Estimate(value=0.8, low=0.77, high=0.83), seen=Estimate(value=0.78, low=0.75, high=0.81)
)
BROKEN = Promise(
    metric="auc", expected=Estimate(value=0.8, low=0.77, high=0.83), seen=Estimate(value=0.72, low=0.69, high=0.75)
)
HALF = Delivery(rows={dt.date(2026, 1, day): 70 if day == 4 else 200 for day in range(1, 8)}, usual=200, spread=14)


@pytest.fixture(scope="module")
def reference():
    return build(population(5000, 1), groups=("colour", "amount_0"))


@pytest.fixture
def calm():
    return population(ROWS, 7)


def said_of(reference, rows, **known):
    seen = read(reference, rows)
    return diagnose(reference, seen, detect(reference, seen, rate=0.02, joint=False), **known)


def some(share):
    return np.random.default_rng(5).random(ROWS) < share


def shifted(rows, factor, columns=AMOUNTS):
    return rows.assign(**{name: rows[name] * factor for name in columns})


def mixed(column, weight):
    many = population(20 * ROWS, 8)
    chances = weight(many[column])
    return many.sample(ROWS, weights=chances, random_state=3, ignore_index=True)


def test_a_calm_window_has_no_cause(reference, calm):
    found = said_of(reference, calm, promises=[KEPT], delivery=Delivery(rows={dt.date(2026, 1, 1): ROWS}))
    assert (found.cause, found.evidence, found.runner_up) == ("none", (), None)


@pytest.mark.parametrize(
    ("change", "evidence"),
    [
        (lambda values: values.where(~some(0.2)), r"amount_2: \d+\.\d% of its values are missing, 0\.0% were before"),
        (lambda values: values * np.nan, r"amount_2: 100\.0% of its values are missing"),
    ],
    ids=["some", "all"],
)
def test_values_that_do_not_come_are_a_fault_of_the_delivery(reference, calm, change, evidence):
    found = said_of(reference, calm.assign(amount_2=change(calm["amount_2"])))
    assert (found.cause, found.columns) == ("delivery", ("amount_2",))
    assert_said(found, evidence)


def test_half_a_day_is_a_fault_of_the_delivery_though_all_columns_are_calm(reference, calm):
    found = said_of(reference, calm, delivery=HALF)
    assert found.cause == "delivery"
    assert found.evidence == ("2026-01-04 is a part: 70 rows, usual are 200",)


@pytest.mark.parametrize(
    ("column", "change", "evidence"),
    [
        ("amount_2", lambda values: values / 1000, r"taken from everywhere alike|lie outside"),
        ("amount_2", lambda values: values.where(~some(0.3), values / 30), r"taken from everywhere alike"),
        ("amount_2", lambda values: values.where(~some(0.3), values * 1000), r"lie outside of"),
        ("amount_2", lambda values: values.where(~some(0.3), -values), r"2\d%|3\d% of its values lie outside of"),
        ("amount_2", lambda values: values.where(~some(0.3), values.median()), r"taken from everywhere alike"),
        ("amount_2", lambda values: values * 0 + 1.0, r"100% of its values are one: "),
        ("amount_2", lambda values: values.map("EUR {:.2f}".format), r"1500 of 1500 values are no numbers"),
        ("amount_2", lambda values: values.where(~some(0.01), np.inf), r"of 1500 values are infinite"),
        ("amount_2", lambda values: values.sample(frac=1).to_numpy() * 3, r"while the other columns did not"),
        ("colour", lambda values: values.replace("red", "rouge"), r"never seen, while red has vanished"),
        ("colour", lambda values: values.where(~some(0.3), values.str.upper()), r"have a name that was never seen$"),
        ("colour", lambda values: values.replace("green", "grey"), r"green has vanished, and grey took its share"),
    ],
    ids=["unit", "unit for some", "larger unit", "sign", "filled", "constant", "text", "infinite", "alone", "spelling",
         "spelling for some", "merged"],
)  # fmt: skip
def test_signs_that_the_world_does_not_leave_are_a_fault_of_the_values(reference, calm, column, change, evidence):
    found = said_of(reference, calm.assign(**{column: change(calm[column])}))
    assert (found.cause, found.columns) == ("values", (column,))
    assert_said(found, evidence)


@pytest.mark.parametrize("rule", [{}, {"usual": 200, "spread": 14}])
def test_rows_that_break_a_rule_are_a_fault_of_the_values(reference, calm, rule):
    delivery = Delivery(rows={dt.date(2026, 1, 1): 200}, quarantined={"amount_2: minimum 0": 20}, **rule)
    found = said_of(reference, calm, delivery=delivery)
    assert (found.cause, found.evidence) == ("values", ("20 rows break a rule (amount_2: minimum 0)",))


@pytest.mark.parametrize(
    ("column", "weight"),
    [
        ("amount_0", lambda values: np.exp(2 * values.rank(pct=True))),
        ("amount_0", lambda values: np.exp(-2 * values.rank(pct=True))),
        ("colour", lambda values: values.map({"red": 1, "green": 4, "blue": 1, "grey": 1})),
        ("colour", lambda values: (values != "green").astype(float)),
    ],
    ids=["more large ones", "more small ones", "a colour more often", "a colour stays away"],
)
def test_another_mix_of_a_group_explains_whatever_moved_with_it(reference, column, weight):
    found = said_of(reference, mixed(column, weight))
    assert (found.cause, found.columns[0]) == ("selection", column)
    assert_said(found, rf"the mix of {column} explains \d+% of all that moved \(.*% before, \d+% now")


def test_a_column_that_makes_groups_and_moves_without_its_companions_is_no_mix(reference, calm):
    found = said_of(reference, shifted(calm, 1.6, ["amount_0"]))
    assert (found.cause, found.columns) == ("environment", ("amount_0",))


@pytest.mark.parametrize("factor", [0.7, 1.5])
def test_inputs_that_move_everywhere_are_a_change_of_the_world(reference, calm, factor):
    found = said_of(reference, shifted(calm, factor))
    assert (found.cause, set(found.columns)) == ("environment", set(AMOUNTS))
    assert_said(found, r"moved without a sign of a fault: amount_\d by 0\.\d\d, ")
    assert_said(found, r"no mix of groups explains it \(best: ")


@pytest.mark.parametrize(("factor", "cause"), [(1.0, "none"), (4.0, "environment"), (1000.0, "values")])
def test_what_the_world_moves_in_all_columns_may_leave_a_small_references_range(factor, cause):
    rows = population(48, 3)[list(AMOUNTS)]
    found = said_of(build(population(100, 2)[list(AMOUNTS)]), shifted(rows, factor))
    assert found.cause == cause, found


def test_a_small_move_of_one_column_is_the_worlds(reference, calm):
    found = said_of(reference, shifted(calm, 1.5, ["amount_2"]))
    assert (found.cause, found.columns) == ("environment", ("amount_2",))


def test_a_broken_promise_over_calm_inputs_is_another_relation(reference, calm):
    found = said_of(reference, calm, promises=[KEPT, BROKEN])
    assert (found.cause, found.columns) == ("concept", ())
    assert found.evidence == (BROKEN.said, "no input has moved")


def test_without_the_truth_a_relation_is_not_blamed(reference, calm):
    assert said_of(reference, calm).cause == "none"


def test_a_fault_is_named_before_a_change_that_stands_beside_it(reference, calm):
    found = said_of(reference, shifted(calm, 1.5).assign(colour=calm["colour"].replace("red", "rouge")))
    assert (found.cause, found.columns, found.runner_up) == ("values", ("colour",), "environment")


def test_a_fault_of_the_delivery_is_named_before_one_of_the_values(reference, calm):
    found = said_of(reference, calm.assign(amount_2=calm["amount_2"] / 1000), delivery=HALF)
    assert (found.cause, found.runner_up) == ("delivery", "values")


def test_what_a_fault_breaks_is_not_blamed_on_the_relation(reference, calm):
    found = said_of(reference, calm.assign(amount_2=calm["amount_2"] / 1000), promises=[BROKEN])
    assert (found.cause, found.runner_up) == ("values", None)


def test_inputs_that_moved_far_may_have_broken_the_promise_themselves(reference, calm):
    found = said_of(reference, shifted(calm, 1.8), promises=[BROKEN])
    assert (found.cause, found.runner_up) == ("environment", "concept")
    assert BROKEN.said in found.evidence


def test_inputs_that_moved_little_cannot_have_broken_it(reference, calm):
    found = said_of(reference, shifted(calm, 1.22, ["amount_2", "amount_3"]), promises=[BROKEN])
    assert (found.cause, found.runner_up) == ("concept", "environment")


@pytest.mark.parametrize(
    ("change", "cause", "column", "evidence"),
    [
        (lambda rows: rows.drop(columns="amount_2"), "delivery", "amount_2", "amount_2: column is not there"),
        (lambda rows: rows.assign(amount_2=np.nan), "delivery", "amount_2", r"amount_2: 100\.0% of its values are mis"),
        (lambda rows: rows.assign(amount_2=1.0), "values", "amount_2", "amount_2: 100% of its values are one"),
        (lambda rows: rows.assign(amount_2="much"), "values", "amount_2", "amount_2: .* values are no numbers"),
        (lambda rows: rows.assign(colour="pink"), "values", "colour", "colour: 100% of its values .*(one|never seen)"),
        (lambda rows: rows.assign(brand=1), "values", "amount_4", "brand: column is new"),
    ],
    ids=["missing", "all null", "constant", "another type", "category never seen", "new"],
)
def test_the_other_columns_go_on_beside_one_that_is_not_as_it_should_be(
    reference, calm, change, cause, column, evidence
):
    found = said_of(reference, change(calm.assign(amount_4=calm["amount_4"] / 1000)))
    assert found.cause == cause
    assert column in found.columns
    assert_said(found, evidence)
    assert "amount_4" in found.columns if cause == "values" else found.runner_up == "values"


def test_beside_a_faulty_column_the_others_are_still_told_to_have_moved(reference, calm):
    found = said_of(reference, shifted(calm, 1.5).drop(columns="amount_2"))
    assert (found.cause, found.columns, found.runner_up) == ("delivery", ("amount_2",), "environment")


def test_a_new_column_alone_changes_nothing_and_is_told(reference, calm):
    found = said_of(reference, calm.assign(brand=1))
    assert (found.cause, found.runner_up) == ("none", None)
    assert found.evidence == ("brand: column is new: the reference knows nothing of it",)


@pytest.mark.parametrize("rows", [0, 5])
def test_of_a_few_rows_nothing_is_told(reference, calm, rows):
    found = said_of(reference, calm.head(rows))
    assert (found.cause, found.columns) == ("none", ())
    assert found.said == f"it cannot be told: {rows} rows, at least 30 are needed"


def test_a_day_that_did_not_come_is_named_though_no_rows_can_be_compared(reference, calm):
    found = said_of(reference, calm.head(0), delivery=Delivery(rows={dt.date(2026, 1, 1): 0}))
    assert (found.cause, found.evidence) == ("delivery", ("2026-01-01 did not come",))


def test_a_window_without_any_known_column_lacks_them_all(reference, calm):
    found = said_of(reference, calm.rename(columns=str.upper))
    assert (found.cause, set(found.columns)) == ("delivery", set(reference.columns))


def test_a_reference_without_groups_says_so_little_and_no_more(calm):
    found = said_of(build(population(5000, 1)), shifted(calm, 1.5))
    assert found.cause == "environment"
    assert len(found.evidence) == 1


def test_where_levels_are_free_another_one_is_no_fault_but_lost_values_are(reference, calm):
    assert said_of(reference, shifted(calm, 30, ["amount_2"]), free_levels=True).cause == "environment"
    lost = calm.assign(amount_2=calm["amount_2"].where(~some(0.2)))
    assert said_of(reference, lost, free_levels=True).cause == "delivery"


def test_groups_that_come_in_other_shares_while_nothing_else_moves_far_are_another_mix():
    rows = population(5000, 1)
    rows["region"] = np.random.default_rng(2).choice(list("abcd"), 5000)
    many = shifted(population(20 * ROWS, 8), 1.2, ["amount_0"])  # a little, which no mix of regions explains
    many["region"] = np.random.default_rng(3).choice(list("abcd"), len(many))
    chances = many["region"].map({"a": 5, "b": 1, "c": 1, "d": 1})
    found = said_of(build(rows, groups=("region",)), many.sample(ROWS, weights=chances, random_state=3))
    assert (found.cause, found.columns) == ("selection", ("region",)), found.evidence


def test_beside_columns_that_moved_without_a_sign_a_shape_is_none(calm):
    def wide(rows):
        more = {
            f"still_{number}": np.random.default_rng([9, number, len(rows)]).normal(size=len(rows))
            for number in range(8)
        }
        return rows.assign(**more)

    odd = wide(calm).assign(amount_2=calm["amount_2"].where(~some(0.3), calm["amount_2"] / 30))
    reference = build(wide(population(5000, 1)))
    assert said_of(reference, odd).cause == "values"
    found = said_of(reference, shifted(odd, 1.5, ["amount_0", "amount_1", "amount_3"]))
    assert found.cause == "environment", found.evidence
    assert "amount_2" in found.columns


def test_a_level_that_lies_in_one_cell_of_the_reference_is_not_one_value():
    usual = population(5000, 1)[["amount_2"]]
    before = pd.concat([usual, usual.head(20) * 10], ignore_index=True)  # its topmost cell reaches ten times as far
    top = build(before).columns["amount_2"].edges[-2]
    level = pd.DataFrame({"amount_2": top * (1.1 + population(200, 7)["amount_2"].rank(pct=True))})
    found = said_of(build(before), level, free_levels=True)
    assert (found.cause, found.columns) == ("environment", ("amount_2",))
    stuck = said_of(build(before), level * 0 + 2 * top, free_levels=True)
    assert (stuck.cause, stuck.evidence) == ("values", (f"amount_2: 100% of its values are one: {2 * top:g}",))


def test_a_meter_that_is_stuck_at_a_usual_reading_is_a_fault_without_drift(reference, calm):
    seen = read(reference, calm.assign(amount_2=calm["amount_2"].median()))
    quiet = detect(reference, seen, rate=0.02, min_effect=99, joint=False)
    assert not quiet.drifted
    found = diagnose(reference, seen, quiet)
    assert (found.cause, found.columns) == ("values", ("amount_2",))


def test_a_value_that_most_had_may_be_all_of_a_small_window():
    rows = population(2000, 1)[["amount_2"]]
    mostly = rows.assign(amount_2=rows["amount_2"].where(rows.index % 10 == 0, 0.0))
    seen = read(build(mostly), mostly.loc[mostly["amount_2"] == 0].head(40))
    assert diagnose(build(mostly), seen, detect(build(mostly), seen, rate=0.02, joint=False)).cause == "none"


def test_a_value_that_a_stream_holds_is_seen_over_its_parts(reference, calm):
    stuck = calm.assign(amount_2=calm["amount_2"].where(np.arange(ROWS) < 10, 1.0))
    seen = read(reference, (stuck.iloc[start : start + 200] for start in range(0, ROWS, 200)))
    assert seen.held["amount_2"] == (1.0, ROWS - 10)


def assert_said(found, evidence):
    __tracebackhide__ = True
    import re

    assert any(re.search(evidence, line) for line in found.evidence), found.evidence
