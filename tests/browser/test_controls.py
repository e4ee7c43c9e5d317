"""What an operator does to the recommender by hand, in the browser: block an item, switch off, switch on."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from include.deployment.controls import in_force
from include.deployment.journal import Journal
from include.use_cases.recommender import SPEC
from tests.browser.test_operator import trigger_form
from tests.platform_fixtures import finished, until


@pytest.fixture
def by_hand(operator, platform):
    """Give a function that fills in a control's form, and returns the journal's entry that comes of it."""

    def fill(step, why, **fields):
        dag_id, known = (
            f"{SPEC.name}_{step}",
            {run["dag_run_id"] for run in platform.airflow().runs(f"{SPEC.name}_{step}")},
        )
        form = trigger_form(operator, dag_id)
        for name, value in {"why": why, **fields}.items():
            field = form.locator(f"#element_{name}")
            if field.get_attribute("role") == "combobox" or field.locator("[role=combobox]").count():
                field.click()
                operator.get_by_role("option", name=value, exact=True).click()
            else:
                field.fill(value)
        form.get_by_role("button", name="Trigger").click()
        run = until(
            lambda: next(
                (each["dag_run_id"] for each in platform.airflow().runs(dag_id) if each["dag_run_id"] not in known),
                None,
            )
        )
        assert finished(platform.airflow(), dag_id, run) == "success"
        return Journal(SPEC.name).head()

    return fill


def test_an_item_is_blocked_until_a_day(by_hand):
    entry = by_hand("items", "recalled by its maker", items="1029743, 995242", until="2017-11-30")

    assert (entry.action, entry.who, entry.why) == ("block", "operator", "recalled by its maker")
    held = in_force(SPEC, entry.state, entry.at.date())
    assert set(held) == set(SPEC.markets)
    assert {rule.item for rule in held["group_1"].rules} == {"1029743", "995242"}


def test_recommendations_are_switched_off_and_on_again(by_hand):
    off = by_hand("switch", "complaints about the lists")
    assert (off.action, off.who) == ("switch off", "operator")
    assert not any(state.switch_on for state in off.state.keys.values())
    assert off.state.of("group_2").switch_reason == "complaints about the lists"

    on = by_hand("switch", "the cause was found", switch="on")
    assert (on.action, on.sequence) == ("switch on", off.sequence + 1)
    assert all(state.switch_on for state in on.state.keys.values())


def test_a_form_without_a_reason_cannot_be_sent(operator, platform):
    form = trigger_form(operator, f"{SPEC.name}_switch")
    expect(form.get_by_role("button", name="Trigger")).to_be_disabled()
