"""What an open page is told: states in words, for how long, and nothing of what is behind them."""

import pytest
from tests.unit.portal.conftest import SERVICES, Ports, Services

from harena_core.health import Status
from harena_core.http import open_client
from harena_core.testing import HandClock
from harena_portal.service import Found, Platform, Round
from harena_portal.words import NBSP, duration, headline, page

pytestmark = pytest.mark.asyncio(loop_scope="module")


def states(rest: Status = "healthy", **changes: Status) -> Round:
    """A round in which all are of the one state but these."""
    return Round(0, {name: Found(changes.get(name, rest), 0) for name in SERVICES})


class TestAnswer:
    async def test_it_says_in_words_how_each_service_is(
        self, services: Services, portal: Ports
    ) -> None:
        services["search"].says("degraded", version="2.0.0+abc")

        answer = await portal.pages.get("/docs/status.json")

        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        found = answer.json()
        assert found["status"] == "degraded"
        assert found["headline"] == f"Dégradé{NBSP}: Recherche"
        assert 0 <= found["age_seconds"] < 5
        assert list(found["services"]) == list(SERVICES)
        search = found["services"]["search"]
        assert search.pop("response").endswith(f"{NBSP}ms")
        assert search == {
            "status": "degraded",
            "state": "Dégradé",
            "version": "2.0.0+abc",
            "since": f"<{NBSP}1{NBSP}min",
        }

    async def test_a_silent_service_has_no_figures_and_the_answer_is_still_200(
        self, services: Services, portal: Ports
    ) -> None:
        services["user"].says("unhealthy", 503)

        answer = await portal.pages.get("/docs/status.json")

        assert answer.status_code == 200
        user = answer.json()["services"]["user"]
        assert (user["state"], user["response"], user["version"]) == ("Indisponible", "—", "—")

    async def test_nothing_behind_the_services_is_shown(
        self, services: Services, portal: Ports
    ) -> None:
        services["user"].says("degraded")
        services["metric"].says("unhealthy", 503)

        shown = [
            (await portal.pages.get(path)).text
            for path in ("/docs", "/docs/status.json", "/health")
        ]

        for text in shown:
            for word in ("database", "127.0.0.1", "Error", "error"):
                assert word not in text

    async def test_the_page_and_the_answer_say_the_same(
        self, services: Services, portal: Ports
    ) -> None:
        services["conversation"].says("degraded")

        text = (await portal.pages.get("/docs")).text
        found = (await portal.pages.get("/docs/status.json")).json()

        assert f">{found['headline']}</p>" in text
        for service in found["services"].values():
            assert f">{service['state']}</p>" in text
            assert f">{service['version']}</dd>" in text


class TestSince:
    async def test_counts_from_the_last_change_of_each_service(self, services: Services) -> None:
        clock = HandClock()
        async with open_client(seconds=2, max_connections=10) as client:
            urls = {name: fake.url for name, fake in services.items()}
            platform = Platform(client, urls, cache_seconds=1, now=clock)

            async def since() -> tuple[str, str]:
                rows = page(await platform.look(), clock()).services
                return rows["user"].since, rows["budget"].since

            assert await since() == (duration(0), duration(0))
            clock.now += 600
            services["budget"].says("degraded")
            assert await since() == (f"10{NBSP}min", duration(0))
            clock.now += 300
            assert await since() == (f"15{NBSP}min", f"5{NBSP}min")
            services["budget"].says("healthy")
            clock.now += 60
            assert await since() == (f"16{NBSP}min", duration(0))


class TestWords:
    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (states(), "Tout fonctionne"),
            (states(metric="degraded"), "Dégradé : Indicateurs"),
            (states(user="unhealthy", search="unhealthy"), "Indisponible : Utilisateur, Recherche"),
            (
                states(user="degraded", search="unhealthy"),
                "Indisponible : Recherche · Dégradé : Utilisateur",
            ),
            (states("unhealthy"), "Indisponible : tous les services"),
            (states("degraded"), "Dégradé : tous les services"),
        ],
    )
    async def test_the_headline_names_whoever_is_not_in_service(
        self, found: Round, expected: str
    ) -> None:
        assert headline(found).replace(NBSP, " ") == expected

    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [
            (0, "< 1 min"),
            (59.9, "< 1 min"),
            (60, "1 min"),
            (3599, "59 min"),
            (3600, "1 h 00"),
            (7500, "2 h 05"),
            (86399, "23 h 59"),
            (86400, "1 j"),
            (10 * 86400, "10 j"),
        ],
    )
    async def test_durations(self, seconds: float, expected: str) -> None:
        assert duration(seconds).replace(NBSP, " ") == expected

    @pytest.mark.parametrize(
        ("seconds", "expected"),
        [(0.0001, "1 ms"), (0.0124, "12 ms"), (0.9994, "999 ms"), (1.25, "1,2 s"), (2.4, "2,4 s")],
    )
    async def test_response_times(self, seconds: float, expected: str) -> None:
        found = Round(0, {"user": Found("healthy", 0, seconds)})

        assert page(found, 0).services["user"].response.replace(NBSP, " ") == expected
