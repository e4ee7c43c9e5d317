"""The page on which the scoring service's requests can be read and tried, where no other host can be reached."""

from __future__ import annotations

from playwright.sync_api import expect

from include.platform.components import urls


def test_the_page_of_requests_needs_no_other_host(new_context, platform):
    service = urls(platform.state)["serving"]
    page, asked = new_context().new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{service}/docs")

    expect(page.get_by_role("heading", name="Flightdeck scoring service")).to_be_visible()
    expect(page.get_by_text("/v1/credit_risk/predict")).to_be_visible()
    elsewhere = [url for url in asked if not url.startswith((service, "data:"))]
    assert elsewhere == []
