"""What each role sees in the browser, logged in through FAB's own form."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from include.deployment.journal import Journal
from include.platform import components
from include.platform.state import USERS
from tests.browser.conftest import log_in
from tests.cluster.conftest import pages
from tests.cluster.test_answers import asked
from tests.e2e.use_cases.attended import SPEC as ATTENDED
from tests.platform_fixtures import finished

FORM = "/dags/strict_rollback"
MENUS = {
    "operator": ({"Deadlines", "XComs", "Required Actions"}, {"Pools", "Variables"}),
    "engineer": (
        {"Deadlines", "XComs", "Required Actions", "Jobs"},
        {"Pools", "Variables", "Connections", "Providers", "Plugins"},
    ),
    "reviewer": (
        {"Deadlines", "XComs", "Required Actions", "Jobs", "Audit Log"},
        {"Pools", "Variables", "Connections", "Providers", "Plugins"},
    ),
    "auditor": ({"Deadlines", "XComs", "Required Actions", "Audit Log"}, {"Pools"}),
    "admin": (
        {"Deadlines", "XComs", "Required Actions", "Jobs", "Audit Log"},
        {"Pools", "Variables", "Connections", "Providers", "Plugins", "Config"},
    ),
}


@pytest.fixture
def page_of(cluster, browser):
    """Give a function that logs somebody in and returns their page."""
    with pages(browser, components.urls(cluster.state)["airflow"], cluster.state.passwords) as page:
        yield page


def entries(page, menu):
    page.get_by_role("button", name=menu, exact=True).click()
    expect(page.get_by_role("menuitem").first).to_be_visible()
    found = {each.strip() for each in page.get_by_role("menuitem").all_inner_texts()}
    page.keyboard.press("Escape")
    expect(page.get_by_role("menuitem")).to_have_count(0)
    return found


def test_a_wrong_password_opens_nothing(cluster, browser):
    context = browser.new_context(base_url=components.urls(cluster.state)["airflow"])
    page = context.new_page()
    log_in(page, "auditor", "auditor")
    expect(page.get_by_text("Invalid login")).to_be_visible()
    context.close()


@pytest.mark.parametrize("name", USERS)
def test_the_menus_show_what_a_role_may_see(page_of, name):
    page = page_of(name)
    browse, admin = MENUS[name]
    assert entries(page, "Browse") == browse
    assert entries(page, "Admin") == admin
    expect(page.get_by_role("button", name="Security", exact=True)).to_have_count(int(name == "admin"))


# Airflow draws its trigger button for everybody; whether a run begins is decided behind it.
@pytest.mark.parametrize("name", ["reviewer", "auditor"])
def test_who_only_reads_is_refused_behind_the_trigger_button(page_of, people, name):
    page, runs = page_of(name), runs_of(people)
    form = filled_form(page, "because I would like to")
    expect(form.get_by_text("403 Forbidden")).to_be_visible()
    assert runs_of(people) == runs


@pytest.mark.parametrize("name", ["operator", "engineer", "admin"])
def test_who_runs_pipelines_comes_as_far_as_the_form_s_own_rules(page_of, people, name):
    page, runs = page_of(name), runs_of(people)
    form = filled_form(page, "no")
    expect(form.get_by_text("Invalid input for param why: 'no' is too short")).to_be_visible()
    assert runs_of(people) == runs


@pytest.mark.parametrize("name", USERS)
def test_accounts_are_the_administrators_page(page_of, name):
    page = page_of(name)
    page.goto("/auth/users/list/")
    if name == "admin":
        expect(page.get_by_text("List Users")).to_be_visible()
        expect(page.get_by_text("reviewer@flightdeck.invalid")).to_be_visible()
    else:
        expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
        assert "/auth/users" not in page.url


def test_the_operator_is_refused_on_the_page_of_the_request_and_the_reviewer_answers_it(cluster, page_of, people):
    run = asked(cluster, ATTENDED)
    request = f"/dags/attended_deploy/runs/{run}/tasks/approve/required_actions"
    with answer(page_of("operator"), request, "mine") as refused:
        pass
    assert refused.value.status == 403
    assert (
        people["auditor"].ask("GET", f"dags/attended_deploy/dagRuns/{run}/taskInstances/approve").json()["state"]
        == "awaiting_input"
    )
    with answer(page_of("reviewer"), request, "Read the report.") as taken:
        pass
    assert taken.value.status == 200
    assert finished(cluster.airflow("auditor"), "attended_deploy", run) == "success"
    head = Journal(ATTENDED.name).head()
    assert (head.who, head.evidence["approval"]["comment"]) == ("reviewer", "Read the report.")


def filled_form(page, why):
    page.goto(FORM)
    page.get_by_test_id("trigger-dag-button").click()
    form = page.get_by_role("dialog")
    form.locator("#element_why").fill(why)
    form.get_by_role("button", name="Trigger").click()
    return form


def runs_of(people):
    return people["admin"].ask("GET", "dags/strict_rollback/dagRuns").json()["total_entries"]


def answer(page, request, comment):
    """Answer a request for approval on its page; gives the server's response."""
    page.goto(request)
    page.locator("#element_comment").fill(comment)
    page.wait_for_timeout(2000)  # a request that has just appeared takes no answer yet
    answered = page.expect_response(lambda response: response.request.method == "PATCH" and "hitl" in response.url)
    approve = page.get_by_test_id("hitl-option-Approve")
    expect(approve).to_be_enabled()
    approve.click()
    return answered
