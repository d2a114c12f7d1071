"""What the preflight finds: all of it in one report, each with what to do. It changes nothing."""

from collections.abc import Callable

import pytest
from tests.install.conftest import BINARY, VERSION, VXLAN, Machine, Site

LISTENER = 'LISTEN 0 511 {address} 0.0.0.0:* users:(("{process}",pid=1,fd=6))\n'


def listener(address: str, process: str) -> Callable[[Machine], None]:
    return lambda machine: machine.say("ss--tcp", LISTENER.format(address=address, process=process))


def says(command: str, text: str) -> Callable[[Machine], None]:
    return lambda machine: machine.say(command, text)


def writes(name: str, text: str) -> Callable[[Machine], None]:
    def write(machine: Machine) -> None:
        machine.file(name).write_text(text)

    return write


def runs(unit: str, folder: str = "active") -> Callable[[Machine], None]:
    return lambda machine: (machine.world / folder / unit).touch()


def lacks(name: str) -> Callable[[Machine], None]:
    return lambda machine: machine.fail(f"^modprobe .*{name}")


def has_no(command: str) -> Callable[[Machine], None]:
    return lambda machine: (machine.world / "bin" / command).unlink()


def is_shifted(seconds: float) -> Callable[[Machine], None]:
    def shift(machine: Machine) -> None:
        machine.site.clock = seconds

    return shift


# What is wrong, the finding, and what is to be done.
ERRORS: dict[str, tuple[Callable[[Machine], None], str, str]] = {
    "not root": (says("id", "1000"), "this is not root", "sudo"),
    "a missing command": (has_no("sysctl"), "missing: sysctl", "apt-get install"),
    "another architecture": (says("uname-m", "aarch64"), "aarch64", "use such a machine"),
    "too little memory": (
        writes("proc/meminfo", "MemTotal: 2000000 kB\n"),
        "1953 MiB; the pods stay Pending below 3000",
        "4 GiB",
    ),
    "no space": (says("df", "5000"), "5000 MiB free", "free space there"),
    "port 80": (listener("0.0.0.0:80", "nginx"), "nginx listens on 0.0.0.0:80", "disable --now"),
    "port 443": (listener("[::]:443", "caddy"), "caddy listens on [::]:443", "disable --now"),
    "port 6443": (listener("*:6443", "kube-apiserver"), "kube-apiserver listens", "disable"),
    "a port of the loopback": (listener("127.0.0.1:10250", "kubelet"), "port 10250", "disable"),
    "another network of pods": (says("ss--udp", VXLAN), "port 8472/udp", "remove that network"),
    "cgroup v1": (writes("sys/fs/cgroup/cgroup.controllers", ""), "no cgroup v2", "boot with"),
    "a kernel module": (lacks("br_netfilter"), "missing: br_netfilter", "kernel-modules-extra"),
    **{
        unit: (runs(unit), "another Kubernetes runs", f"disable --now {unit}")
        for unit in ("kubelet", "microk8s.daemon-kubelite", "rke2-server", "k3s-agent")
    },
    **{
        unit: (
            runs(unit.removesuffix(".service"), "enabled"),
            "takes the pods' routes away",
            f"disable --now {unit}, then reboot",
        )
        for unit in ("nm-cloud-setup.service", "nm-cloud-setup.timer")
    },
    "firewalld": (runs("firewalld"), "drops what pods send", "--zone=trusted"),
    "no nftables": (has_no("nft"), "it is not installed, and closes", "HARENA_FIREWALL=off"),
    "SELinux": (says("getenforce", "Enforcing"), "it enforces", "permissive"),
    "a clock that is behind": (is_shifted(300), "it is -", "timedatectl set-ntp"),
    "a clock that is ahead": (is_shifted(-300), "s from that of", "timedatectl set-ntp"),
    "releases out of reach": (
        lambda machine: machine.site.files.clear(),
        "does not answer",
        "HARENA_AIRGAP",
    ),
}
WARNINGS: dict[str, tuple[Callable[[Machine], None], str, str]] = {
    "an old kernel": (says("uname-r", "5.4.0-190"), "5.4.0-190 is older than 5.10", "update"),
    "one processor": (says("nproc", "1"), "1; k3s asks for 2", "larger machine"),
    "scarce memory": (writes("proc/meminfo", "MemTotal: 3200000 kB\n"), "3125 MiB", "4 GiB"),
    "scarce space": (says("df", "15000"), "15000 MiB free", "larger volume"),
    "swap": (writes("proc/swaps", "Filename\n/swapfile file 2 0 -2\n"), "it is on", "swapoff"),
    "docker": (runs("docker"), "its containers take memory", "disable --now docker"),
    "ufw": (runs("ufw"), "may drop what pods send", "ufw allow"),
    "a metadata address that tells everybody": (
        lambda machine: machine.site.answers.update({"/latest/meta-data/": (200, "iam/")}),
        "169.254.169.254 answers without a token",
        "--http-tokens required --http-put-response-hop-limit 1",
    ),
    "a clock on its own": (says("timedatectl", "no"), "nothing keeps it right", "set-ntp"),
}


