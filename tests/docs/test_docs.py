"""The docs say what is there: files, commands, settings, decisions."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from harena_local.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for path in [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("charts/*/README.md"),
        *ROOT.glob("k8s/**/*.md"),
        *ROOT.glob("monitoring/*.md"),
    ]
    if ".venv" not in path.parts
)
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in done.stdout.split("\0") if name]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
class TestPages:
    def test_every_link_to_a_file_leads_somewhere(self, page: Path) -> None:
        links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())

        assert [link for link in links if not (page.parent / link).exists()] == []

    def test_every_make_target_exists(self, page: Path) -> None:
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
        text = page.read_text()
        blocks = "\n".join(re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
        named = {
            *re.findall(r"`make ([a-z-]+)", text),
            *re.findall(r"^make ([a-z-]+)", blocks, re.MULTILINE),
        }

        assert named - targets == set()

    def test_no_upgrade_keeps_the_defaults_of_an_older_chart(self, page: Path) -> None:
        assert "--reuse-values" not in page.read_text()


class TestReadme:
    def test_names_every_command_of_harena(self) -> None:
        commands = set(get_command(app).commands)  # type: ignore[attr-defined]
        text = (ROOT / "README.md").read_text()

        assert {name for name in commands if f"`{name}" not in text} == set()

    def test_settings_edge_and_logins_are_those_of_the_code(self) -> None:
        done = subprocess.run(
            [sys.executable, "tools/document.py", "--check"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

        assert (done.returncode, done.stdout) == (0, "")


class TestSettings:
    CLASS = re.compile(r"^class \w+\(\w*Settings\):\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)

    def test_every_setting_stands_in_the_table_with_a_word_of_what_it_is(self) -> None:
        sources = [
            path.read_text()
            for part in ("libs", "services")
            for path in ROOT.glob(f"{part}/*/src/**/*.py")
        ]
        settings = {
            name.upper()
            for source in sources
            for body in self.CLASS.findall(source)
            for name in re.findall(r"^    (\w+): ", body, re.MULTILINE)
        }
        rows = (ROOT / "docs" / "settings.md").read_text().splitlines()
        described = {
            row.split("`")[1] for row in rows if row.startswith("| `") and not row.endswith("|  |")
        }

        assert settings == described


class TestDecisions:
    def test_are_numbered_without_a_gap(self) -> None:
        assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))

    @pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
    def test_have_one_form(self, page: Path) -> None:
        headings = re.findall(r"^## (.+)", page.read_text(), re.MULTILINE)

        assert headings == [
            "Context",
            "Decision",
            "Consequences",
            "Alternatives",
            "A change violates this when",
        ]


class TestRelease:
    def test_chart_members_and_changelog_are_of_one_version(self) -> None:
        chart = yaml.safe_load((ROOT / "charts/harena/Chart.yaml").read_text())
        projects = [
            ROOT / "pyproject.toml",
            *ROOT.glob("libs/*/pyproject.toml"),
            *ROOT.glob("services/*/pyproject.toml"),
        ]
        versions = {tomllib.loads(file.read_text())["project"]["version"] for file in projects}
        headings = re.findall(r"^## (.+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
        unreleased, *releases = headings

        assert versions == {chart["version"]} == {chart["appVersion"]}
        assert unreleased == "Unreleased"
        # Before the first one there is none to compare.
        assert releases == [] or releases[0].split(",")[0] == chart["version"]


class TestArchitecture:
    def test_names_every_member(self) -> None:
        text = (ROOT / "ARCHITECTURE.md").read_text()
        libraries = {f"libs/{path.name}" for path in (ROOT / "libs").iterdir() if path.is_dir()}

        assert {name for name in libraries if name not in text} == set()

    def test_names_no_folder_that_is_not_there(self) -> None:
        text = (ROOT / "ARCHITECTURE.md").read_text()
        named = set(re.findall(r"\b((?:libs|services|docs|tools)/[a-z-]+)(?=[\s/`|])", text))

        assert {name for name in named if not (ROOT / name).exists()} == set()


class TestRepository:
    def test_no_lock_names_a_host(self) -> None:
        for lock in (ROOT / "requirements").glob("*.txt"):
            assert "//" not in lock.read_text(), lock.name

    def test_every_yaml_file_is_yaml(self) -> None:
        for path in tracked():
            if path.suffix in {".yaml", ".yml"} and "templates" not in path.parts:
                list(yaml.safe_load_all(path.read_text()))
