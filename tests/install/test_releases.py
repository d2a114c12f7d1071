"""Which k3s and which Helm come onto a server, from where, and that they are what was meant."""

import re
import stat
import subprocess

import pytest
from tests.install.conftest import (
    BINARY,
    HELM,
    RESTART,
    ROOT,
    VERSION,
    VXLAN,
    Machine,
    Site,
    program,
    sha256,
)


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

    def test_the_documented_way_back_after_an_update(self, machine: Machine) -> None:
        self.at(machine, self.OLDER)
        machine.install()
        self.at(machine, VERSION)
        machine.install()
        page = (ROOT / "docs" / "node.md").read_text()
        block = re.search(r"^systemctl stop k3s\n(.+?)^sudo", page, re.MULTILINE | re.DOTALL)
        assert block
        (machine.world / "active" / "k3s").unlink()
        machine.say("ss--udp", VXLAN)
        machine.say("df", "2500")
        commands = re.sub(r" (/(?:var|usr)/)", rf" {machine.root}\1", block[1])
        subprocess.run(
            ["bash", "-euc", commands.replace("<version>", self.OLDER)],
            check=True,
        )
        restored = machine.file("var/lib/rancher/k3s/server/db/state.db").read_text()
        self.at(machine, self.OLDER)

        machine.install()

        assert self.OLDER in restored
        assert machine.file(BINARY).read_bytes() == program(self.OLDER)

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

    def test_a_k3s_of_another_installer_is_not_taken_over(self, node: Machine) -> None:
        node.file("etc/systemd/system/k3s.service").write_text("[Unit]\nDescription=theirs\n")
        before = node.snapshot()

        said = node.refused()

        assert "another installer put it here" in said
        assert "back up what it holds" in said
        assert node.snapshot() == before


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

        said = machine.refused()

        assert "HARENA_HELM_SHA256" in said
        # What is to come next is in the same report.
        assert "nobody looked for them; ours are published nowhere" in said

    @pytest.mark.parametrize("content", [b"something else", None])
    def test_a_helm_that_does_not_come_as_recorded_stops_it_before_anything_is_changed(
        self, machine: Machine, site: Site, content: bytes | None
    ) -> None:
        if content is None:
            machine.fail(f"^curl .*/{HELM}$")
        else:
            site.files[f"/helm/{HELM}"] = content
        before = machine.snapshot()

        said = machine.refused()

        assert f"{site.url}/helm/{HELM} is where it comes from" in said
        assert ("it was thrown away" in said) == (content is not None)
        assert machine.snapshot() == before

    def test_the_repository_invents_none(self) -> None:
        text = (ROOT / "k3s" / "versions.env").read_text()

        for name in ("K3S_SHA256", "HELM_SHA256"):
            value = text.split(f'{name}="')[1].split('"')[0]
            assert value == "" or (len(value) == 64 and len(set(value)) > 8)
