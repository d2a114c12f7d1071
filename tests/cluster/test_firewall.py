"""The rules that close k3s' ports, loaded by a kernel; when they are loaded: tests/install."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.cluster.cluster import ROOT

FILES = ROOT / "k3s/files/etc"
UNITS = FILES / "systemd/system"
NAMESPACE = ["unshare", "--user", "--map-root-user", "--net", "--mount", "--fork"]

# A node with a pod at cni0, and a network outside with a stranger (.2) and another node (.3). It
# echoes at k3s' ports and at two of others, and prints who was answered after a reload of broken
# rules was refused, and which rules were loaded then and after each emptying of all tables.
WORLD = """
import json, socket, subprocess, sys, threading

PORTS = {"tcp": (80, 6443, 10250), "udp": (53, 8472)}
CLIENT = '''
import socket, sys
protocol, source, address, port = sys.argv[1:]
kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as client:
    client.settimeout(20)
    client.bind((source, 0))
    try:
        client.connect((address, int(port)))
        client.send(b"?")
        print(client.recv(1).decode())
    except ConnectionRefusedError:
        print("refused")
'''


def shell(text):
    subprocess.run(["bash", "-euc", text], check=True)


def rules():
    listed = subprocess.run(["nft", "list", "table", "inet", "harena"], capture_output=True)
    return listed.stdout.decode()


def echo(kind, address, port):
    server = socket.socket(socket.AF_INET6, kind)
    server.bind((address, port))
    if kind == socket.SOCK_STREAM:
        server.listen()

    def serve():
        while True:
            if kind == socket.SOCK_STREAM:
                with server.accept()[0] as client:
                    client.send(client.recv(1))
            else:
                server.sendto(*server.recvfrom(1))

    threading.Thread(target=serve, daemon=True).start()


shell('''
  mount -t tmpfs tmpfs /run
  ip link set lo up
  for name in outside pod; do ip netns add $name; done
  ip link add eth0 type veth peer name eth0 netns outside
  ip link add cni0 type veth peer name eth0 netns pod
  ip address add 10.0.0.1/24 dev eth0
  ip address add fd00::1/64 dev eth0 nodad
  ip address add 10.42.0.1/24 dev cni0
  ip address add fd42::1/64 dev cni0 nodad
  ip link set eth0 up
  ip link set cni0 up
  outside="nsenter --net=/run/netns/outside ip" pod="nsenter --net=/run/netns/pod ip"
  for host in 2 3; do
    $outside address add 10.0.0.$host/24 dev eth0
    $outside address add fd00::$host/64 dev eth0 nodad
  done
  $outside link set eth0 up
  $pod address add 10.42.0.2/24 dev eth0
  $pod address add fd42::2/64 dev eth0 nodad
  $pod link set eth0 up
  $pod route add default via 10.42.0.1
  nft add table inet theirs
''')
for kind, ports in ((socket.SOCK_STREAM, PORTS["tcp"]), (socket.SOCK_DGRAM, PORTS["udp"])):
    for port in ports:
        # Each of its own: a datagram's answer must come from where it was asked.
        for address in ("127.0.0.1", "10.0.0.1", "10.42.0.1"):
            echo(kind, f"::ffff:{address}", port)
        for address in ("fd00::1", "fd42::1"):
            echo(kind, address, port)
start, reload, stop, own, library, *back = sys.argv[1:]
loaded = []
for command in (start, reload):
    shell(command)
    loaded.append(rules())
with open(own) as file:
    valid = file.read()
with open(own, "w") as file:
    file.write(valid + "add element inet harena nodes { 10.0.0.2 }\\nadd elment\\n")
