"""What a reviewer does in the browser: see what waits, read the evidence, find the report, answer in writing."""

from __future__ import annotations

from playwright.sync_api import expect

from include.deployment.journal import Journal
from include.models import registry
from include.naming import DEFAULT_KEY, model_name
from include.platform.life import live
from tests.e2e.use_cases.attended import SPEC
from tests.platform_fixtures import until

DEPLOY = f"{SPEC.name}_deploy"
COMMENT = "Read the report; the gain holds in all slices."


def test_a_person_reads_the_evidence_approves_and_stands_in_the_journal(reviewer, platform):
    asked = live(platform, SPEC, approve_as=None, ask=False)
    evaluation = registry.evaluation_of(registry.model_ref(model_name(SPEC.name), 1))

    reviewer.goto("/")
    reviewer.get_by_role("button", name="Required Actions").click()
    reviewer.get_by_role("link", name="View all required actions").click()
    reviewer.get_by_role("link", name=f"Promote a new {SPEC.name} model?").click()
    expect(reviewer.get_by_text("asked for by operator (manual)")).to_be_visible()
    expect(reviewer.get_by_role("row", name="auc").first).to_contain_text(str(evaluation.metrics["auc"]))
    for gate in evaluation.gates:
        row = reviewer.get_by_role("row", name=gate.name)
        expect(row.get_by_role("cell", name="yes", exact=True)).to_be_visible()
        expect(row.get_by_role("cell", name=gate.observed, exact=True)).to_be_visible()
    report = reviewer.get_by_role("link", name="Report").get_attribute("href")
    assert evaluation.model.run_id in report

    approve = reviewer.get_by_test_id("hitl-option-Approve")
    expect(approve).to_be_disabled()
    reviewer.locator("#element_comment").fill(COMMENT)
    approve.click()
    airflow, run_id = platform.airflow("reviewer"), asked.runs[DEPLOY]
    until(lambda: airflow.task(DEPLOY, run_id, "promote")["state"] == "success", seconds=90)

    head = Journal(SPEC.name).head()
    assert head.who == "reviewer"
    assert head.evidence["unattended"] is False
    assert head.evidence["approval"]["comment"] == COMMENT
    assert head.evidence["approval"]["unattended"] is False
    assert head.evidence["override"] == ""
    assert head.evidence["originator"] == "operator"
    assert head.state.of(DEFAULT_KEY).champion == evaluation.model

    reviewer.goto("/required_actions")
    expect(reviewer.get_by_role("row", name=f"Promote a new {SPEC.name} model?")).to_contain_text("reviewer")
