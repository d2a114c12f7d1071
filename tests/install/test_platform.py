"""The ingress controller, the chart, and the questions that are asked of them at the end."""

import json
import re
import subprocess
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from tests.install.conftest import (
    DEPLOY,
    NGINX_ON,
    OURS,
    RELEASE,
    RESTART,
    TAG,
    Machine,
    Site,
    write_ours,
)

from harena_local.process import wait_until


class TestIngress:
    def test_from_nginx_to_traefik(self, node: Machine) -> None:
        node.install(HARENA_INGRESS="traefik")

        assert not node.file(NGINX_ON).exists()
        assert len(node.called(RESTART)) == 1
        order = [
            node.called(pattern)[0]
            for pattern in (
                RESTART,
                "^helm uninstall ingress-nginx",
                "^k3s kubectl wait --for=create crd/middlewares",
                "^k3s kubectl apply --filename .*k8s/traefik/helmchartconfig.yaml",
                "rollout status deployment/traefik",
                f"{DEPLOY}harena",
            )
        ]
        assert order == sorted(order, key=node.calls.index)
        assert "--set ingress.controller=traefik" in order[-1]

    def test_stays_what_it_is_when_not_said(self, machine: Machine) -> None:
        machine.install(HARENA_INGRESS="traefik")
        machine.forget()

        machine.install()

        assert machine.called(f"{DEPLOY}ingress-nginx|{RESTART}") == []
        assert "ingress.controller=traefik" in machine.called(f"{DEPLOY}harena")[0]

    def test_and_back(self, machine: Machine) -> None:
        machine.install(HARENA_INGRESS="traefik")
        machine.forget()

        machine.install(HARENA_INGRESS="nginx")

        gone = machine.called("wait --for=delete deployment/traefik")[0]
        nginx = machine.called(f"{DEPLOY}ingress-nginx")[0]
        assert machine.calls.index(gone) < machine.calls.index(nginx)
        assert machine.file(NGINX_ON).exists()
        assert len(machine.called(RESTART)) == 1

    def test_stays_what_it_was_over_an_uninstall(self, machine: Machine) -> None:
        machine.install(HARENA_INGRESS="traefik")
        machine.uninstall()
        machine.forget()

        machine.install()

        assert machine.called(f"{DEPLOY}ingress-nginx") == []
        assert not machine.file(NGINX_ON).exists()
        assert "ingress.controller=traefik" in machine.called(f"{DEPLOY}harena")[0]

    def test_traefik_without_its_settings_is_refused(self, machine: Machine) -> None:
        (machine.checkout / "k8s/traefik/helmchartconfig.yaml").unlink()

        assert "is not in this checkout" in machine.refused(HARENA_INGRESS="traefik")


