"""install.sh on a bare server, on a half-made one, and on one that is a node already."""

import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.install.conftest import (
    HELM,
    NGINX_ON,
    ROOT,
    VERSION,
    Machine,
    Site,
    program,
    sha256,
)

from harena_local.process import wait_until

RESTART = r"^systemctl restart k3s"
DEPLOY = r"^helm upgrade --install "
BINARY = "usr/local/bin/k3s"


class TestFresh:
    def test_everything_is_there_and_was_asked(self, machine: Machine, site: Site) -> None:
        done = machine.install()

        assert machine.file(BINARY).read_bytes() == program(VERSION)
        assert stat.S_IMODE(machine.file(BINARY).stat().st_mode) == 0o755
        for name in ("kubectl", "crictl", "ctr"):
            assert machine.file(f"usr/local/bin/{name}").readlink() == Path("k3s")
        assert len(machine.called(RESTART)) == 1
        assert [call.split()[3] for call in machine.called(DEPLOY)] == ["ingress-nginx", "harena"]
        for shown in ("healthy", "2104.37 EUR", "26000.5", "3120.0", "38000.0", "32.55 %"):
            assert shown in done.stdout
        assert site.tokens == {"Bearer a.b.c"}
        assert site.bodies == ["username=henri%40example.com&password=Henri123456"]

    def test_each_file_is_as_in_the_checkout_and_root_s_alone(self, machine: Machine) -> None:
        machine.install()

        files = ROOT / "k3s" / "files"
        for source in (path for path in files.rglob("*") if path.is_file()):
            placed = machine.file(str(source.relative_to(files)))
            assert placed.read_bytes() == source.read_bytes()
            private = "rancher" in source.parts
            assert stat.S_IMODE(placed.stat().st_mode) == (0o600 if private else 0o644), source

    def test_settings_are_there_before_k3s_starts(self, machine: Machine) -> None:
        machine.install(HARENA_IMAGES=str(machine.airgap()))

        calls = machine.calls
        start = calls.index("systemctl restart k3s.service")
        for earlier in ("mv .*10-harena.conf", "mv .*/agent/images/harena.tar", "sysctl --quiet"):
            assert calls.index(machine.called(earlier)[0]) < start

    def test_no_secret_is_on_a_command_line_or_shown(self, machine: Machine) -> None:
        done = machine.install(HARENA_SEARCH_URL="http://user:s3cret@127.0.0.1:1")

        for secret in ("Henri123456", "a.b.c", "s3cret"):
            assert secret not in "\n".join(machine.calls) + done.stdout + done.stderr

    def test_the_platform_gets_the_operator_s_values(self, machine: Machine) -> None:
        machine.install()
        assert "--reset-then-reuse-values" in machine.called(f"{DEPLOY}harena")[0]
        machine.forget()
        values = machine.file("etc/harena/values.yaml")
        values.parent.mkdir()
        values.write_text("demo: {enabled: true}\n")

        machine.install()

        assert f"--reset-values --values {values}" in machine.called(f"{DEPLOY}harena")[0]

    def test_what_listens_beyond_the_machine_is_said(self, machine: Machine) -> None:
        machine.say(
            "ss",
            'LISTEN 0 4096 *:6443 *:* users:(("k3s-server",pid=9,fd=14))\n'
            'LISTEN 0 4096 127.0.0.1:10248 0.0.0.0:* users:(("k3s-server",pid=9,fd=15))\n'
            'LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=7,fd=3))\n',
        )

        shown = machine.install().stdout.split("Listening beyond this machine")[1]

        assert "6443" in shown
        assert "sshd" in shown
        assert "10248" not in shown
        assert "revoke-security-group-ingress" in shown


