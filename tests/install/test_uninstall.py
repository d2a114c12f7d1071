"""uninstall.sh: it takes everything off, and the data only when told twice."""

import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.install.conftest import RESTART, Machine

VOLUME = "var/lib/rancher/k3s/storage/pvc-1_harena_data/PG_VERSION"
NAME = "web-1"  # what the stand-in of uname says


@pytest.fixture
def node(node: Machine) -> Machine:
    """With a volume, and what k3s leaves while it runs."""
    for name in (VOLUME, "etc/rancher/node/password", "run/k3s/x", "var/lib/kubelet/pods/x"):
        node.file(name).parent.mkdir(parents=True, exist_ok=True)
        node.file(name).write_text("data")
    return node


class TestKeepsData:
    def test_programs_and_settings_go_and_data_stays(self, node: Machine) -> None:
        done = node.uninstall()

        left = {name for name in node.snapshot() if not name.startswith(("proc", "sys"))}
        assert left == {
            VOLUME,
            "etc/rancher/node/password",
            "usr/local/bin/helm",
            "var/lib/harena/firewall",
            "var/lib/harena/ingress",
            "var/lib/harena/secrets.yaml",
            "var/lib/harena/started-with",
            "var/lib/rancher/k3s/server/db/state.db",
            "var/lib/rancher/k3s/server/token",
        }
        assert not node.file("usr/local/bin/kubectl").is_symlink()
        assert "systemctl disable --now k3s.service" in node.calls
        assert "kept" in done.stdout

    def test_the_secrets_are_copied_for_root_alone(self, node: Machine) -> None:
        node.uninstall()

        copy = node.file("var/lib/harena/secrets.yaml")
        assert copy.read_text() == "kind: List\n"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600

    def test_secrets_that_cannot_be_read_are_said_to_stay(self, node: Machine) -> None:
        (node.world / "active" / "k3s").unlink()

        assert "They stay in the datastore" in node.uninstall().stderr

    def test_the_next_installation_goes_on_with_the_data(self, node: Machine) -> None:
        node.uninstall()

        node.install()

        assert node.file(VOLUME).read_text() == "data"
        assert node.file("etc/rancher/node/password").read_text() == "data"
        assert len(node.called(RESTART)) == 1

    def test_the_operator_s_own_settings_stay(self, node: Machine) -> None:
        own = node.file("etc/rancher/k3s/config.yaml.d/90-own.yaml")
        own.write_text("debug: true\n")

        node.uninstall()

        assert own.exists()

    def test_only_kubernetes_rules_leave_the_firewall(self, node: Machine) -> None:
        node.uninstall()

        kept = (node.world / "iptables-restore").read_text()
        assert kept == "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"

    def test_what_is_mounted_is_unmounted_the_deepest_first(self, node: Machine) -> None:
        names = ("var/lib/kubelet/a", "var/lib/kubelet/a/b", "run/k3s/x", "run/netns/cni-x")
        ours = [node.file(name) for name in names]
        others = [node.root, node.file("run/netns/theirs"), node.file("var/lib/kubelet2")]
        mounts = [f"tmpfs {path} tmpfs rw 0 0\n" for path in (*ours, *others)]
        node.file("proc/self/mounts").write_text("".join(mounts))

        node.uninstall()

        assert node.called("^umount") == [
            f"umount --lazy {path}" for path in sorted(map(str, ours), reverse=True)
        ]

    def test_the_links_of_pods_go_and_those_that_are_not_there_are_no_problem(
        self, node: Machine
    ) -> None:
        node.say("ip", "veth0@if2        UP             aa:bb:cc:dd:ee:ff\n")
        node.fail("^ip link show kube-ipvs0")

        node.uninstall()

        assert node.called("^ip link delete") == [
            f"ip link delete {link}" for link in ("veth0", "cni0", "flannel.1")
        ]

    def test_without_iptables_there_are_no_such_rules(self, node: Machine) -> None:
        (node.world / "bin" / "iptables-save").unlink()
        (node.world / "bin" / "ip6tables-save").unlink()

        node.uninstall()

        assert node.called("-restore") == []

    def test_a_machine_that_never_had_it_is_left_alone(self, machine: Machine) -> None:
        before = machine.snapshot()

        assert "Nothing of a Harena node" in machine.uninstall().stdout
        assert machine.snapshot() == before

    def test_again(self, node: Machine) -> None:
        node.uninstall()

        node.uninstall()

        assert node.file("var/lib/rancher/k3s/server/db/state.db").exists()


