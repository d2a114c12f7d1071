"""The rules that close k3s' ports, and when they are loaded; what they do: tests/cluster."""

import re

import pytest
from tests.install.conftest import RESTART, ROOT, VXLAN, Machine

RULES = ROOT / "k3s/files/etc/harena/firewall.nft"
LOAD = "^systemctl restart harena-firewall.service"


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

    @pytest.mark.parametrize("stop", ["", "^systemctl daemon-reload"])
    def test_other_rules_are_loaded_without_a_restart_of_k3s(
        self, node: Machine, stop: str
    ) -> None:
        node.file("etc/harena/firewall.nft").write_text("# older\n")
        if stop:
            node.fail(stop)
            node.refused()
            node.fail("")

        node.install()

        assert node.file("etc/harena/firewall.nft").read_text() == RULES.read_text()
        assert len(node.called(LOAD)) == 1
        assert node.called(RESTART) == []

    def test_refused_rules_stop_it_before_k3s_starts(self, machine: Machine) -> None:
        machine.fail(LOAD)

        assert "The rules were refused: journalctl --unit harena-firewall" in machine.refused()
        assert machine.called(RESTART) == []


class TestChoice:
    def test_off_needs_no_nftables_and_stays_off(self, machine: Machine) -> None:
        (machine.world / "bin" / "nft").unlink()
        machine.install(HARENA_FIREWALL="off")

        said = machine.install().stdout

        assert "not wanted" in said
        assert (
            machine.called("^systemctl .*harena-firewall.service")
            == ["systemctl is-enabled --quiet harena-firewall.service"] * 2
        )

    def test_off_opens_and_on_closes_again(self, node: Machine) -> None:
        node.install(HARENA_FIREWALL="off")
        assert node.called("^systemctl disable --now harena-firewall.service")
        node.forget()

        node.install(HARENA_FIREWALL="on")

        assert len(node.called(LOAD)) == 1
        assert node.called(RESTART) == []

    @pytest.mark.parametrize(
        ("choice", "said"), [("on", "closed by this node"), ("off", "must be closed")]
    )
    def test_the_end_says_who_closes_what(self, node: Machine, choice: str, said: str) -> None:
        node.say("ss--udp", VXLAN)
        held = 'LISTEN 0 1 *:{} *:* users:(("k3s-server",pid=9,fd=14))\n'
        node.say("ss--tcp", held.format(6443) + held.format(10250) + held.format(22))

        listed = node.install(HARENA_FIREWALL=choice).stdout.split("Listening beyond")[1]

        who = dict(re.findall(r"^  (?:tcp|udp) +(\d+) +\S+ +(.+)", listed, re.M))
        assert {port for port, words in who.items() if words.startswith(said)} == (
            {"6443", "10250", "8472"} | ({"22"} if choice == "off" else set())
        )


class TestUninstall:
    def test_takes_the_rules_and_leaves_the_operator_s(self, node: Machine) -> None:
        own = node.file("etc/harena/firewall.d/nodes.nft")
        own.parent.mkdir()
        own.write_text("add element inet harena nodes { 10.0.0.3 }\n")

        node.uninstall()

        disabled = node.calls.index("systemctl disable --now harena-firewall.service")
        assert node.calls.index("systemctl disable --now k3s.service") < disabled
        assert not node.file("etc/harena/firewall.nft").exists()
        assert not node.file("etc/systemd/system/harena-firewall.service").exists()
        assert own.exists()

    def test_off_stays_off_over_it(self, node: Machine) -> None:
        node.install(HARENA_FIREWALL="off")
        node.uninstall()
        node.forget()

        node.install()

        assert node.called(LOAD) == []