class TestAgain:
    def test_changes_nothing_and_restarts_nothing(self, machine: Machine, site: Site) -> None:
        images = str(machine.airgap())
        machine.install(HARENA_IMAGES=images)
        before = machine.snapshot()
        machine.forget()

        machine.install(HARENA_IMAGES=images)

        assert machine.snapshot() == before
        assert machine.called("^systemctl (?!is-)|^mv |^install ") == []
        assert not any("k3s/" in path or "helm" in path for path in site.asked)

    @pytest.mark.parametrize(
        "name",
        [
            "etc/rancher/k3s/config.yaml",
            "etc/systemd/system/k3s.service",
            "var/lib/rancher/k3s/agent/etc/kubelet.conf.d/10-harena.conf",
        ],
    )
    def test_a_changed_file_is_put_right_with_one_restart(
        self, machine: Machine, name: str
    ) -> None:
        machine.install()
        machine.file(name).write_text("edited\n")
        machine.forget()

        machine.install()

        assert machine.file(name).read_bytes() == (ROOT / "k3s" / "files" / name).read_bytes()
        assert len(machine.called(RESTART)) == 1

    def test_the_operator_s_own_settings_stay_and_are_taken_up(self, machine: Machine) -> None:
        machine.install()
        own = machine.file("etc/rancher/k3s/config.yaml.d/90-own.yaml")
        own.write_text("tls-san: [node.example.com]\n")
        for restarts in (1, 0):
            machine.forget()

            machine.install()

            assert own.exists()
            assert len(machine.called(RESTART)) == restarts

    def test_a_wrong_mode_is_put_right(self, machine: Machine) -> None:
        machine.install()
        config = machine.file("etc/rancher/k3s/config.yaml")
        config.chmod(0o644)

        machine.install()

        assert stat.S_IMODE(config.stat().st_mode) == 0o600

    def test_a_stopped_k3s_is_started(self, machine: Machine) -> None:
        machine.install()
        (machine.world / "active" / "k3s").unlink()
        machine.forget()

        machine.install()

        assert len(machine.called(RESTART)) == 1

    def test_another_image_is_no_reason_to_restart(self, machine: Machine) -> None:
        folder = machine.airgap()
        machine.install(HARENA_IMAGES=str(folder))
        (folder / "harena.tar").write_text("newer")
        machine.forget()

        machine.install(HARENA_IMAGES=str(folder))

        images = machine.file("var/lib/rancher/k3s/agent/images")
        assert (images / "harena.tar").read_text() == "newer"
        assert sorted(path.name for path in images.iterdir()) == [
            "harena.tar",
            "k3s-airgap-images-amd64.tar.zst",
        ]
        assert machine.called(RESTART) == []

    def test_a_kubectl_of_somebody_else_is_left_alone(self, machine: Machine) -> None:
        theirs = machine.file("usr/local/bin/kubectl")
        theirs.write_text("theirs")

        assert "is left alone" in machine.install().stdout
        assert theirs.read_text() == "theirs"

    def test_a_helm_4_that_is_there_is_used(self, machine: Machine, site: Site) -> None:
        helm = machine.world / "bin" / "helm"
        helm.write_bytes(program("v4.1.0"))
        helm.chmod(0o755)

        machine.install()

        assert not machine.file("usr/local/bin/helm").exists()
        assert not any("helm" in path for path in site.asked)


# Where it stops, what makes it stop there, and what must not be done a second time.
STOPS = {
    "k3s does not download": (r"^curl .*/k3s$", ""),
    "k3s is not put in place": (r"^mv .*/bin/k3s$", ""),
    "an image is not put in place": (r"^mv .*agent/images/harena", r"^mv .*/bin/k3s$"),
    "a setting is not put in place": (r"^mv .*10-hardening", r"^mv .*/config\.yaml$"),
    "the kernel refuses a setting": (r"^sysctl ", r"^mv .*(etc|agent)/"),
    "k3s does not start": (RESTART, r"^mv .*(etc|agent)/"),
    "the node does not appear": (r"^k3s kubectl wait --for=create node", RESTART),
    "the node is never ready": (r"^k3s kubectl wait .*Ready", RESTART),
    "helm does not download": (rf"^curl .*/{HELM}$", RESTART),
    "helm is not put in place": (r"^mv .*/bin/helm$", RESTART),
    "the ingress controller fails": (rf"{DEPLOY}ingress-nginx", r"^mv |" + RESTART),
    "the platform fails": (rf"{DEPLOY}harena", r"^mv |" + RESTART),
    "the log-in fails": (r"^curl .*auth/login$", r"^mv |" + RESTART),
}


class TestHalfInstalled:
    @pytest.mark.parametrize("stop", STOPS)
    def test_goes_on_where_it_stopped(self, machine: Machine, stop: str) -> None:
        failing, done_once = STOPS[stop]
        images = str(machine.airgap())
        machine.fail(failing)
        said = machine.refused(HARENA_IMAGES=images)
        assert "run this again to go on" in said
        assert "Harena is installed" not in said
        machine.fail("")
        machine.forget()

        done = machine.install(HARENA_IMAGES=images)

        assert "Harena is installed" in done.stdout
        assert not done_once or machine.called(done_once) == []
        assert machine.file("var/lib/harena/started-with").read_text().startswith(VERSION)

    def test_settings_written_without_a_restart_get_one(self, machine: Machine) -> None:
        machine.install()
        config = machine.checkout / "k3s/files/etc/rancher/k3s/config.yaml"
        config.write_text(config.read_text() + "debug: true\n")
        machine.fail(RESTART)
        machine.refused()
        machine.fail("")
        machine.forget()

        machine.install()

        assert machine.called("^mv .*config.yaml") == []
        assert len(machine.called(RESTART)) == 1


