"""Chromium on the shared platform, logged in as an operator and as a reviewer would be: through Airflow's own page."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import expect

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
PATIENCE_MS = 20_000

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session", autouse=True)
def chromium():
    """Skip before anything is started where there is no browser to look with."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: `apt install chromium`")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": list(FLAGS)}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args, platform):
    return {**browser_context_args, "base_url": platform.airflow().url, "viewport": {"width": 1400, "height": 1000}}


def log_in(page, user, password):
    """Log in on Airflow's own page."""
    page.goto("/")
    page.get_by_label("Username").fill(user)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


@pytest.fixture(scope="session")
def logged_in(browser, browser_context_args, platform):
    """Give a function that returns the cookies of a user who has logged in once."""
    known = {}

    def cookies(user):
        if user not in known:
            context = browser.new_context(**browser_context_args)
            page = context.new_page()
            log_in(page, user, platform.state.passwords[user])
            expect(page.get_by_role("heading", name="Welcome")).to_be_visible()
            known[user] = context.storage_state()
            context.close()
        return known[user]

    return cookies


@pytest.fixture
def operator(new_context, logged_in):
    """Give a page of Airflow as the operator sees it."""
    return _page(new_context, logged_in("operator"))


@pytest.fixture
def reviewer(new_context, logged_in):
    """Give a page of Airflow as the reviewer sees it."""
    return _page(new_context, logged_in("reviewer"))


def _page(new_context, cookies):
    page = new_context(storage_state=cookies).new_page()
    page.set_default_timeout(PATIENCE_MS)
    return page
