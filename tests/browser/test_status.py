"""The status page as people see it: live, honest about outages, and for everybody."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import psutil
import pytest
from playwright.sync_api import Page, ViewportSize, expect
from tests.browser.conftest import DESK, PATIENCE_MS, PHONE, TABLET, Visit, violations
from tests.embedded.conftest import Platform

# The first test waits for the platform.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

TITLES = {
    "user": "Utilisateur",
    "search": "Recherche",
    "metric": "Indicateurs",
    "budget": "Profil budgétaire",
    "conversation": "Conversation",
}
LOST = "Connexion perdue, nouvel essai…"
# Three seconds between questions, four for one that is not answered, and a busy machine.
SOON_MS = 10_000


def processes_of(platform: Platform, name: str) -> list[psutil.Process]:
    leader = psutil.Process(platform.status()[name]["pid"])
    return [leader, *leader.children(recursive=True)]


@contextmanager
def held(platform: Platform, name: str) -> Iterator[None]:
    """A part that neither answers nor dies: whoever calls it waits."""
    processes = processes_of(platform, name)
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


@contextmanager
def gone(platform: Platform, name: str) -> Iterator[None]:
    """A part whose port refuses: killed, and the supervisor kept from starting it again."""
    processes = processes_of(platform, name)
    supervisor = psutil.Process(int((platform.layout.state.run / "supervisor.pid").read_text()))
    supervisor.suspend()
    try:
        for process in processes:
            process.kill()
        yield
    finally:
        supervisor.resume()


def headline(page: Page) -> str:
    return page.get_by_role("status").inner_text().replace("\u00a0", " ")


def expect_headline(page: Page, text: str, *, within: int = SOON_MS) -> None:
    """Soon, in the words of the page; in a pattern, white space is any."""
    words = r"\s".join(re.escape(word) for word in text.split(" "))
    expect(page.get_by_role("status")).to_have_text(re.compile(f"^{words}$"), timeout=within)
    expect(page).to_have_title(re.compile(f"^{words} – Harena$"))


def expect_state(page: Page, name: str, state: str, *, within: int = SOON_MS) -> None:
    row = page.locator(f'[data-service="{name}"]')
    expect(row.locator(".state")).to_have_text(state, timeout=within)
    # Not by colour alone: each state has a shape of its own.
    kind = {"En service": "healthy", "Dégradé": "degraded", "Indisponible": "unhealthy"}[state]
    expect(row.locator("use")).to_have_attribute("href", f"#{kind}")


WATCH = """() => {
    window.shifted = 0;
    new PerformanceObserver((seen) => {
        for (const shift of seen.getEntries()) window.shifted += shift.value;
    }).observe({ type: "layout-shift" });
    window.spoken = [];
    const status = document.querySelector("[role=status]");
    new MutationObserver(() => window.spoken.push(status.textContent.replaceAll("\\u00a0", " ")))
        .observe(status, { childList: true, characterData: true, subtree: true });
}"""


class TestLive:
    def test_all_five_are_in_service(self, visit: Visit) -> None:
        page = visit()

        expect_headline(page, "Tout fonctionne")
        assert page.locator("h2").all_inner_texts() == list(TITLES.values())
        for name in TITLES:
            expect_state(page, name, "En service")
            row = page.locator(f'[data-service="{name}"]')
            expect(row.locator('[data-field="response"]')).to_have_text(
                re.compile(r"^[\d,]+\sm?s$")
            )
            expect(row.locator('[data-field="version"]')).to_have_text(re.compile(r"^\d+\.\d+"))
        age = re.compile(r"^Vérifié (à l’instant|il\sy\sa\s\d\ss)$")
        expect(page.locator(".checked")).to_have_text(age)

    def test_an_outage_shows_by_itself_and_so_does_its_end(
        self, visit: Visit, platform: Platform
    ) -> None:
        page = visit()
        expect_headline(page, "Tout fonctionne")
        page.evaluate(WATCH)
        link = page.get_by_role("link", name="Lire : Recherche")
        link.focus()

        with held(platform, "search"):
            expect_headline(page, "Indisponible : Recherche")
            expect_state(page, "search", "Indisponible")
            expect_state(page, "user", "En service")
            assert violations(page) == ""
        expect_headline(page, "Tout fonctionne")
        expect_state(page, "search", "En service")

        # A screen reader heard the two changes and nothing else; nobody lost their place.
        assert page.evaluate("window.spoken") == ["Indisponible : Recherche", "Tout fonctionne"]
        assert page.evaluate("window.shifted") == 0
        expect(link).to_be_focused()

    def test_a_cache_that_fails_degrades(self, visit: Visit, platform: Platform) -> None:
        page = visit()
        with held(platform, "valkey"):
            expect_state(page, "user", "Dégradé")
            assert headline(page).startswith("Dégradé : ")
            assert violations(page) == ""
        expect_headline(page, "Tout fonctionne")

    @pytest.mark.parametrize(
        ("outage", "part"),
        [
            pytest.param(gone, "edge", id="refused"),
            pytest.param(held, "edge", id="silent"),
            pytest.param(gone, "portal", id="a 502 of the edge"),
        ],
    )
    def test_a_lost_connection_is_said_and_found_again(
        self,
        visit: Visit,
        platform: Platform,
        outage: Callable[[Platform, str], AbstractContextManager[None]],
        part: str,
    ) -> None:
        page = visit()
        expect_headline(page, "Tout fonctionne")
        with outage(platform, part):
            expect_headline(page, LOST)
            expect(page.locator(".checked")).to_have_text(re.compile("^Dernier état connu, "))
            assert violations(page) == ""
        expect_headline(page, "Tout fonctionne", within=PATIENCE_MS)
        # The browser itself reports each call that failed, and nothing else was complained of.
        assert all(told.startswith("Failed to load resource") for told in visit.complaints)
        visit.complaints.clear()

    def test_a_hidden_page_asks_nothing_and_a_shown_one_at_once(self, visit: Visit) -> None:
        page = visit(clock=True)
        page.wait_for_load_state("networkidle")
        page.clock.pause_at(page.evaluate("Date.now()") + 2_000)
        # A headless browser never hides a page; what the browser would say is said here.
        hide = """hidden => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }"""
        with page.expect_response("**/docs/status.json"):
            page.clock.run_for(3_000)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))

        page.evaluate(hide, True)
        page.clock.run_for(60_000)
        assert asked == []
        with page.expect_response("**/docs/status.json"):
            page.evaluate(hide, False)
        assert len(asked) == 1


class TestForEverybody:
    def test_without_scripts_the_states_show_and_follow(
        self, visit: Visit, platform: Platform
    ) -> None:
        page = visit(scripts=False)
        expect_headline(page, "Tout fonctionne")
        expect(page.locator(".checked")).to_have_text(re.compile(r"^Vérifié à \d\d:\d\d:\d\d$"))
        with held(platform, "budget"):
            # It loads itself again every ten seconds.
            expect_state(page, "budget", "Indisponible", within=PATIENCE_MS + 5_000)
            expect_headline(page, "Indisponible : Profil budgétaire")

    @pytest.mark.parametrize("dark", [False, True])
    @pytest.mark.parametrize("size", [PHONE, TABLET, DESK], ids=lambda size: size["width"])
    def test_axe_has_nothing_against_it(self, visit: Visit, size: ViewportSize, dark: bool) -> None:
        page = visit(size=size, dark=dark)

        assert violations(page) == ""

    def test_it_fits_a_phone(self, visit: Visit) -> None:
        page = visit(size=PHONE)

        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        targets = [link.bounding_box() for link in page.get_by_role("link").all()]
        assert len(targets) == 3 * len(TITLES) + 1
        assert [box for box in targets if not box or min(box["width"], box["height"]) < 44] == []

    def test_it_is_dark_for_whoever_asks(self, visit: Visit) -> None:
        paper = "getComputedStyle(document.body).backgroundColor"
        light, dark = (_brightness(visit(dark=dark).evaluate(paper)) for dark in (False, True))

        assert light > 200
        assert dark < 60

    def test_the_keyboard_reaches_every_link_and_shows_where_it_is(self, visit: Visit) -> None:
        page = visit()
        reached = set()
        for _ in page.get_by_role("link").all():
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            reached.add(focused.get_attribute("href"))
            assert focused.evaluate("it => getComputedStyle(it).outlineStyle") == "solid"
            assert focused.evaluate("it => parseInt(getComputedStyle(it).outlineWidth)") >= 2

        assert len(reached) == 3 * len(TITLES) + 1

    @pytest.mark.parametrize(("still", "expected"), [(True, "0s"), (False, "0.3s, 0.3s")])
    def test_nothing_moves_for_whoever_asks(self, visit: Visit, still: bool, expected: str) -> None:
        page = visit(still=still)

        duration = "it => getComputedStyle(it).transitionDuration"
        assert page.locator(".platform").evaluate(duration) == expected


def _brightness(colour: str) -> float:
    """0 to 255, of `rgb(…)`."""
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)]
    return sum(parts[:3]) / 3