class TestVersions:
    OLDER, OTHER = "v1.35.6+k3s1", "v1.36.1+k3s1"

    def at(self, machine: Machine, version: str) -> None:
        checksum = machine.site.release(version)
        machine.versions(K3S_VERSION=version, K3S_SHA256=checksum)

    @pytest.mark.parametrize("present", [OLDER, OTHER])
    def test_an_older_one_is_updated_with_its_datastore_kept(
        self, machine: Machine, present: str
    ) -> None:
        self.at(machine, present)
        machine.install()
        self.at(machine, VERSION)
        machine.forget()

        done = machine.install()

        assert machine.file(BINARY).read_bytes() == program(VERSION)
        assert f"{present}, to be updated to {VERSION}" in done.stdout
        assert len(machine.called(RESTART)) == 1
        kept = machine.file(f"var/lib/harena/k3s-{present}.tar")
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        datastore = subprocess.run(["tar", "-xOf", kept, "db/state.db"], capture_output=True)
        assert present.encode() in datastore.stdout

    def test_a_failed_update_does_not_replace_the_kept_datastore(self, machine: Machine) -> None:
        self.at(machine, self.OLDER)
        machine.install()
        self.at(machine, VERSION)
        machine.fail(r"^k3s kubectl wait .*Ready")
        machine.refused()
        kept = machine.file(f"var/lib/harena/k3s-{self.OLDER}.tar")
        before = kept.read_bytes()
        # As if it had been killed before it could write down what it started.
        started = machine.file("var/lib/harena/started-with")
        started.write_text(f"{self.OLDER} 0\n")
        machine.fail("")

        machine.install()

        assert kept.read_bytes() == before

    def test_a_newer_one_is_not_taken_back(self, machine: Machine) -> None:
        self.at(machine, "v1.36.4+k3s1")
        machine.install()
        self.at(machine, VERSION)
        before = machine.snapshot()

        said = machine.refused()

        assert "v1.36.4+k3s1 is here, newer than" in said
        assert machine.snapshot() == before

    def test_a_minor_version_is_not_skipped(self, machine: Machine) -> None:
        self.at(machine, "v1.34.9+k3s1")
        machine.install()
        self.at(machine, VERSION)

        said = machine.refused()

        assert "skips a minor version" in said
        assert "the last v1.35 first" in said

    def test_the_version_of_kept_data_counts(self, machine: Machine) -> None:
        self.at(machine, "v1.36.4+k3s1")
        machine.install()
        machine.uninstall()
        self.at(machine, VERSION)

        assert "its data cannot go back" in machine.refused()

    def test_a_k3s_of_another_installer_is_taken_over_with_a_warning(
        self, machine: Machine
    ) -> None:
        machine.install()
        machine.file("etc/systemd/system/k3s.service").write_text("[Unit]\nDescription=theirs\n")

        assert "another installer put it here" in machine.install().stdout


class TestChecksums:
    def test_another_content_than_recorded_is_not_installed(
        self, machine: Machine, site: Site
    ) -> None:
        recorded = sha256(program(VERSION))
        site.files[f"/k3s/{VERSION.replace('+', '%2B')}/k3s"] = b"something else"

        said = machine.refused()

        assert f"not {recorded}: it was thrown away" in said
        assert not machine.file(BINARY).exists()
        assert machine.called(RESTART) == []

    def test_a_release_that_says_another_one_is_not_even_downloaded(
        self, machine: Machine, site: Site
    ) -> None:
        site.release(VERSION, listed="f" * 64)

        assert "find out which of the two is wrong" in machine.refused()
        assert [path for path in site.asked if path.endswith("/k3s")] == []

    def test_none_recorded_is_refused_with_what_the_release_says(
        self, machine: Machine, site: Site
    ) -> None:
        machine.versions(K3S_SHA256="")
        checksum = sha256(program(VERSION))

        said = machine.refused()

        assert f"no checksum is recorded for it; {checksum} is what the release says" in said
        assert "HARENA_K3S_SHA256" in said
        assert [path for path in site.asked if path.endswith("/k3s")] == []

    def test_none_recorded_and_one_given(self, machine: Machine) -> None:
        machine.versions(K3S_SHA256="")
        with_it = {"HARENA_K3S_SHA256": sha256(program(VERSION))}

        assert "thrown away" in self.wrong(machine)
        machine.install(**with_it)
        # What is installed has been verified: it is not asked for again.
        machine.install()

    def wrong(self, machine: Machine) -> str:
        listing = f"/k3s/{VERSION.replace('+', '%2B')}/sha256sum-amd64.txt"
        kept = machine.site.files[listing]
        machine.site.files[listing] = b"nothing of k3s\n"
        said = machine.refused(HARENA_K3S_SHA256="e" * 64)
        machine.site.files[listing] = kept
        return said

    def test_helm_s_is_asked_for_too(self, machine: Machine) -> None:
        machine.versions(HELM_SHA256="")

        assert "HARENA_HELM_SHA256" in machine.refused()

    def test_the_repository_invents_none(self) -> None:
        text = (ROOT / "k3s" / "versions.env").read_text()

        for name in ("K3S_SHA256", "HELM_SHA256"):
            value = text.split(f'{name}="')[1].split('"')[0]
            assert value == "" or (len(value) == 64 and len(set(value)) > 8)


