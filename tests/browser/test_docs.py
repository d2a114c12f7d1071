"""Every link of the status page opens, and what it opens works."""

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import Visit

SERVICES = ("user", "search", "metric", "budget", "conversation")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_every_link_opens(visit: Visit) -> None:
    page = visit()
    links = [link.get_attribute("href") for link in page.get_by_role("link").all()]

    assert set(links) == {"/health"} | {
        f"/{service}_service/{path}"
        for service in SERVICES
        for path in ("docs", "redoc", "openapi.json")
    }
    for link in links:
        assert link is not None
        opened = page.goto(link)
        assert opened is not None
        assert opened.status == 200
        page.wait_for_load_state()


@pytest.mark.parametrize("service", SERVICES)
def test_swagger_shows_the_operations(visit: Visit, service: str) -> None:
    page = visit()
    page.locator(f'a[href="/{service}_service/docs"]').click()

    expect(page.locator("h1")).to_contain_text(f"Harena – {service}")
    expect(page.locator(".opblock").filter(has_text="/health").first).to_be_visible()


@pytest.mark.parametrize("service", SERVICES)
def test_redoc_shows_the_operations(visit: Visit, service: str) -> None:
    page = visit()
    page.locator(f'a[href="/{service}_service/redoc"]').click()

    expect(page.locator("h1")).to_contain_text(f"Harena – {service}")
    expect(page.get_by_role("heading", name="How the service is").first).to_be_visible()


def test_authorize_logs_in_and_a_call_then_answers(visit: Visit) -> None:
    page = visit("/user_service/docs")
    page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container")
    form.get_by_label("username:").fill("henri@example.com")
    form.get_by_label("password:").fill("Henri123456")
    form.get_by_role("button", name="Apply given OAuth2 credentials").click()
    expect(form.get_by_role("button", name="Remove authorization")).to_be_visible()
    page.get_by_role("button", name="Close").click()

    operation = page.locator("#operations-users-me_api_v1_users_me_get")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table")).to_contain_text("henri@example.com")
