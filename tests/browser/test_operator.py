"""What an operator does in the browser: log in, find a DAG, fill its form, follow a run to its models and reports."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import log_in

STEPS = (
    "ingest", "retraining", "train", "deploy", "score", "monitor", "rollback", "rollout", "switch", "pin",
    "study",
)  # fmt: skip


def trigger_form(page, dag_id):
    page.goto(f"/dags/{dag_id}")
    page.get_by_test_id("trigger-dag-button").click()
    return page.get_by_role("dialog")


def test_only_the_generated_password_opens_the_door(new_context, platform):
    page = new_context().new_page()
    log_in(page, "operator", "operator")
    expect(page.get_by_text("Invalid credentials")).to_be_visible()
    log_in(page, "operator", platform.state.passwords["operator"])
    expect(page.get_by_role("heading", name="Welcome")).to_be_visible()


def test_the_dags_of_a_use_case_are_found_by_its_tag(operator, life):
    operator.goto("/dags?tags=credit_risk")
    expect(operator.get_by_text(f"{len(STEPS)} Dags")).to_be_visible()
    for step in STEPS:
        expect(operator.get_by_role("link", name=f"credit_risk_{step}", exact=True)).to_be_visible()
        expect(operator.get_by_role("link", name=step, exact=True)).to_be_visible()
    assert operator.get_by_text("risk:high").count() == len(STEPS)


@pytest.mark.parametrize(
    ("step", "field", "bad", "said"),
    [
        ("retraining", "reason", "x", "Invalid input for param reason: 'x' is too short"),
        ("rollback", "why", "abc", "Invalid input for param why: 'abc' is too short"),
    ],
)
def test_a_form_names_its_parameters_and_refuses_a_bad_value(operator, platform, life, step, field, bad, said):
    runs = len(platform.airflow().runs(f"credit_risk_{step}"))
    form = trigger_form(operator, f"credit_risk_{step}")
    form.locator(f"#element_{field}").fill(bad)
    form.get_by_role("button", name="Trigger").click()
    expect(form.get_by_text(said)).to_be_visible()
    assert len(platform.airflow().runs(f"credit_risk_{step}")) == runs


def test_a_rollback_needs_a_reason_and_is_a_dry_run_unless_one_says_otherwise(operator, platform):
    form = trigger_form(operator, "credit_risk_rollback")
    expect(form.get_by_text("Lands in the journal with your name.")).to_be_visible()
    expect(form.get_by_text("This field is required")).to_be_visible()
    expect(form.get_by_role("button", name="Trigger")).to_be_disabled()
    assert form.locator("[name=element_dry_run]").is_checked()


def test_an_ingestion_asks_for_a_first_day_and_a_partition(operator, platform):
    form = trigger_form(operator, "credit_risk_ingest")
    expect(form.locator("#element_first_day")).to_have_attribute("type", "date")
    expect(form.get_by_text("Land all days from this one to the partition key's in one run.")).to_be_visible()
    form.get_by_text("Advanced Options").click()
    expect(form.get_by_text("Partition Key", exact=True)).to_be_visible()


def test_a_run_by_hand_without_a_day_fails_and_says_where_the_day_goes(operator, platform):
    form = trigger_form(operator, "attended_retraining")
    form.locator("#element_reason").fill("to see what happens")
    form.get_by_role("button", name="Trigger").click()
    operator.wait_for_url("**/runs/manual__*")
    task = operator.get_by_role("row").filter(has_text="RetrainingRequestOperator")
    task.get_by_role("link", name="request", exact=True).click()
    expect(operator.get_by_text("expected a partition key that is a day like 2026-11-23").first).to_be_visible()
    expect(operator.get_by_text("under Advanced options of the form").first).to_be_visible()


def test_the_ring_is_drawn_from_its_assets_and_events_carry_their_day(operator, life):
    yesterday = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1)
    operator.goto("/assets?name_pattern=main.credit_risk")
    operator.get_by_role("link", name="main.credit_risk.data", exact=True).click()
    for step in STEPS[:6]:
        expect(operator.locator(".react-flow").get_by_text(f"credit_risk_{step}", exact=True)).to_be_visible()
    expect(operator.get_by_text(f"Partition Key: {yesterday}")).to_be_visible()


def test_a_search_is_named_after_its_family(operator, platform, life):
    operator.goto(platform.airflow().page("credit_risk_train", life.runs["credit_risk_train"]))
    for family in ("logistic", "scorecard", "boosting"):
        expect(operator.get_by_role("link", name=family, exact=True)).to_be_visible()


def test_a_task_leads_to_its_run_and_its_report_with_plots(operator, platform, life, champion):
    page = platform.airflow().page("credit_risk_train", life.runs["credit_risk_train"], "evaluate")
    operator.goto(f"{page}/details")
    with operator.expect_popup() as opened:
        operator.get_by_role("link", name="MLflow run").click()
    run = opened.value
    expect(run.get_by_text(champion.run_id, exact=True).first).to_be_visible()
    for child in ("search boosting", "score", "monitor"):
        expect(run.get_by_role("link", name=re.compile(child)).first).to_be_visible()
    with operator.expect_popup() as opened:
        operator.get_by_role("link", name="Report").click()
    report = opened.value.frame_locator("iframe")
    expect(report.get_by_role("heading", name="Consumer credit risk: candidate v1")).to_be_visible()
    plots = report.locator("img")
    expect(plots.first).to_be_visible()
    widths = plots.evaluate_all("images => images.map(each => each.naturalWidth)")
    assert len(widths) >= 4
    assert min(widths) > 300


def test_the_registry_shows_the_champion(operator, platform, life, champion):
    from include.platform.components import urls

    operator.goto(f"{urls(platform.state)['mlflow']}/#/models/{champion.name}")
    expect(operator.get_by_text("champion")).to_be_visible()
    expect(operator.get_by_role("link", name=f"Version {champion.version}")).to_be_visible()
    expect(operator.get_by_text("journal_head")).to_be_visible()