refusal = subprocess.run(["bash", "-c", reload], capture_output=True, text=True).stderr
loaded.append(rules())
closed = f"set -euo pipefail; . {library}; closed_ports"
closed = subprocess.run(["bash", "-c", closed], check=True, capture_output=True, text=True).stdout
found = {}
for where, source, address in (
    ("node", "127.0.0.1", "127.0.0.1"),
    ("node", "10.0.0.1", "10.0.0.1"),
    ("node", "fd00::1", "fd00::1"),
    ("pod", "10.42.0.2", "10.42.0.1"),
    ("pod", "10.42.0.2", "10.0.0.1"),
    ("pod", "fd42::2", "fd42::1"),
    ("outside", "10.0.0.2", "10.0.0.1"),
    ("outside", "10.0.0.3", "10.0.0.1"),
    ("outside", "fd00::2", "fd00::1"),
    ("outside", "fd00::3", "fd00::1"),
):
    enter = [] if where == "node" else ["nsenter", f"--net=/run/netns/{where}"]
    for protocol, ports in PORTS.items():
        for port in ports:
            asked = [*enter, sys.executable, "-c", CLIENT, protocol, source, address, str(port)]
            done = subprocess.run(asked, check=True, capture_output=True, text=True)
            found.setdefault(f"{source} to {address}", {})[port] = done.stdout.strip()
shell(stop)
tables = subprocess.run(["nft", "list", "tables"], check=True, capture_output=True, text=True)
with open(own, "w") as file:
    file.write(valid)
for command in back:
    shell(f"nft flush ruleset; {command}")
    loaded.append(rules())
seen = {"found": found, "closed": closed.split(), "refusal": refusal, "loaded": loaded}
print(json.dumps({**seen, "left": tables.stdout.split()}))
"""


def commands(unit: str, *settings: str) -> list[str]:
    """What systemd would run for each of the settings, once."""
    found = dict(re.findall(r"^(Exec\w+)=-?(.+)$", (UNITS / unit).read_text(), re.M))
    return [found[setting] for setting in settings]


def test_only_the_node_its_pods_and_other_nodes_are_answered(tmp_path: Path) -> None:
    rules = tmp_path / "firewall.nft"
    text = (FILES / "harena/firewall.nft").read_text()
    rules.write_text(text.replace("/etc/harena", str(tmp_path)))
    own = tmp_path / "firewall.d" / "nodes.nft"
    own.parent.mkdir()
    own.write_text(
        "add element inet harena nodes { 10.0.0.3, 10.0.0.5, 10.0.0.4/30 }\n"
        "add element inet harena nodes6 { fd00::3, fd00::5, fd00::4/126 }\n"
    )
    run = commands("harena-firewall.service", "ExecStart", "ExecReload", "ExecStop")
    back = commands("nftables.service.d/harena.conf", "ExecStartPost", "ExecReload", "ExecStopPost")

    done = subprocess.run(
        [
            *(*NAMESPACE, sys.executable, "-c", WORLD),
            *(command.replace("/etc/harena", str(tmp_path)) for command in run),
            *(str(own), str(ROOT / "k3s/lib/common.sh")),
            *(command.replace("/etc/harena", str(tmp_path)) for command in back),
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    refused = {
        who: sorted(int(port) for port, answer in answers.items() if answer == "refused")
        for who, answers in seen["found"].items()
    }
    assert refused == {
        "127.0.0.1 to 127.0.0.1": [],
        "10.0.0.1 to 10.0.0.1": [],
        "fd00::1 to fd00::1": [],
        "10.42.0.2 to 10.42.0.1": [],
        "10.42.0.2 to 10.0.0.1": [],
        "fd42::2 to fd42::1": [],
        "10.0.0.2 to 10.0.0.1": [6443, 8472, 10250],
        "10.0.0.3 to 10.0.0.1": [],
        "fd00::2 to fd00::1": [6443, 8472, 10250],
        "fd00::3 to fd00::1": [],
    }
    answers = {answer for found in seen["found"].values() for answer in found.values()}
    assert answers == {"?", "refused"}
    assert seen["closed"] == ["tcp/6443", "tcp/10250", "udp/8472"]
    assert "syntax error" in seen["refusal"]
    assert len(seen["loaded"]) == 6
    assert set(seen["loaded"]) == {seen["loaded"][0]}
    assert seen["left"] == ["table", "inet", "theirs"]
