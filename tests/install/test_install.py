"""install.sh on a bare server, on a half-made one, and on one that is a node already."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from tests.install.conftest import (
    BINARY,
    DEPLOY,
    HELM,
    RELEASE,
    RESTART,
    ROOT,
    VERSION,
    Machine,
    Site,
    program,
    write_ours,
)

from harena_local.process import wait_until


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
        assert "response_end, after ASSISTANT_UNAVAILABLE" in done.stdout
        assert site.tokens == {"Bearer a.b.c"}
        assert site.bodies == [
            "username=henri%40example.com&password=Henri123456",
            '{"message":"Combien ai-je dépensé ce mois-ci ?"}',
        ]

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

    def test_the_platform_gets_the_operator_s_values(self, node: Machine) -> None:
        node.install()
        assert "--reset-then-reuse-values" in node.called(f"{DEPLOY}harena")[0]
        node.forget()
        values = node.file("etc/harena/values.yaml")
        values.parent.mkdir(exist_ok=True)
        values.write_text("demo: {enabled: true}\n")

        node.install()

        assert f"--reset-values --values {values}" in node.called(f"{DEPLOY}harena")[0]

    def test_what_listens_beyond_the_machine_is_said(self, machine: Machine) -> None:
        machine.say(
            "ss--tcp",
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
        assert machine.called("^mv |^install ") == []
        # The firewall's rules may have been flushed, or the operator's changed.
        assert machine.called("^systemctl (?!is-)") == [
            "systemctl daemon-reload",
            "systemctl enable --quiet harena-firewall.service",
            "systemctl reload-or-restart harena-firewall.service",
        ]
        assert not any("k3s/" in path or "helm" in path for path in site.asked)

    @pytest.mark.parametrize(
        "name",
        [
            "etc/rancher/k3s/config.yaml",
            "etc/systemd/system/k3s.service",
            "var/lib/rancher/k3s/agent/etc/kubelet.conf.d/10-harena.conf",
        ],
    )
    def test_a_changed_file_is_put_right_with_one_restart(self, node: Machine, name: str) -> None:
        node.file(name).write_text("# Harena, edited\n")
        node.forget()

        node.install()

        assert node.file(name).read_bytes() == (ROOT / "k3s" / "files" / name).read_bytes()
        assert len(node.called(RESTART)) == 1

    def test_the_operator_s_own_settings_stay_and_are_taken_up(self, node: Machine) -> None:
        own = node.file("etc/rancher/k3s/config.yaml.d/90-own.yaml")
        own.write_text("tls-san: [node.example.com]\n")
        for restarts in (1, 0):
            node.forget()

            node.install()

            assert own.exists()
            assert len(node.called(RESTART)) == restarts

    def test_a_wrong_mode_is_put_right_without_a_restart(self, node: Machine) -> None:
        config = node.file("etc/rancher/k3s/config.yaml")
        config.chmod(0o644)

        node.install()

        assert stat.S_IMODE(config.stat().st_mode) == 0o600
        assert node.called(RESTART) == []

    def test_a_stopped_k3s_is_started(self, node: Machine) -> None:
        (node.world / "active" / "k3s").unlink()
        node.forget()

        node.install()

        assert len(node.called(RESTART)) == 1

    @pytest.mark.parametrize(("days", "restarts"), [(119, 1), (121, 0)])
    @pytest.mark.parametrize("name", ["client-admin", "serving-kube-apiserver"])
    def test_a_certificate_that_a_start_would_renew_gets_one(
        self, node: Machine, name: str, days: int, restarts: int
    ) -> None:
        folder = node.file("var/lib/rancher/k3s/server/tls")
        folder.mkdir()
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        new += ["-noenc", "-subj", "/CN=test", "-keyout", f"{folder}/{name}.key"]
        new += ["-days", str(days), "-out", f"{folder}/{name}.crt"]
        subprocess.run(new, check=True, capture_output=True)

        node.install()

        assert len(node.called(RESTART)) == restarts

    def test_another_image_is_no_reason_to_restart(self, machine: Machine) -> None:
        folder = machine.airgap()
        machine.install(HARENA_IMAGES=str(folder))
        write_ours(folder / "harena.tar", f"{RELEASE}-ba9876543210")
        machine.forget()

        machine.install(HARENA_IMAGES=str(folder))

        images = machine.file("var/lib/rancher/k3s/agent/images")
        assert (images / "harena.tar").read_bytes() == (folder / "harena.tar").read_bytes()
        given = {path.name for path in folder.iterdir() if ".tar" in path.suffixes[-2:]}
        assert {path.name for path in images.iterdir()} == given - {HELM}
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
    "the firewall refuses its rules": ("^systemctl reload.* harena-fire", r"^mv .*(etc|agent)/"),
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

    def test_settings_put_right_without_a_restart_get_one(self, node: Machine) -> None:
        """k3s may have been restarted by hand with what was put right."""
        node.file("etc/rancher/k3s/config.yaml").write_text("debug: true\n")
        node.fail(RESTART)
        node.refused()
        node.fail("")
        node.forget()

        node.install()

        assert node.called("^mv .*config.yaml") == []
        assert len(node.called(RESTART)) == 1

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


class TestDryRun:
    def test_on_a_bare_server_changes_nothing_and_prints_each_command(
        self, machine: Machine
    ) -> None:
        before = machine.snapshot()

        done = machine.install("--dry-run", HARENA_IMAGES=str(machine.airgap()))

        assert machine.snapshot() == before
        reads = "id|uname|nproc|df|ss|timedatectl|getenforce|pgrep|modprobe --dry-run"
        reads += "|systemctl is-|curl (?!.*/k3s$)|helm (version|template)|nft list"
        assert machine.called(f"^(?!{reads})|^curl .*/k3s$") == []
        for command in (
            "fetch k3s",
            "install -D",
            "systemctl restart",
            "helm upgrade --install harena",
        ):
            assert f"dry run {command}" in done.stdout

    def test_on_a_node_shows_only_what_would_change(self, node: Machine) -> None:
        before = node.snapshot()
        done = node.install("--dry-run")
        assert "systemctl restart" not in done.stdout
        node.file("etc/rancher/k3s/psa.yaml").unlink()
        before.pop("etc/rancher/k3s/psa.yaml")

        done = node.install("--dry-run")

        assert "dry run systemctl restart" in done.stdout
        assert node.snapshot() == before

    def test_says_where_a_real_run_would_stop(self, machine: Machine) -> None:
        machine.say("df", "10")

        said = machine.refused("--dry-run")

        assert "helm upgrade --install harena" in said
        assert "would have stopped at the preflight" in said


class TestTwoAtOnce:
    def test_the_second_one_is_told_to_wait(self, machine: Machine) -> None:
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

    def test_the_page_names_the_versions_that_are_installed(self) -> None:
        versions = dict(
            re.findall(r'^(\w+_VERSION)="(.+)"$', (ROOT / "k3s/versions.env").read_text(), re.M)
        )
        page = (ROOT / "docs" / "node.md").read_text()

        assert len(versions) == 3
        for version in versions.values():
            assert version.replace("+", "%2B") in page, version

    def test_an_unknown_argument_is_refused(self, machine: Machine) -> None:
        assert "Unknown argument: --dryrun" in machine.refused("--dryrun")
        assert machine.calls == []

    def test_the_manual_and_the_page_name_every_setting(self, machine: Machine) -> None:
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
