"""What a test wants to know of rendered objects, in its own words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod template, and what makes pods of it."""

    owner: Object
    spec: Object
    labels: dict[str, str]

    @property
    def component(self) -> str:
        return self.labels["app.kubernetes.io/component"]

    @property
    def containers(self) -> list[Object]:
        return [*self.spec.get("initContainers", []), *self.spec["containers"]]

    @property
    def main(self) -> Object:
        [container] = self.spec["containers"]
        found: Object = container
        return found

    @property
    def files(self) -> dict[str, tuple[str, str]]:
        """The files of the credentials volume: path to its Secret and key."""
        return {
            item["path"]: (source["secret"]["name"], item["key"])
            for volume in self.spec.get("volumes", [])
            for source in volume.get("projected", {}).get("sources", [])
            for item in source.get("secret", {}).get("items", [])
        }


def environment(container: Object) -> dict[str, str]:
    """Its variables; all of them are plain, because secrets are files."""
    return {variable["name"]: variable["value"] for variable in container.get("env", [])}


class Objects(dict[tuple[str, str], Object]):
    """By kind and name."""

    def __init__(self, objects: Sequence[Object]) -> None:
        super().__init__({(found["kind"], found["metadata"]["name"]): found for found in objects})
        if len(self) != len(objects):
            raise AssertionError("two objects share a kind and a name")

    def of(self, kind: str) -> dict[str, Object]:
        """The objects of a kind, by name."""
        return {name: found for (its, name), found in self.items() if its == kind}

    def one(self, kind: str, prefix: str) -> Object:
        """The one object of a kind whose name begins so."""
        [found] = [found for name, found in self.of(kind).items() if name.startswith(prefix)]
        return found

    def pods(self) -> Iterator[Pod]:
        for (kind, _), found in self.items():
            if kind in {"Deployment", "StatefulSet", "Job"}:
                template = found["spec"]["template"]
                yield Pod(found, template["spec"], template["metadata"]["labels"])

    def pod(self, component: str) -> Pod:
        [found] = [pod for pod in self.pods() if pod.component == component]
        return found

    def policy(self, component: str) -> Object:
        """The NetworkPolicy of a component."""
        [found] = [
            policy
            for policy in self.of("NetworkPolicy").values()
            if _component(policy["spec"]["podSelector"]) == component
        ]
        return found

    def edges(self) -> set[tuple[str, str, int | str]]:
        """What the policies let pass inside the release: from, to, port; from what both sides say.

        A component that is no pod of ours is written as its namespace or its network.
        """
        out, into = set(), set()
        for policy in self.of("NetworkPolicy").values():
            name = _component(policy["spec"]["podSelector"])
            for rule in policy["spec"].get("egress") or []:
                out |= {(name, end, port) for end in _ends(rule["to"]) for port in _ports(rule)}
            for rule in policy["spec"].get("ingress") or []:
                into |= {(end, name, port) for end in _ends(rule["from"]) for port in _ports(rule)}
        ours = {pod.component for pod in self.pods()}
        both = {(a, b) for a, b, _ in out if b in ours} ^ {(a, b) for a, b, _ in into if a in ours}
        if both:
            raise AssertionError(f"only one side lets pass: {both}")
        return out | {edge for edge in into if edge[0] not in ours}


def _component(selector: Object) -> str:
    """Who that is: a component, somebody else's pods by the name of their label, or everybody."""
    labels: dict[str, str] = selector.get("matchLabels", {})
    return labels.get("app.kubernetes.io/component", next(iter(labels), "*"))


def _ends(peers: list[Object]) -> list[str]:
    return [
        peer["ipBlock"]["cidr"]
        if "ipBlock" in peer
        else peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"]
        if "namespaceSelector" in peer
        else _component(peer["podSelector"])
        for peer in peers
    ]


def _ports(rule: Object) -> list[int | str]:
    return [port["port"] for port in rule["ports"]]