class TestContainers:
    @pytest.fixture
    def shim(self, node: Machine) -> Iterator[psutil.Process]:
        """A process that looks like a container's, with a child."""
        name = node.file("var/lib/rancher/k3s/data/abc/bin/containerd-shim-runc-v2")
        script = "sleep 300 & wait"
        with subprocess.Popen([str(name), "-c", script], executable="/bin/bash") as process:
            yield psutil.Process(process.pid)
            process.kill()

    def test_they_end_with_all_that_they_have_started(
        self, node: Machine, shim: psutil.Process
    ) -> None:
        family = [shim, *shim.children()]

        node.uninstall()

        gone, alive = psutil.wait_procs(family, timeout=10)
        assert len(gone) == len(family)
        assert alive == []


class TestDeletesData:
    def gone(self, node: Machine) -> bool:
        kept = ("var/lib/rancher/k3s", "var/lib/harena", "etc/rancher")
        return not any(node.file(name).exists() for name in kept)

    def test_once_the_machine_s_name_is_typed(self, node: Machine) -> None:
        node.uninstall("--delete-data", given=f"{NAME}\n")

        assert self.gone(node)

    def test_of_a_disk_for_the_volumes_the_content_goes(self, node: Machine) -> None:
        disk = node.file("var/lib/rancher/k3s/storage")
        node.say("mountpoint", str(disk))

        node.uninstall("--delete-data", "--confirm", NAME)

        assert list(disk.iterdir()) == []
        assert [path.name for path in disk.parent.iterdir()] == ["storage"]

    def test_unattended_by_two_arguments(self, node: Machine) -> None:
        node.uninstall("--delete-data", "--confirm", NAME)

        assert self.gone(node)

    @pytest.mark.parametrize(
        ("arguments", "typed", "said"),
        [
            (["--delete-data"], "", "Nobody answered"),
            (["--delete-data"], "yes\n", 'not "yes"'),
            (["--delete-data", "--confirm", "web-2"], "", 'not "web-2"'),
            (["--delete-data", "--confirm"], "", "--confirm needs the name"),
            (["--delete-everything"], "", "Unknown argument"),
        ],
    )
    def test_and_otherwise_nothing_at_all_happens(
        self, node: Machine, arguments: list[str], typed: str, said: str
    ) -> None:
        before = node.snapshot()

        done = node.run("uninstall.sh", *arguments, given=typed)

        assert done.returncode == 1
        assert said in done.stderr
        assert node.snapshot() == before
        assert node.called("^systemctl") == []

    def test_a_confirmation_alone_deletes_nothing(self, node: Machine) -> None:
        node.uninstall("--confirm", NAME)

        assert node.file(VOLUME).exists()


class TestDryRun:
    @pytest.mark.parametrize("arguments", [[], ["--delete-data"]])
    def test_changes_nothing_and_says_what_would_go(
        self, node: Machine, arguments: list[str]
    ) -> None:
        before = node.snapshot()

        done = node.uninstall("--dry-run", *arguments)

        assert node.snapshot() == before
        assert node.called(r"^systemctl (?!is-)|-restore|^umount|^ip link delete") == []
        assert "dry run systemctl disable --now k3s.service" in done.stdout
        volumes = node.file("var/lib/rancher/k3s/storage")
        deleted = f"dry run rm -rf --one-file-system {volumes}" in done.stdout
        assert deleted == bool(arguments)


class TestRefusals:
    def test_the_manual_changes_nothing(self, node: Machine) -> None:
        before = node.snapshot()

        assert "asks nothing, keeps the data" in node.uninstall("--help").stdout
        assert node.snapshot() == before
        assert node.calls == []

    def test_not_root(self, node: Machine) -> None:
        node.say("id", "1000")

        assert "not root" in node.run("uninstall.sh").stderr

    def test_goes_on_after_a_failure(self, node: Machine) -> None:
        node.fail("^systemctl daemon-reload")
        assert "did not finish" in node.run("uninstall.sh").stderr
        node.fail("")

        node.uninstall()

        assert not Path(node.file("usr/local/bin/k3s")).exists()