class TestAirgap:
    def test_nothing_is_asked_of_the_network(self, machine: Machine, site: Site) -> None:
        folder = machine.airgap()

        machine.install(HARENA_AIRGAP=str(folder))

        assert {path.split("/")[1] for path in site.asked} == {"health", "api"}
        assert machine.file(BINARY).read_bytes() == program(VERSION)
        images = machine.file("var/lib/rancher/k3s/agent/images")
        assert (images / "k3s-airgap-images-amd64.tar.zst").exists()
        nginx = machine.called(f"{DEPLOY}ingress-nginx")[0]
        assert f"{folder}/ingress-nginx-4.15.1.tgz" in nginx
        assert "--repo" not in nginx

    @pytest.mark.parametrize(
        "missing",
        ["k3s", HELM, "ingress-nginx-4.15.1.tgz", "k3s-airgap-images-amd64.tar.zst", "SHA256SUMS"],
    )
    def test_what_is_missing_is_named(self, machine: Machine, missing: str) -> None:
        folder = machine.airgap()
        (folder / missing).unlink()

        assert f"{missing} is not in" in machine.refused(HARENA_AIRGAP=str(folder))

    def test_what_was_damaged_on_the_way_is_not_used(self, machine: Machine) -> None:
        folder = machine.airgap()
        (folder / "harena.tar").write_text("damaged")

        assert "not everything is as SHA256SUMS says" in machine.refused(HARENA_AIRGAP=str(folder))

    def test_no_checksum_recorded_is_refused_here_too(self, machine: Machine) -> None:
        machine.versions(K3S_SHA256="")

        said = machine.refused(HARENA_AIRGAP=str(machine.airgap()))

        assert "no checksum is recorded" in said


class TestDryRun:
    def test_on_a_bare_server_changes_nothing_and_prints_each_command(
        self, machine: Machine
    ) -> None:
        before = machine.snapshot()

        done = machine.install("--dry-run", HARENA_IMAGES=str(machine.airgap()))

        assert machine.snapshot() == before
        reads = "id|uname|nproc|df|ss|timedatectl|getenforce|pgrep|modprobe --dry-run"
        reads += "|systemctl is-|curl .*--dump-header"
        assert machine.called(f"^(?!{reads})") == []
        for command in ("curl", "install -D", "systemctl restart", "helm upgrade --install harena"):
            assert f"dry run {command}" in done.stdout

    def test_on_a_node_shows_only_what_would_change(self, machine: Machine) -> None:
        machine.install()
        before = machine.snapshot()
        done = machine.install("--dry-run")
        assert "systemctl" not in done.stdout
        machine.file("etc/rancher/k3s/psa.yaml").unlink()
        before.pop("etc/rancher/k3s/psa.yaml")

        done = machine.install("--dry-run")

        assert "dry run systemctl restart" in done.stdout
        assert machine.snapshot() == before

    def test_says_where_a_real_run_would_stop(self, machine: Machine) -> None:
        machine.say("df", "10")

        said = machine.refused("--dry-run")

        assert "helm upgrade --install harena" in said
        assert "would have stopped at the preflight" in said


