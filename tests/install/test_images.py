"""The images of the chart: asked for at their registries, or found in archives."""

import re
import subprocess
from pathlib import Path

import pytest
from tests.install.conftest import (
    BINARY,
    CONTROLLER,
    DEPLOY,
    HELM,
    TAG,
    VERSION,
    Machine,
    Site,
    chart_images,
    program,
    run_documented,
    write_ours,
)


class TestRegistries:
    """Images that are in no archive are asked for, as our own are published nowhere."""

    OURS = "/v2/harena/user/manifests/0.1.0"

    def values(self, machine: Machine, text: str) -> dict[str, str]:
        file = machine.root.parent / "values.yaml"
        file.write_text(text)
        return {"HARENA_VALUES": str(file)}

    def test_each_image_of_the_chart_is_asked_for_at_its_registry(
        self, machine: Machine, site: Site
    ) -> None:
        said = machine.install("--preflight").stdout

        asked = {path for path in site.asked if path.startswith("/v2/")}
        assert len(asked) == len(chart_images())
        assert {self.OURS, "/v2/library/postgres/manifests/18.6-bookworm"} <= asked
        assert machine.called(r"^curl .*https://registry-1\.docker\.io/v2/valkey/valkey/")
        assert "each is here or in its registry" in said

    def test_the_documented_commands_push_what_the_preflight_asks_for(
        self, machine: Machine, site: Site, tmp_path: Path
    ) -> None:
        scratch = tmp_path / "elsewhere"
        scratch.mkdir()
        archive = scratch / "harena.tar"
        write_ours(archive, TAG, registry="images.test/ours/")
        run_documented("tar -xOf", scratch, FOLDER=str(scratch))
        text = f"image: {{registry: images.test/ours, tag: {TAG}}}\n"

        machine.install("--preflight", **self.values(machine, text))

        asked = {
            "images.test/" + path.removeprefix("/v2/").replace("/manifests/", ":")
            for path in site.asked
            if path.startswith("/v2/ours/")
        }
        assert f"images.test/ours/db:{TAG}" in asked
        assert set((scratch / "calls").read_text().splitlines()) == {
            f"skopeo copy oci-archive:{archive}:{name} docker://{name}" for name in asked
        }

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_one_that_is_not_there_stops_it_before_anything_is_changed(
        self, machine: Machine, site: Site, status: int
    ) -> None:
        site.answers[self.OURS] = (status, "")
        before = machine.snapshot()

        said = machine.refused()

        finding, remedy = said[said.index("their registries have none") :].splitlines()[:2]
        assert finding.endswith(": ghcr.io/harena/user:0.1.0")
        assert "image.registry, image.tag in /etc/harena/values.yaml" in remedy
        assert "HARENA_IMAGES" in remedy
        assert "1 errors" in said
        assert machine.snapshot() == before

    def test_a_registry_that_does_not_answer_is_told_from_that(
        self, machine: Machine, site: Site
    ) -> None:
        site.answers[self.OURS] = (503, "")
        machine.fail("^curl .*(registry-1.docker|quay).io/v2/")

        said = machine.refused()

        named = re.search("their registries do not answer: (.+)", said)
        assert named
        silent = {image for image in chart_images() if not image.startswith("ghcr.io/")}
        assert set(named[1].split()) == silent | {"ghcr.io/harena/user:0.1.0"}
        assert "1 errors" in said
        # Each was waited for once.
        assert len(machine.called("^curl .*(registry-1.docker|quay).io/v2/")) == 2

    @pytest.mark.parametrize("status", [401, 403, 429])
    def test_one_that_does_not_tell_everybody_may_tell_k3s(
        self, machine: Machine, site: Site, status: int
    ) -> None:
        site.answers["/v2/library/postgres/manifests/18.6-bookworm"] = (status, "")

        said = machine.install("--preflight").stdout

        named = re.search("do not tell everybody, or not now: (.+)\n.*-> see that k3s can", said)
        assert named
        assert named[1] == "docker.io/library/postgres:18.6-bookworm"
        assert "0 errors, 1 warnings" in said

    def test_k3s_s_proxy_is_asked_and_its_silence_is_a_warning(
        self, machine: Machine, site: Site
    ) -> None:
        settings = machine.file("etc/default/k3s")
        settings.parent.mkdir(parents=True)
        proxy = site.url.replace("//", "//user:s3cret@")
        settings.write_text(
            f'CONTAINERD_HTTPS_PROXY="{proxy}"\nHTTPS_PROXY=http://127.0.0.1:1\n'
            "NO_PROXY='ghcr.io,quay.io'\n"
        )

        done = machine.install("--preflight")

        assert [path for path in site.asked if path.endswith(f":{site.tls_port}")]
        named = re.search("their registries do not answer: (.+)", done.stdout)
        assert named
        direct = ("ghcr.io/", "quay.io/")
        assert set(named[1].split()) == {x for x in chart_images() if not x.startswith(direct)}
        assert "0 errors, 1 warnings" in done.stdout
        assert "s3cret" not in "\n".join(machine.calls) + done.stdout + done.stderr

    def test_a_registry_of_one_s_own(self, machine: Machine, site: Site) -> None:
        digest = f"sha256:{'0' * 64}"
        image = (
            f"services: {{user: {{image: images.test:443/u@{digest}}}, metric: {{image: me/m:1}}}}"
        )
        text = f"image: {{registry: images.test/ours}}\n{image}\n"

        machine.install("--preflight", **self.values(machine, text))

        expected = {f"u/manifests/{digest}", "me/m/manifests/1", "ours/db/manifests/0.1.0"}
        assert {f"/v2/{path}" for path in expected} <= set(site.asked)
        assert machine.called("^curl .*ghcr.io") == []
        assert machine.called(r"^curl .*https://images.test:443/v2/u/")
        assert machine.called(r"^curl .*https://registry-1\.docker\.io/v2/me/m/")

    @pytest.mark.parametrize(
        "answer", ['{"token":"anybody"}', '{"a": 1, "access_token": "anybody"}']
    )
    def test_a_registry_that_gives_anybody_a_token(
        self, machine: Machine, site: Site, answer: str
    ) -> None:
        site.challenge = 'Bearer realm="https://auth.test/token",service="images"'
        for image in chart_images():
            name = image.split("/", 1)[1].split(":")[0]
            query = f"scope=repository:{name}:pull&service=images"
            site.answers[f"/token?{query}"] = (200, answer)

        machine.install("--preflight")

        assert site.tokens == {"Bearer anybody"}
        assert "anybody" not in "\n".join(machine.calls)

    def test_a_registry_that_gives_nobody_a_token(self, machine: Machine, site: Site) -> None:
        site.challenge = 'Bearer realm="https://auth.test/token",service="images"'

        said = machine.refused()

        # Ours are nowhere; the others' may be told to k3s.
        assert re.search("registries have none: ghcr.io/harena/", said)
        assert re.search("do not tell everybody, or not now: docker.io/", said)
        assert "1 errors, 1 warnings" in said

    def test_with_credentials_for_k3s_it_is_a_warning(self, machine: Machine, site: Site) -> None:
        site.answers[self.OURS] = (401, "")
        text = "image: {pullSecrets: [ours]}\n"

        said = machine.install("--preflight", **self.values(machine, text)).stdout

        assert "0 errors, 1 warnings" in said

    def test_with_other_registries_for_k3s_it_is_a_warning(
        self, machine: Machine, site: Site
    ) -> None:
        site.answers[self.OURS] = (404, "")
        mirrors = machine.file("etc/rancher/k3s/registries.yaml")
        mirrors.parent.mkdir(parents=True)
        mirrors.write_text("mirrors: {}\n")

        assert "0 errors, 1 warnings" in machine.install("--preflight").stdout

    def test_what_is_in_an_archive_is_not_asked_for(self, machine: Machine, site: Site) -> None:
        folder = machine.airgap()
        (folder / "grafana.tar").unlink()

        machine.install(HARENA_IMAGES=str(folder))

        asked = [path for path in site.asked if path.startswith("/v2/")]
        assert asked == ["/v2/grafana/grafana/manifests/13.2.0"]

    def test_what_was_put_on_the_node_is_not_asked_for_again(
        self, node: Machine, site: Site
    ) -> None:
        node.say("k3s-images", "ghcr.io/harena/user:0.1.0\nsha256:0\n")
        folder = node.airgap()
        archives = node.file("var/lib/rancher/k3s/agent/images")
        archives.mkdir()
        (folder / "redis_exporter.tar").rename(archives / "redis_exporter.tar")
        asked = len(chart_images())

        node.install()

        paths = {path for path in site.asked if path.startswith("/v2/")}
        assert len(paths) == asked - 2
        assert not any("redis_exporter" in path or "harena/user" in path for path in paths)