class TestOurImages:
    """What an archive of ours holds is what the release asks for."""

    ASKED = f"{DEPLOY}harena .*--set-string image.tag="

    @pytest.fixture
    def archive(self, tmp_path: Path) -> Path:
        archive = tmp_path / "images" / "harena.tar"
        archive.parent.mkdir()
        write_ours(archive, TAG)
        return archive

    def test_another_archive_is_another_release(self, node: Machine, archive: Path) -> None:
        for tag in (TAG, f"{RELEASE}-ba9876543210", "ours-7"):
            write_ours(archive, tag)
            node.forget()

            node.install(HARENA_IMAGES=str(archive.parent))

            assert node.called(f"{self.ASKED}{tag} ")

    def test_later_runs_need_not_be_given_it(self, node: Machine, archive: Path) -> None:
        node.install(HARENA_IMAGES=str(archive.parent))
        archive.unlink()
        for settings in ({}, {"HARENA_IMAGES": str(archive.parent)}):
            node.forget()

            node.install(**settings)

            assert node.called(f"{self.ASKED}{TAG} ")

    def test_one_that_is_left_over_does_not_change_what_a_registry_has(
        self, node: Machine, archive: Path
    ) -> None:
        node.install(HARENA_IMAGES=str(archive.parent))
        left = node.file("var/lib/rancher/k3s/agent/images/harena.tar")
        values = node.file("etc/harena/values.yaml")
        values.write_text("image: {registry: images.test/ours, tag: newer}\n")
        node.forget()

        said = node.install(HARENA_SMOKE_USER="").stdout

        assert f"an earlier run left {left}, and the values ask for none" in said
        assert node.called(f"{DEPLOY}harena")
        assert node.called(self.ASKED) == []
        assert "/v2/ours/user/manifests/newer" in node.site.asked

    def test_one_that_was_given_is_never_left_out(self, node: Machine, archive: Path) -> None:
        node.file("etc/harena/values.yaml").write_text("image: {registry: images.test/ours}\n")

        node.install(HARENA_IMAGES=str(archive.parent))

        assert node.called(f"{self.ASKED}{TAG} ")

    def test_one_of_docker_s_counts(self, node: Machine, archive: Path, tmp_path: Path) -> None:
        names = [f"{OURS}user:ours-7", f"{OURS}db:ours-7"]
        manifest = tmp_path / "manifest.json"
        manifest.write_text(json.dumps([{"RepoTags": names}, {"RepoTags": None}], indent=1))
        tar = ["tar", "-cf", str(archive), "-C", str(tmp_path), "manifest.json"]
        subprocess.run(tar, check=True)

        node.install(HARENA_IMAGES=str(archive.parent))

        assert node.called(f"{self.ASKED}ours-7 ")
        assert "/v2/harena/user/manifests/ours-7" not in node.site.asked
        assert "/v2/harena/metric/manifests/ours-7" in node.site.asked

    def test_without_one_the_values_say_it(self, node: Machine) -> None:
        node.install()

        assert node.called(f"{DEPLOY}harena")
        assert node.called(self.ASKED) == []

    def test_one_of_another_release_is_refused(self, node: Machine, archive: Path) -> None:
        write_ours(archive, "0.0.9-0123456789ab")

        said = node.refused(HARENA_IMAGES=str(archive.parent))

        assert f"holds our images of 0.0.9, and this checkout is {RELEASE}" in said
        assert "pack them from this checkout" in said
        assert "or remove it" not in said

    @pytest.mark.parametrize("tags", [("0.0.9-0123456789ab",), ("1", "2")])
    def test_one_that_is_left_over_can_be_removed(
        self, node: Machine, archive: Path, tags: tuple[str, ...]
    ) -> None:
        write_ours(archive, *tags)
        images = node.file("var/lib/rancher/k3s/agent/images")
        images.mkdir()
        archive.rename(images / archive.name)

        assert "; or remove it, where our images come from a registry" in node.refused()

    @pytest.mark.parametrize("tags", [(), ("1", "2")])
    def test_one_without_one_tag_is_refused(
        self, node: Machine, archive: Path, tags: tuple[str, ...]
    ) -> None:
        write_ours(archive, *tags)

        said = node.refused(HARENA_IMAGES=str(archive.parent))

        assert f"{archive} does not hold images of one tag, but: {' '.join(tags)}\n" in said


class TestStuckRelease:
    @pytest.mark.parametrize("release", ["harena", "ingress-nginx"])
    def test_an_interrupted_helm_is_cleared_up_after(self, node: Machine, release: str) -> None:
        (node.world / "pending" / release).touch()
        node.forget()

        done = node.install()

        assert f"left the release {release} pending" in done.stderr
        removed = node.called("kubectl .*delete secret/pending")[0]
        deployed = node.called(f"{DEPLOY}{release}")[0]
        assert node.calls.index(removed) < node.calls.index(deployed)

    def test_a_helm_that_is_at_work_is_not_disturbed(self, node: Machine) -> None:
        (node.world / "pending" / "harena").touch()
        node.say("pgrep", "4711\n")

        said = node.refused()

        assert "process 4711" in said
        assert (node.world / "pending" / "harena").exists()


