"""Debian's Chromium before the embedded platform, as a person sits before it.

In: nothing but the two. Out: `visit`, which opens pages through the edge; a test fails at its end
for whatever the console complained of, which is where a browser tells of scripts that fail and of
what the content security policy refused.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    ViewportSize,
    expect,
    sync_playwright,
)
from tests.embedded.conftest import Platform, healthy, platform

# The platform of tests/embedded, one for all tests here, healthy before and after each.
__all__ = ["healthy", "platform"]

# Without these it calls home.
QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
# For whatever has no promise of its own, on a machine that does much else.
PATIENCE_MS = 15_000

PHONE = ViewportSize(width=360, height=740)
TABLET = ViewportSize(width=800, height=900)
DESK = ViewportSize(width=1280, height=900)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    assert chromium, "`make test-browser` installs Chromium"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        # Root, who runs this in a container, has no sandbox.
        with playwright.chromium.launch(
            executable_path=chromium, args=QUIET, chromium_sandbox=False
        ) as browser:
            yield browser


@dataclass
class Visit:
    """Opens pages of the platform, each in a profile of its own, and hears their complaints."""

    browser: Browser
    platform: Platform
    contexts: list[BrowserContext] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __call__(
        self,
        path: str = "/docs",
        *,
        size: ViewportSize = DESK,
        dark: bool = False,
        scripts: bool = True,
        still: bool = False,
        clock: bool = False,
    ) -> Page:
        """The page once it is loaded; with `clock`, its time is also moved by `page.clock`."""
        context = self.browser.new_context(
            base_url=self.platform.edge,
            viewport=size,
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            reduced_motion="reduce" if still else "no-preference",
        )
        context.set_default_timeout(PATIENCE_MS)
        self.contexts.append(context)
        page = context.new_page()
        if clock:
            page.clock.install()
        page.on("pageerror", self._failed)
        page.on("console", self._told)
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200
        return page

    def _failed(self, error: Error) -> None:
        self.complaints.append(str(error))

    def _told(self, told: ConsoleMessage) -> None:
        if told.type in {"error", "warning"}:
            self.complaints.append(told.text)


@pytest.fixture
def visit(browser: Browser, platform: Platform) -> Iterator[Visit]:
    visit = Visit(browser, platform)
    yield visit
    for context in visit.contexts:
        context.close()
    assert visit.complaints == []


def violations(page: Page) -> str:
    """What axe has against the page, contrast included; empty where nothing."""
    found: str = Axe().run(page).generate_snapshot()
    return found