class TestAirgap:
    def test_nothing_is_asked_of_the_network(self, machine: Machine, site: Site) -> None:
        folder = machine.airgap()

        machine.install(HARENA_AIRGAP=str(folder))

        # The cloud's metadata address is of the machine.
        assert {path.split("/")[1] for path in site.asked} == {"latest", "health", "api"}
        assert machine.file(BINARY).read_bytes() == program(VERSION)
        images = machine.file("var/lib/rancher/k3s/agent/images")
        assert (images / "k3s-airgap-images-amd64.tar.zst").exists()
        nginx = machine.called(f"{DEPLOY}ingress-nginx")[0]
        assert f"{folder}/{CONTROLLER}" in nginx
        assert "--repo" not in nginx
        # Its archive knows it by the tag alone.
        assert "--set controller.image.digest= " in nginx

    def test_k3s_s_own_images_may_be_without_compression(self, machine: Machine) -> None:
        folder = machine.airgap()
        (folder / "k3s-airgap-images-amd64.tar.zst").rename(folder / "k3s-airgap-images-amd64.tar")
        machine.sum_up(folder)

        machine.install(HARENA_AIRGAP=str(folder))

        images = machine.file("var/lib/rancher/k3s/agent/images")
        assert (images / "k3s-airgap-images-amd64.tar").exists()

    @pytest.mark.parametrize(
        "missing",
        ["k3s", HELM, CONTROLLER, "k3s-airgap-images-amd64.tar.zst", "SHA256SUMS"],
    )
    def test_what_is_missing_is_named(self, machine: Machine, missing: str) -> None:
        folder = machine.airgap()
        (folder / missing).unlink()

        assert f"{missing} is not in" in machine.refused(HARENA_AIRGAP=str(folder))

    @pytest.mark.parametrize(
        ("archive", "images"),
        [
            ("controller.tar", "registry.k8s.io/ingress-nginx/controller:v1.15.1"),
            ("grafana.tar", "docker.io/grafana/grafana:13.2.0"),
            ("*.tar", "*"),
        ],
    )
    def test_an_image_in_no_archive_is_named(
        self, machine: Machine, archive: str, images: str
    ) -> None:
        folder = machine.airgap()
        for path in list(folder.glob(archive)):
            path.unlink()
        machine.sum_up(folder)

        said = machine.refused(HARENA_AIRGAP=str(folder))

        named = re.search(rf"in no \.tar of {folder}: (.+)", said)
        assert named
        everything = chart_images() | {"registry.k8s.io/ingress-nginx/controller:v1.15.1"}
        assert set(named[1].split()) == (everything if images == "*" else {images})
        assert "1 errors" in said

    def test_ours_of_another_registry_are_named(self, machine: Machine) -> None:
        values = machine.root.parent / "values.yaml"
        values.write_text("image: {registry: registry.test}\n")
        folder = machine.airgap()

        said = machine.refused(HARENA_AIRGAP=str(folder), HARENA_VALUES=str(values))

        assert f"in no .tar of {folder}:" in said
        assert f" registry.test/db:{TAG}" in said

    def test_only_images_that_the_values_name_are_wanted(self, machine: Machine) -> None:
        folder = machine.airgap()
        (folder / "grafana.tar").unlink()
        machine.sum_up(folder)
        values = folder.parent / "values.yaml"
        values.write_text("monitoring: {grafana: {enabled: false}}\n")

        said = machine.install(HARENA_AIRGAP=str(folder), HARENA_VALUES=str(values)).stdout

        assert "each is here or in its registry" in said

    def test_a_release_s_own_values_count(self, node: Machine) -> None:
        folder = node.airgap()
        node.say("helm-values", "monitoring: {grafana: {image: registry.test/grafana:1}}\n")

        assert f"{folder}: registry.test/grafana:1\n" in node.refused(HARENA_AIRGAP=str(folder))

    def test_values_that_nobody_can_read_are_told(self, node: Machine) -> None:
        folder = node.airgap()
        (folder / "grafana.tar").unlink()
        node.sum_up(folder)
        (node.world / "active" / "k3s").unlink()

        said = node.install(HARENA_AIRGAP=str(folder)).stdout

        assert "nobody looked for its images" in said
        assert "0 errors, 1 warnings" in said

    def test_an_archive_of_docker_s_names_counts(self, machine: Machine) -> None:
        folder = machine.airgap()
        (folder / "postgres.tar").unlink()
        (folder / "manifest.json").write_text('[{"RepoTags":["postgres:18.6-bookworm"]}]')
        tar = ["tar", "-cf", "database.tar", "--remove-files", "manifest.json"]
        subprocess.run(tar, cwd=folder, check=True)
        machine.sum_up(folder)

        machine.install(HARENA_AIRGAP=str(folder))

    def test_values_that_the_chart_refuses_stop_it_here(self, machine: Machine) -> None:
        values = machine.root.parent / "values.yaml"
        values.write_text("sevices: {}\n")

        said = machine.refused(HARENA_AIRGAP=str(machine.airgap()), HARENA_VALUES=str(values))

        assert re.search("the chart refuses it: Error: .*sevices", said)

    def test_a_chart_of_the_controller_that_helm_cannot_use(self, machine: Machine) -> None:
        folder = machine.airgap()
        (folder / CONTROLLER).write_text("no archive")
        machine.sum_up(folder)

        assert f"helm cannot use {CONTROLLER}: Error" in machine.refused(HARENA_AIRGAP=str(folder))

    def test_what_was_damaged_on_the_way_is_not_used(self, machine: Machine) -> None:
        folder = machine.airgap()
        (folder / "harena.tar").write_text("damaged")

        assert "not everything is as SHA256SUMS says" in machine.refused(HARENA_AIRGAP=str(folder))

    def test_no_checksum_recorded_is_refused_here_too(self, machine: Machine) -> None:
        machine.versions(K3S_SHA256="")

        said = machine.refused(HARENA_AIRGAP=str(machine.airgap()))

        assert "no checksum is recorded" in said
