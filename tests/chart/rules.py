"""What holds of every rendering, whatever the values.

Asked of the examples and of random values alike.
"""

from tests.chart.objects import Objects, Pod, environment

from harena_db.roles import ROLES

# The restricted Pod Security Standard admits these volumes, and no others.
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
LINK_LOCAL = "169.254.0.0/16"
CREDENTIALS = "/run/secrets/harena/"


def check(objects: Objects) -> None:
    """Raises AssertionError where one of them does not hold."""
    for pod in objects.pods():
        _is_restricted(pod.spec)
        _asks_no_api(pod)
        _has_time_to_end(pod)
        _holds_what_it_is_told_of(pod)
        assert "hostPath" not in str(pod.spec)
        for container in pod.containers:
            _is_contained(container)
        selector = pod.owner["spec"].get("selector")
        assert selector is None or selector["matchLabels"].items() <= pod.labels.items()
    _services_find_pods(objects)
    _policies_cover_pods(objects)
    _ingresses_have_backends(objects)


# What a process needs besides: uvicorn's own end, closing its pools.
MARGIN_SECONDS = 5


def _has_time_to_end(pod: Pod) -> None:
    """A service is not killed before its drain is over, and nothing holds up its signal."""
    told = environment(pod.main)
    if "SHUTDOWN_SECONDS" in told:
        needed = int(told["DRAIN_SECONDS"]) + int(told["SHUTDOWN_SECONDS"]) + MARGIN_SECONDS
        assert pod.spec["terminationGracePeriodSeconds"] == needed
        assert "lifecycle" not in pod.main


def _is_restricted(spec: dict[str, object]) -> None:
    """The restricted Pod Security Standard, at the level of a pod."""
    assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
    security = spec["securityContext"]
    assert isinstance(security, dict)
    assert security["runAsNonRoot"] is True
    assert security["runAsUser"] > 0
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["enableServiceLinks"] is False
    volumes = spec.get("volumes", [])
    assert isinstance(volumes, list)
    for volume in volumes:
        [kind] = volume.keys() - {"name"}
        assert kind in VOLUMES


def _asks_no_api(pod: Pod) -> None:
    """But Prometheus, as an account of its own: it has to find what it scrapes."""
    finds = pod.component == "prometheus"
    assert pod.spec["automountServiceAccountToken"] is finds
    assert ("serviceAccountName" in pod.spec) is finds


def _holds_what_it_is_told_of(pod: Pod) -> None:
    """Every file that a variable names is there, to read; the keys of others are not."""
    for container in pod.containers:
        mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
        for value in environment(container).values():
            if value.startswith(CREDENTIALS):
                assert value.removeprefix(CREDENTIALS) in pod.files
                assert mounts[CREDENTIALS.rstrip("/")]["readOnly"] is True
    assert "signing-key" not in pod.files or pod.component == "user"
    if "database-url" in pod.files:
        assert f"harena_{pod.component}" in ROLES
        assert pod.files["database-url"][1] == f"{pod.component}-url"


def _is_contained(container: dict[str, object]) -> None:
    """Restricted, bounded, and with nothing secret where everybody may read it."""
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    resources = container["resources"]
    assert isinstance(resources, dict)
    assert "memory" in resources["limits"]
    assert {"cpu", "memory"} <= resources["requests"].keys()
    for kind, limit in resources["limits"].items():
        assert quantity(resources["requests"][kind]) <= quantity(limit)
    image = str(container["image"])
    name = image.rsplit("/", 1)[-1]
    assert "@sha256:" in image or ":" in name
    assert not name.endswith(":latest")
    names = list(environment(container))
    assert len(names) == len(set(names))
    for name in names:
        assert not name.endswith(("PASSWORD", "SECRET", "TOKEN", "_KEY", "DATABASE_URL"))
    assert "envFrom" not in container
    ports = container.get("ports", [])
    assert isinstance(ports, list)
    assert all(port["containerPort"] >= 1024 and "hostPort" not in port for port in ports)


def quantity(said: str) -> float:
    """Cores or bytes of a Kubernetes quantity, in the units that the schema lets through."""
    units = {"m": 1 / 1000, "Mi": 1 << 20, "Gi": 1 << 30}
    number = said.rstrip("mMGi")
    return float(number) * units.get(said.removeprefix(number), 1)


def _services_find_pods(objects: Objects) -> None:
    for service in objects.of("Service").values():
        selector = service["spec"]["selector"]
        [pod] = [pod for pod in objects.pods() if selector.items() <= pod.labels.items()]
        named = {port["name"] for port in pod.main["ports"]}
        assert all(port["targetPort"] in named for port in service["spec"]["ports"])
        assert service["spec"].get("type", "ClusterIP") == "ClusterIP"


def _policies_cover_pods(objects: Objects) -> None:
    policies = objects.of("NetworkPolicy").values()
    if not policies:
        return
    [deny] = [policy["spec"] for policy in policies if _denies_all(policy["spec"])]
    assert deny["podSelector"] == {}
    for pod in objects.pods():
        assert objects.policy(pod.component)["spec"]["policyTypes"] == ["Ingress", "Egress"]
    for _, end, _ in objects.edges():
        assert not end.startswith("169.254")
    for policy in policies:
        for rule in policy["spec"].get("egress") or []:
            for peer in rule["to"]:
                block = peer.get("ipBlock", {})
                assert block.get("cidr") != "0.0.0.0/0" or LINK_LOCAL in block["except"]


def _denies_all(spec: dict[str, object]) -> bool:
    return not {"ingress", "egress"} & spec.keys()


def _ingresses_have_backends(objects: Objects) -> None:
    services = objects.of("Service")
    for ingress in objects.of("Ingress").values():
        annotations = ingress["metadata"]["annotations"]
        for name, value in annotations.items():
            assert isinstance(value, str)
            assert not name.endswith(("snippet", "use-regex", "rewrite-target"))
            if name.endswith(
                ("timeout", "limit-rps", "multiplier", "connections", "max-age", "tries")
            ):
                assert value.isdigit()
                assert int(value) > 0
        for rule in ingress["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                service = services[path["backend"]["service"]["name"]]
                assert path["backend"]["service"]["port"]["name"] in {
                    port["name"] for port in service["spec"]["ports"]
                }
                assert path["pathType"] in {"Exact", "Prefix"}