class TestIngress:
    def test_from_nginx_to_traefik(self, machine: Machine) -> None:
        machine.install()
        machine.forget()

        machine.install(HARENA_INGRESS="traefik")

        assert not machine.file(NGINX_ON).exists()
        assert len(machine.called(RESTART)) == 1
        order = [
            machine.called(pattern)[0]
            for pattern in (
                RESTART,
                "^helm uninstall ingress-nginx",
                "^k3s kubectl wait --for=create crd/middlewares",
                "^k3s kubectl apply --filename .*k8s/traefik/helmchartconfig.yaml",
                "rollout status deployment/traefik",
                f"{DEPLOY}harena",
            )
        ]
        assert order == sorted(order, key=machine.calls.index)
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

    def test_traefik_without_its_settings_is_refused(self, machine: Machine) -> None:
        (machine.checkout / "k8s/traefik/helmchartconfig.yaml").unlink()

        assert "is not in this checkout" in machine.refused(HARENA_INGRESS="traefik")


class TestStuckRelease:
    @pytest.mark.parametrize("release", ["harena", "ingress-nginx"])
    def test_an_interrupted_helm_is_cleared_up_after(
        self, machine: Machine, release: str
    ) -> None:
        machine.install()
        (machine.world / "pending" / release).touch()
        machine.forget()

        done = machine.install()

        assert f"left the release {release} pending" in done.stderr
        removed = machine.called("kubectl .*delete secret/pending")[0]
        deployed = machine.called(f"{DEPLOY}{release}")[0]
        assert machine.calls.index(removed) < machine.calls.index(deployed)

    def test_a_helm_that_is_at_work_is_not_disturbed(self, machine: Machine) -> None:
        machine.install()
        (machine.world / "pending" / "harena").touch()
        machine.say("pgrep", "4711\n")

        said = machine.refused()

        assert "process 4711" in said
        assert (machine.world / "pending" / "harena").exists()


class TestSmoke:
    @pytest.mark.parametrize(
        ("path", "status", "body"),
        [
            ("/health", 503, '{"status":"unhealthy"}'),
            ("/api/v1/users/auth/login", 401, '{"detail":"Identifiants incorrects"}'),
            ("/api/v1/metrics/income/yoy", 500, '{"detail":"Erreur interne"}'),
            ("/api/v1/metrics/coverage", 200, '{"data":{}}'),
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

        done = machine.install()

        assert "only the health was asked" in done.stderr
        assert not any("/api/" in path for path in site.asked)

    def test_somebody_of_the_operator_s_logs_in(self, machine: Machine, site: Site) -> None:
        machine.install(HARENA_SMOKE_USER="a@b.fr", HARENA_SMOKE_PASSWORD='p"a\\ss &')

        assert site.bodies == ["username=a%40b.fr&password=p%22a%5Css%20%26"]

    def test_the_name_of_the_ingress_is_asked_at_the_node(self, machine: Machine) -> None:
        port = machine.site.url.rsplit(":", 1)[1]
        machine.say("host", f"harena.invalid:{port}")

        assert f"http://harena.invalid:{port}" in machine.install(HARENA_URL="").stdout


class TestTwoAtOnce:
    def test_the_second_one_is_told_to_wait(self, machine: Machine) -> None:
        import os

        os.mkfifo(machine.world / "gate")
        (machine.world / "block").write_text(RESTART)
        with subprocess.Popen(
            machine.command("install.sh"),
            env=machine.environment({}),
            stdout=subprocess.DEVNULL,
        ) as first:
            assert wait_until(lambda: bool(machine.called(RESTART)), 30)

            installing = machine.run("install.sh")
            uninstalling = machine.run("uninstall.sh")

            (machine.world / "block").unlink()
            (machine.world / "gate").write_text("go\n")
            assert first.wait(timeout=30) == 0
        for second in (installing, uninstalling):
            assert second.returncode == 1
            assert "at work on this machine" in second.stderr


class TestFiles:
    def test_the_node_has_the_name_that_is_waited_for(self) -> None:
        config = yaml.safe_load((ROOT / "k3s/files/etc/rancher/k3s/config.yaml").read_text())
        common = (ROOT / "k3s/lib/common.sh").read_text()

        assert f"readonly NODE={config['node-name']}\n" in common

    def test_an_unknown_argument_is_refused(self, machine: Machine) -> None:
        assert "Unknown argument: --dryrun" in machine.refused("--dryrun")
        assert machine.calls == []

    def test_the_manual_and_the_page_name_every_setting(self, machine: Machine) -> None:
        import re

        scripts = [ROOT / "k3s/install.sh", *(ROOT / "k3s/lib").glob("*.sh")]
        read = {
            name
            for script in scripts
            for name in re.findall(r"\$\{(HARENA_[A-Z0-9_]+):?-", script.read_text())
        } - {"HARENA_ROOT"}
        manual = machine.install("--help").stdout
        page = (ROOT / "docs" / "node.md").read_text()

        assert {name for name in read if name not in manual or name not in page} == set()
        assert len(read) > 10