class TestFindings:
    @pytest.mark.parametrize("problem", ERRORS)
    def test_an_error_stops_before_anything_is_changed(
        self, machine: Machine, problem: str
    ) -> None:
        make, finding, remedy = ERRORS[problem]
        make(machine)
        before = machine.snapshot()

        said = machine.refused()

        shown = said[said.index(finding) :].splitlines()
        assert remedy in shown[1]
        assert ("2 errors" if problem == "releases out of reach" else "1 errors") in said
        assert "nothing was changed" in said
        assert machine.snapshot() == before

    @pytest.mark.parametrize("problem", WARNINGS)
    def test_a_warning_is_shown_and_goes_on(self, machine: Machine, problem: str) -> None:
        make, finding, remedy = WARNINGS[problem]
        make(machine)

        said = machine.install().stdout

        assert remedy in said[said.index(finding) :].splitlines()[1]
        assert "0 errors, 1 warnings" in said

    def test_all_are_in_one_report(self, machine: Machine) -> None:
        alone = {"another architecture", "releases out of reach", "port 443", "port 6443"}
        alone |= {"a port of the loopback", "a clock that is ahead"}
        together = [name for name in ERRORS if name not in alone]
        for name in together:
            ERRORS[name][0](machine)

        said = machine.refused("--preflight")

        assert [name for name in together if ERRORS[name][1] not in said] == []

    def test_no_systemd(self, machine: Machine) -> None:
        machine.file("run/systemd/system").rmdir()

        assert "it does not run this machine" in machine.refused()

    @pytest.mark.parametrize(
        ("setting", "value", "finding"),
        [
            ("HARENA_INGRESS", "haproxy", '"haproxy" is no ingress controller'),
            ("HARENA_FIREWALL", "maybe", '"maybe" says nothing'),
            ("HARENA_VALUES", "/nowhere.yaml", "there is no file /nowhere.yaml"),
            ("HARENA_IMAGES", "/nowhere", "there is no folder /nowhere"),
            ("HARENA_AIRGAP", "/nowhere", "there is no folder /nowhere"),
        ],
    )
    def test_a_setting_that_makes_no_sense(
        self, machine: Machine, setting: str, value: str, finding: str
    ) -> None:
        assert finding in machine.refused(**{setting: value})


class TestAlone:
    def test_installs_nothing(self, machine: Machine) -> None:
        before = machine.snapshot()

        said = machine.install("--preflight").stdout

        assert "0 errors, 0 warnings" in said
        assert machine.snapshot() == before