class TestSmoke:
    @pytest.mark.parametrize(
        ("path", "status", "body"),
        [
            ("/health", 503, '{"status":"unhealthy"}'),
            ("/api/v1/users/auth/login", 401, '{"detail":"Identifiants incorrects"}'),
            ("/api/v1/metrics/income/yoy", 500, '{"detail":"Erreur interne"}'),
            ("/api/v1/metrics/coverage", 200, '{"data":{}}'),
            ("/api/v1/users/me", 401, '{"detail":"Session expirée"}'),
            ("/api/v3/conversation/7/stream", 429, '{"detail":"Trop de questions"}'),
            ("/api/v3/conversation/7/stream", 200, 'data: {"type":"response_start"}'),
        ],
    )
    def test_a_wrong_answer_fails_the_installation_and_is_shown(
        self, machine: Machine, site: Site, path: str, status: int, body: str
    ) -> None:
        site.answers[path] = (status, body)

        said = machine.refused()

        assert "does not answer as it should" in said
        assert (body in said) == (status != 200)
        # The others are asked all the same.
        assert ("healthy\n" in said) == (path != "/health")

    def test_the_edge_may_need_some_seconds(self, machine: Machine, site: Site) -> None:
        health = site.answers.pop("/health")
        with subprocess.Popen(
            machine.command("install.sh"),
            env=machine.environment({"HARENA_SMOKE_SECONDS": "30"}),
            stdout=subprocess.PIPE,
            text=True,
        ) as running:
            assert wait_until(lambda: "/health" in site.asked, 30)
            site.answers["/health"] = health
            running.communicate(timeout=30)

        assert running.returncode == 0

    def test_a_degraded_platform_is_shown_as_such(self, machine: Machine, site: Site) -> None:
        site.answers["/health"] = (200, '{"status":"degraded","services":{}}')

        assert "degraded" in machine.install().stdout

    def test_without_anybody_to_log_in_only_the_health_is_asked(
        self, machine: Machine, site: Site
    ) -> None:
        (machine.world / "demo").unlink()

        said = machine.install().stdout

        end = said[said.index("Harena is installed") :]
        assert "Only /health was tested: nobody has logged in." in end
        assert "Give HARENA_SMOKE_USER" in end
        assert not any("/api/" in path for path in site.asked)

    def test_the_last_line_says_what_was_tested(self, machine: Machine) -> None:
        last = machine.install().stdout.splitlines()[-1]

        assert re.fullmatch(
            r"Harena is installed, in \d+ s\. Tested: /health, the log-in of henri@example\.com, "
            r"five figures and one answer\.",
            last,
        )

    def test_somebody_of_the_operator_s_logs_in(self, machine: Machine, site: Site) -> None:
        machine.install(HARENA_SMOKE_USER="a@b.fr", HARENA_SMOKE_PASSWORD='p"a\\ss &')

        assert parse_qs(site.bodies[0]) == {"username": ["a@b.fr"], "password": ['p"a\\ss &']}

    @pytest.mark.parametrize("tls", ["", "harena-tls"])
    def test_the_name_of_the_ingress_is_asked_at_the_node(self, machine: Machine, tls: str) -> None:
        port = machine.site.tls_port if tls else machine.site.url.rsplit(":", 1)[1]
        machine.say("k3s-host", f"harena.invalid:{port}")
        machine.say("k3s-tls", tls)

        said = machine.install(HARENA_URL="").stdout

        assert f"http{'s' if tls else ''}://harena.invalid:{port} " in said
        assert "henri@example.com" in said

    def test_without_a_name_the_node_is_asked_by_its_address(self, machine: Machine) -> None:
        said = machine.refused(HARENA_URL="")

        assert "  http://127.0.0.1 " in said

    def test_a_certificate_of_nobody_is_not_believed(self, machine: Machine) -> None:
        machine.say("k3s-host", f"somebody.invalid:{machine.site.tls_port}")
        machine.say("k3s-tls", "harena-tls")

        said = machine.refused(HARENA_URL="")

        assert "does not answer as it should" in said
        assert machine.site.bodies == []
