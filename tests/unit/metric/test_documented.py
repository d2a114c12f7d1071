"""What `/openapi.json` says of the routes, whose queries FastAPI does not read itself."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from harena_metric.main import create
from harena_metric.settings import MetricSettings


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    settings = MetricSettings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1/none"), key_set_file=Path("none")
    )
    found: dict[str, Any] = create(settings).openapi()["paths"]
    return found


@pytest.mark.parametrize(
    ("path", "names"),
    [
        (
            "expenses/mom",
            "annee_cible annee_talon categorie comparison marchand mois_cible mois_talon "
            "type_transaction",
        ),
        ("income/yoy", "annee_cible annee_talon categorie comparison marchand type_transaction"),
        ("coverage", "annee mois"),
    ],
)
def test_every_parameter_is_described(paths: dict[str, Any], path: str, names: str) -> None:
    operation = paths[f"/api/v1/metrics/{path}"]["get"]
    parameters = {each["name"]: each for each in operation["parameters"]}
    assert sorted(parameters) == names.split()
    assert all(each["in"] == "query" and not each["required"] for each in parameters.values())
    assert "$ref" not in str(operation["parameters"])
    assert operation["security"]
    assert "Envelope" in str(operation["responses"]["200"])


def test_amounts_are_numbers(paths: dict[str, Any]) -> None:
    operation = paths["/api/v1/metrics/expenses/mom"]["get"]
    by_name = {each["name"]: each for each in operation["parameters"]}
    assert by_name["comparison"]["schema"]["anyOf"][0]["enum"] == ["to_date", "full"]
    assert by_name["mois_cible"]["schema"]["anyOf"][0]["maximum"] == 12
