"""Enforces NetworkPolicy (networking.k8s.io/v1) on the test cluster's node. Linux, IPv4, root.

    network_policy.py https://API-SERVER CA CERTIFICATE KEY

In: pods, namespaces and policies, asked of the API server once a second. Out: one nftables table,
replaced as a whole. It sees what pods send to each other because bridged packets pass the IPv4
forward hook (bridge-nf-call-iptables), after kube-proxy has put a pod's address in place of a
Service's. What the node itself sends (probes) leaves by the output hook and is never filtered, as
the API demands. A new pod is unfiltered for up to a second. Good for asserting what a chart's
policies say; no claim of conformance.
"""

import http.client
import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

EVERY_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0
TABLE = "harena_policies"

Object = dict[str, Any]


class Api:
    """What is read of the API server."""

    def __init__(self, url: str, authority: str, certificate: str, key: str) -> None:
        self.host = urlsplit(url).netloc
        self.tls = ssl.create_default_context(cafile=authority)
        self.tls.load_cert_chain(certificate, key)
        self.connection: http.client.HTTPSConnection | None = None

    def items(self, path: str) -> list[Object]:
        """Objects of one kind, from the API server's cache; OSError or HTTPException if not."""
        if self.connection is None:
            self.connection = http.client.HTTPSConnection(
                self.host, timeout=TIMEOUT_SECONDS, context=self.tls
            )
        try:
            self.connection.request("GET", path + "?resourceVersion=0")
            answer = self.connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise http.client.HTTPException(f"{path}: {answer.status}")
            found: list[Object] = json.loads(body)["items"]
            return found
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            raise


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches everything."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions") or []:
        key, values = expression["key"], expression.get("values") or []
        matches = {
            "In": labels.get(key) in values,
            "NotIn": key not in labels or labels[key] not in values,
            "Exists": key in labels,
            "DoesNotExist": key not in labels,
        }
        if not matches[expression["operator"]]:
            return False
    return True


def labels_of(item: Object) -> dict[str, str]:
    return item["metadata"].get("labels") or {}


def address(pod: Object) -> str:
    found: str = pod["status"]["podIP"]
    return found


def port_number(pod: Object, port: int | str, protocol: str) -> int | None:
    """A port by its number, or by the name that a container of the pod gives it."""
    if isinstance(port, int):
        return port
    spec = pod["spec"]
    for container in spec["containers"] + (spec.get("initContainers") or []):
        for named in container.get("ports") or []:
            if named.get("name") == port and named.get("protocol", "TCP") == protocol:
                number: int = named["containerPort"]
                return number
    return None