class TestOnANode:
    def test_its_own_ports_and_less_space_are_no_problem(self, node: Machine) -> None:
        k3s = LISTENER.format(address="*:6443", process="k3s-server")
        streams = LISTENER.format(address="127.0.0.1:10010", process="containerd")
        node.say("ss--tcp", k3s + streams)
        node.say("ss--udp", VXLAN)
        node.say("df", "2500")

        assert "0 errors" in node.install().stdout

    def test_its_network_is_no_problem_while_k3s_does_not_run(self, node: Machine) -> None:
        (node.world / "active" / "k3s").unlink()
        node.say("ss--udp", VXLAN)

        assert "0 errors" in node.install().stdout

    def test_after_an_uninstall_there_must_be_room_for_images_again(self, node: Machine) -> None:
        node.uninstall()
        node.say("df", "2500")

        assert "2500 MiB free" in node.refused()

    @pytest.mark.parametrize("sources", ["10.42.0.0/16 10.43.0.0/16", "10.43.0.0/16 10.42.0.0/16"])
    def test_pods_that_firewalld_trusts_are_no_problem(
        self, machine: Machine, sources: str
    ) -> None:
        runs("firewalld")(machine)
        machine.say("firewall-cmd", f"{sources}\n")

        assert "0 errors, 0 warnings" in machine.install().stdout

    def test_k3s_with_its_policy_under_selinux_is_no_problem(self, machine: Machine) -> None:
        machine.say("getenforce", "Enforcing")
        machine.say("rpm", "k3s-selinux-1.6-1.el9.noarch\n")

        assert "0 errors, 0 warnings" in machine.install().stdout

    def test_a_binary_that_does_not_run_is_replaced(self, node: Machine) -> None:
        node.file(BINARY).write_text("#!/bin/sh\nexit 1\n")

        node.install()

        assert VERSION in node.file(BINARY).read_text()


class TestSearchEngine:
    VALUES = "searchEngine: {existingSecret: engine, key: the.url}\n"

    def at(self, site: Site, status: int) -> str:
        site.answers["/"] = (status, "{}")
        return site.url.replace("//", "//user:s3cret@") + "/"

    def test_one_that_answers(self, machine: Machine, site: Site) -> None:
        said = machine.install("--preflight", HARENA_SEARCH_URL=self.at(site, 200)).stdout

        assert f"{site.url}/ answers" in said
        assert "0 warnings" in said

    def test_one_out_of_reach_does_not_stop_an_installation(self, machine: Machine) -> None:
        said = machine.install(HARENA_SEARCH_URL="http://127.0.0.1:1/").stdout

        assert "cannot be reached: search is degraded" in said
        assert "Harena is installed" in said

    def test_one_that_fails_is_told_by_its_status(self, machine: Machine, site: Site) -> None:
        said = machine.install("--preflight", HARENA_SEARCH_URL=self.at(site, 503)).stdout

        assert "answers with 503: search is degraded" in said
        assert "0 errors, 1 warnings" in said

    def test_refused_credentials_are_told_from_silence(self, machine: Machine, site: Site) -> None:
        said = machine.install("--preflight", HARENA_SEARCH_URL=self.at(site, 401)).stdout

        assert "refuses the credentials" in said

    def test_the_one_of_the_release_is_asked_by_its_secret(self, node: Machine, site: Site) -> None:
        node.say("helm-values", self.VALUES)
        node.say("k3s-engine", self.at(site, 200))

        done = node.install()

        assert f"{site.url}/ answers" in done.stdout
        assert node.called(r"get secret engine .*jsonpath=\{\.data\.the\\\.url\}")
        assert "s3cret" not in "\n".join(node.calls) + done.stdout + done.stderr

    def test_a_given_address_goes_before(self, node: Machine, site: Site) -> None:
        node.say("helm-values", self.VALUES)

        assert f"{site.url}/ answers" in node.install(HARENA_SEARCH_URL=self.at(site, 200)).stdout
        assert node.called("get secret engine") == []

    def test_a_secret_that_is_not_there_yet_is_not_asked(self, node: Machine) -> None:
        node.say("helm-values", self.VALUES)

        assert "search engine" not in node.install("--preflight").stdout
        assert node.called("get secret engine")

    def test_nor_one_of_a_server_that_has_no_k3s(self, machine: Machine) -> None:
        values = machine.root.parent / "values.yaml"
        values.write_text(self.VALUES)

        assert (
            "search engine" not in machine.install("--preflight", HARENA_VALUES=str(values)).stdout
        )
