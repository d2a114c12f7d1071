"""The rules that close k3s' ports, and when they are loaded; what they do: tests/cluster."""

import re
from pathlib import Path

import pytest
from tests.install.conftest import RESTART, ROOT, VXLAN, Machine

RULES = ROOT / "k3s/files/etc/harena/firewall.nft"
BACK = "etc/systemd/system/nftables.service.d/harena.conf"
LOAD = "^systemctl reload-or-restart harena-firewall.service"


def own(node: Machine) -> Path:
    """The operator's file, made."""
    file = node.file("etc/harena/firewall.d/nodes.nft")
    file.parent.mkdir()
    file.write_text("add element inet harena nodes { 10.0.0.3 }\n")
    return file


class TestLoading:
    def test_before_k3s_opens_its_ports(self, machine: Machine) -> None:
        machine.install()

        calls = machine.calls
        load, start = (calls.index(machine.called(pattern)[0]) for pattern in (LOAD, RESTART))
        assert calls.index("systemctl enable --quiet harena-firewall.service") < load < start
        assert machine.file("etc/harena/firewall.nft").read_text() == RULES.read_text()

    def test_rules_that_others_have_flushed_come_back(self, node: Machine) -> None:
        (node.world / "active" / "harena-firewall").unlink()

        node.install()

        assert len(node.called(LOAD)) == 1
        assert node.called(RESTART) == []

    def test_of_a_unit_that_was_disabled_too(self, node: Machine) -> None:
        (node.world / "enabled" / "harena-firewall").unlink()

        node.install()

        assert node.called("^systemctl enable --quiet harena-firewall")

    def test_other_rules_are_loaded_without_a_restart_of_k3s_and_never_none(
        self, node: Machine
    ) -> None:
        node.file("etc/harena/firewall.nft").write_text("# older\n")
        node.fail("^sysctl ")
        node.refused()
        node.fail("")

        node.install()

        assert node.file("etc/harena/firewall.nft").read_text() == RULES.read_text()
        assert len(node.called(LOAD)) == 1
        assert node.called(f"{RESTART}|^systemctl (stop|restart|disable)") == []

    def test_refused_rules_stop_it_before_k3s_starts(self, machine: Machine) -> None:
        machine.fail(LOAD)

        assert "The rules were refused: journalctl --unit harena-firewall" in machine.refused()
        assert machine.called(RESTART) == []


class TestChoice:
    def test_off_needs_no_nftables_and_stays_off(self, machine: Machine) -> None:
        (machine.world / "bin" / "nft").unlink()
        machine.fail("^modprobe .*nf_tables")
        machine.install(HARENA_FIREWALL="off")

        said = machine.install().stdout

        assert "not wanted" in said
        assert (
            machine.called("^systemctl .*harena-firewall.service")
            == ["systemctl is-enabled --quiet harena-firewall.service"] * 2
        )

    def test_off_opens_and_on_closes_again(self, node: Machine) -> None:
        assert node.file(BACK).exists()
        node.install(HARENA_FIREWALL="off")
        assert node.called("^systemctl disable --now harena-firewall.service")
        assert not node.file(BACK).exists()
        node.forget()

        node.install(HARENA_FIREWALL="on")

        assert node.file(BACK).exists()
        assert len(node.called(LOAD)) == 1
        assert node.called(RESTART) == []

    def listed(self, node: Machine, said: str, **settings: str) -> set[str]:
        """Protocol and port of what the end says this of."""
        held = 'LISTEN 0 1 *:{} *:* users:(("k3s-server",pid=9,fd=14))\n'
        node.say("ss--tcp", "".join(held.format(port) for port in (22, 6443, 8472, 10250)))
        node.say("ss--udp", VXLAN)
        end = node.install(**settings).stdout.split("Listening beyond")[1]
        found = re.findall(r"^  (tcp|udp) +(\d+) +\S+ +(.+)", end, re.M)
        return {f"{protocol}/{port}" for protocol, port, words in found if words == said}

    def test_the_end_says_who_closes_what(self, node: Machine) -> None:
        closed = {"tcp/6443", "tcp/10250", "udp/8472"}
        opened = {"tcp/22", "tcp/8472"}
        assert self.listed(node, "closed by this node") == closed
        assert self.listed(node, "must be closed to the internet") == opened
        own(node)
        but = "closed by this node, but for /etc/harena/firewall.d"
        assert self.listed(node, but) == closed
        off = self.listed(node, "must be closed to the internet", HARENA_FIREWALL="off")
        assert off == closed | opened


class TestAnOlderNode:
    """One whose ports are open, and would be closed while others use them."""

    @pytest.fixture
    def node(self, node: Machine) -> Machine:
        node.file("var/lib/harena/firewall").unlink()
        return node

    def test_is_warned_of_once(self, node: Machine) -> None:
        said = node.install().stdout

        assert "k3s' ports are open, and will be closed" in said
        assert "/etc/harena/firewall.d/nodes.nft first" in said
        assert "0 errors, 1 warnings" in said
        assert "0 errors, 0 warnings" in node.install().stdout

    def test_with_other_nodes_it_is_refused(self, node: Machine) -> None:
        node.say("k3s-nodes", "node/harena\nnode/second\n")

        assert "the cluster has other nodes" in node.refused()
        assert node.called(LOAD) == []

    @pytest.mark.parametrize("settings", [{}, {"HARENA_FIREWALL": "off"}])
    def test_unless_they_are_let_in(self, node: Machine, settings: dict[str, str]) -> None:
        node.say("k3s-nodes", "node/harena\nnode/second\n")
        if not settings:
            own(node)

        assert "0 errors, 0 warnings" in node.install(**settings).stdout


class TestUninstall:
    def test_takes_the_rules_and_leaves_the_operator_s(self, node: Machine) -> None:
        file = own(node)

        node.uninstall()

        disabled = node.calls.index("systemctl disable --now harena-firewall.service")
        assert node.calls.index("systemctl disable --now k3s.service") < disabled
        assert not node.file("etc/harena/firewall.nft").exists()
        assert not node.file("etc/systemd/system/harena-firewall.service").exists()
        assert not node.file(BACK).exists()
        assert file.exists()

    def test_off_stays_off_over_it(self, node: Machine) -> None:
        node.install(HARENA_FIREWALL="off")
        node.uninstall()
        node.forget()

        node.install()

        assert node.called(LOAD) == []