class Rules:
    """The nftables table for one state of the cluster."""

    def __init__(self, pods: list[Object], namespaces: list[Object], policies: list[Object]):
        self.policies = policies
        self.namespaces = {item["metadata"]["name"]: labels_of(item) for item in namespaces}
        self.pods = [
            pod
            for pod in pods
            if pod["status"].get("podIP")
            and not pod["spec"].get("hostNetwork")
            and pod["status"].get("phase") not in ("Succeeded", "Failed")
        ]

    def _pods_of(self, namespace: str, peer: Object) -> Iterator[Object]:
        for pod in self.pods:
            of = pod["metadata"]["namespace"]
            if peer.get("namespaceSelector") is not None:
                if not selects(peer["namespaceSelector"], self.namespaces.get(of, {})):
                    continue
            elif of != namespace:
                continue
            if selects(peer.get("podSelector") or {}, labels_of(pod)):
                yield pod

    def _peers(self, namespace: str, rule: Object, way: str) -> Iterator[tuple[str, Object | None]]:
        """Who stands at the other end: an nftables match, and the pod where it is one."""
        field, side = ("from", "saddr") if way == "in" else ("to", "daddr")
        peers = rule.get(field)
        if not peers:
            yield "", None
        for peer in peers or []:
            if block := peer.get("ipBlock"):
                text = f"ip {side} {block['cidr']}"
                if excepted := block.get("except"):
                    text += f" ip {side} != {{ {', '.join(sorted(excepted))} }}"
                yield text, None
                continue
            for pod in self._pods_of(namespace, peer):
                yield f"ip {side} {address(pod)}", pod

    def _matches(self, namespace: str, rule: Object, way: str, pod: Object) -> Iterator[str]:
        """What one rule of a policy allows one pod, as nftables matches."""
        for peer, other in self._peers(namespace, rule, way):
            if not rule.get("ports"):
                yield peer
            for port in rule.get("ports") or []:
                protocol = port.get("protocol", "TCP")
                if port.get("port") is None:
                    yield f"{peer} meta l4proto {protocol.lower()}"
                    continue
                # A name is that of the receiving pod; without one pod, every pod has its own.
                receivers = [(peer, pod if way == "in" else other)]
                if receivers[0][1] is None:
                    receivers = [(f"{peer} ip daddr {address(each)}", each) for each in self.pods]
                    if isinstance(port["port"], int):
                        receivers = [(peer, pod)]
                for text, receiver in receivers:
                    number = receiver and port_number(receiver, port["port"], protocol)
                    if number:
                        until = f"-{port['endPort']}" if port.get("endPort") else ""
                        yield f"{text} {protocol.lower()} dport {number}{until}"

    @staticmethod
    def _is_of(policy: Object, way: str) -> bool:
        spec = policy["spec"]
        default = ["Ingress"] + (["Egress"] if spec.get("egress") else [])
        return ("Ingress" if way == "in" else "Egress") in (spec.get("policyTypes") or default)

    def __str__(self) -> str:
        chains: list[str] = []
        jumps: dict[str, list[str]] = {"in": [], "out": []}
        for pod in sorted(self.pods, key=address):
            namespace = pod["metadata"]["namespace"]
            for way, field in (("in", "ingress"), ("out", "egress")):
                policies = [
                    policy
                    for policy in self.policies
                    if policy["metadata"]["namespace"] == namespace
                    and selects(policy["spec"].get("podSelector") or {}, labels_of(pod))
                    and self._is_of(policy, way)
                ]
                if not policies:
                    continue
                allowed = {
                    match.strip()
                    for policy in policies
                    for rule in policy["spec"].get(field) or []
                    for match in self._matches(namespace, rule, way, pod)
                }
                name = f"{way}_{address(pod).replace('.', '_')}"
                # Back to the hook, where the other direction is still to be asked.
                body = "".join(f"    {match} return\n" for match in sorted(allowed))
                chains.append(f"  chain {name} {{\n{body}    counter drop\n  }}\n")
                jumps[way].append(f"{address(pod)} : jump {name}")
        hook = "    type filter hook forward priority -5; policy accept;\n"
        hook += "    ct state established,related accept\n"
        for way, side in (("out", "saddr"), ("in", "daddr")):
            if jumps[way]:
                hook += f"    ip {side} vmap {{ {', '.join(jumps[way])} }}\n"
        return (
            f"table ip {TABLE} {{}}\ndelete table ip {TABLE}\n"
            f"table ip {TABLE} {{\n{''.join(chains)}  chain forward {{\n{hook}  }}\n}}\n"
        )


def main() -> None:
    api, applied = Api(*sys.argv[1:5]), ""
    pause = threading.Event()
    while not pause.wait(EVERY_SECONDS):
        try:
            rules = Rules(
                api.items("/api/v1/pods"),
                api.items("/api/v1/namespaces"),
                api.items("/apis/networking.k8s.io/v1/networkpolicies"),
            )
        except (OSError, http.client.HTTPException) as error:
            print("asking again:", error, flush=True)
            continue
        text = str(rules)
        if text != applied:
            command = ["nft", "-f", "-"]
            done = subprocess.run(
                command, input=text, text=True, capture_output=True, timeout=30, check=False
            )
            if done.returncode:
                print(done.stderr, text, flush=True)
            else:
                applied = text
                print("applied", text.count("chain ") - 1, "chains", flush=True)


if __name__ == "__main__":
    main()
