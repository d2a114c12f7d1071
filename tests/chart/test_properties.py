"""Random values: either the chart refuses them in words, or every rule holds.

They are drawn valid, but for what one draw cannot know of another: a call to a service that is not
there, an autoscaler's maximum under the pods of all. What was seen of the chart is counted.
"""

from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from tests.chart import rules
from tests.chart.conftest import CHART, HelmError, Render, Values
from tests.chart.objects import Objects, environment

from harena_edge import model

EXAMPLES = 60
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text())
STORED = ("user", "search", "metric", "budget", "conversation")
SERVICES = (*STORED, "portal")
ROUTES = tuple(name for name in model.load().routes if name != "catch-all")

# Few, so that most objects are those of an example before, which need not be validated again.
names = st.sampled_from(["a", "mine", "x9-y8"])
text = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=20)
urls = st.sampled_from(["", "http://a.example", "https://a.example:8443/b?c=d"])
images = st.sampled_from(["", "a/b:1", "r.example:5000/a/b:1.2-x", f"a@sha256:{'a' * 64}"])
ports = st.integers(1024, 65535)


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Values]:
    """A map with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


def many(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Values]:
    """A map with four of these keys or more."""
    chosen = st.lists(st.sampled_from(sorted(keys)), min_size=4, unique=True)
    return chosen.flatmap(lambda own: st.fixed_dictionaries({key: keys[key] for key in own}))


@st.composite
def resources(draw: st.DrawFn, least: int = 16) -> Values:
    """Requests up to their limits; `least` is of the limit of memory, in MiB."""
    memory, cpu = draw(st.integers(least, 2048)), draw(st.integers(1, 2000))
    limits = {"memory": f"{memory}Mi"} | draw(some(cpu=st.just(f"{cpu}m")))
    return {
        "requests": {
            "cpu": f"{draw(st.integers(1, cpu))}m",
            "memory": f"{draw(st.integers(1, memory))}Mi",
        },
        "limits": limits,
    }


nodes = {
    "nodeSelector": st.dictionaries(names, names, max_size=2),
    "tolerations": st.lists(some(key=names, effect=st.just("NoSchedule")), max_size=2),
}
size = st.integers(16, 2048).map("{}Mi".format)
# What may be said of all services at once.
shared = {
    "image": images,
    "replicas": st.integers(1, 3),
    "autoscaling": some(enabled=st.booleans(), max=st.integers(2, 4)),
    "internet": st.booleans(),
    "databasePool": st.integers(1, 10),
    "env": st.dictionaries(st.sampled_from(["LOG_LEVEL", "TODAY", "EXTRA"]), text, max_size=2),
    "drainSeconds": st.integers(5, 60),
    "shutdownSeconds": st.integers(1, 300),
    "resources": resources(),
    **nodes,
}


def service(name: str) -> st.SearchStrategy[Values]:
    """The entry of one, with what it may hold."""
    held = ["redis", "key-set", "search-engine"]
    held += ["database"] if name in STORED else []
    held += ["signing-key"] if name == "user" else []
    others = [each for each in (*SERVICES, "report") if each != name]
    own = many(
        **shared,
        port=ports,
        internalPort=st.just(0) | ports,
        calls=st.lists(st.sampled_from(others), unique=True, max_size=2),
        credentials=st.lists(st.sampled_from(held), unique=True),
    )
    if name in DEFAULTS["services"]:
        return own
    # By default it would use the database, where it has no role.
    return st.builds(lambda found, port: {"credentials": [], "port": port} | found, own, ports)


services = st.lists(st.sampled_from([*SERVICES, "report"]), min_size=1, max_size=3, unique=True)
route = st.builds(
    lambda rate, times, found: {"rate": rate, "burst": rate * times, **found},
    st.integers(1, 40),
    st.integers(1, 4),
    some(
        enabled=st.booleans(),
        connections=st.integers(1, 10000),
        timeouts=some(read=st.integers(1, 86400), connect=st.integers(1, 120)),
        body_limit=st.integers(1024, 104857600),
    ),
)
routing = st.fixed_dictionaries(
    {"routes": st.dictionaries(st.sampled_from(ROUTES), route, min_size=1, max_size=3)},
    optional={"cors": st.just({"origins": ["https://a.example", "http://b.example:8080"]})},
)
here = some(storage=some(size=size, className=names, existingClaim=names), **nodes)
elsewhere = st.fixed_dictionaries({"enabled": st.just(False), "existingSecret": names})
of_ones_own = st.fixed_dictionaries({"existingSecret": names})
store = here | elsewhere | of_ones_own


@st.composite
def redis(draw: st.DrawFn) -> Values:
    """Its limit is half as much again as what it keeps, or more."""
    kept = draw(st.integers(1, 512))
    bound = {"maxMemory": f"{kept}mb", "resources": draw(resources(kept * 3 // 2 + 1))}
    found: Values = draw(store) | bound
    return found


@st.composite
def ingress(draw: st.DrawFn) -> Values:
    found: Values = {
        "enabled": draw(st.sampled_from([True, True, False])),
        "controller": draw(st.sampled_from(["nginx", "traefik"])),
    }
    hosts = draw(st.sampled_from([[], ["a.example"], ["a.example", "b.a.example"]]))
    certificate = draw(st.sampled_from([{"issuer": {"name": "x"}}, {"secretName": "x"}, None]))
    if hosts and certificate:
        found["tls"] = {"enabled": True, **certificate}
    return found | {"hosts": hosts}


migrate = st.builds(
    lambda roles, found: {"bootstrapRoles": roles, **found},
    st.booleans(),
    some(resources=resources(), **nodes),
)
email = {"to": "a@b", "from": "c@b", "smarthost": "mail.example:587"}
receivers = some(
    webhook=urls,
    heartbeat=urls,
    email=st.sampled_from([email, email | {"username": "me", "existingSecret": "smtp"}]),
)
alertmanager = some(
    enabled=st.booleans(),
    receivers=receivers,
    egress=some(ports=st.lists(st.integers(1, 65535), unique=True, max_size=2)),
) | st.fixed_dictionaries({"existingSecret": names, "egress": st.just({"ports": [443]})})
exporter = some(enabled=st.booleans()) | st.fixed_dictionaries(
    {"existingSecret": names, "address": names}
)
monitoring = st.just({"enabled": False}) | some(
    prometheus=some(
        scrapeSeconds=st.integers(5, 60),
        retention=st.integers(1, 3).map(lambda most: {"gigabytes": most}),
        edge=some(enabled=st.booleans(), target=urls),
        kubelet=some(enabled=st.booleans(), verify=st.booleans()),
        resources=resources(),
        **nodes,
    ),
    alertmanager=alertmanager,
    grafana=some(enabled=st.booleans(), existingSecret=names),
    exporters=some(postgres=exporter, redis=exporter),
)


def connections(values: Values) -> int:
    """How many the services may open: a pool for each pod and one more, and ten for people."""
    needed = 10
    default = DEFAULTS["serviceDefaults"] | values.get("serviceDefaults", {})
    for name in {**DEFAULTS["services"], **values["services"]}:
        own = {**DEFAULTS["services"].get(name, {}), **values["services"].get(name, {})}
        said = default | own
        scaling = {
            **DEFAULTS["serviceDefaults"]["autoscaling"],
            **default["autoscaling"],
            **own.get("autoscaling", {}),
        }
        if "database" in said["credentials"]:
            pods = scaling["max"] if scaling["enabled"] else said["replicas"]
            needed += (pods + 1) * said["databasePool"]
    return needed


@st.composite
def valid(draw: st.DrawFn) -> Values:
    values: Values = draw(
        some(
            image=some(tag=names, pullSecrets=st.lists(names, max_size=1)),
            serviceDefaults=some(**shared),
            redis=redis(),
            signing=of_ones_own,
            searchEngine=of_ones_own,
        )
    )
    for part in ("demo", "networkPolicy", "priorityClasses"):
        values[part] = {"enabled": draw(st.booleans())}
    values["ingress"] = draw(ingress())
    values["migrate"] = draw(migrate)
    values["routing"] = draw(routing)
    values["monitoring"] = draw(monitoring)
    values["services"] = {name: draw(service(name)) for name in draw(services)}
    most = connections(values) + draw(st.integers(0, 20))
    values["database"] = {**draw(store), "settings": {"max_connections": str(most)}}
    return values


def components(objects: Objects) -> set[str]:
    return {pod.component for pod in objects.pods()}


def told(objects: Objects) -> set[str]:
    return {name for pod in objects.pods() for name in environment(pod.main)}


# What must have been seen: values that are nearly the defaults test almost nothing.
BRANCHES: dict[str, Callable[[Objects], bool]] = {
    "several pods": lambda seen: any(
        pod.owner["spec"].get("replicas", 1) > 1 for pod in seen.pods()
    ),
    "an autoscaler": lambda seen: bool(seen.of("HorizontalPodAutoscaler")),
    "a service of one's own": lambda seen: "report" in components(seen),
    "a service without a credential": lambda seen: any(
        pod.component in STORED and not pod.files for pod in seen.pods()
    ),
    "a setting of one's own": lambda seen: "EXTRA" in told(seen),
    "a limit of cpu": lambda seen: any("cpu" in p.main["resources"]["limits"] for p in seen.pods()),
    "nodes of its own": lambda seen: any("nodeSelector" in pod.spec for pod in seen.pods()),
    "a search engine": lambda seen: "ELASTICSEARCH_URL_FILE" in told(seen),
    "Postgres elsewhere": lambda seen: "postgres" not in components(seen),
    "Redis elsewhere": lambda seen: "redis" not in components(seen),
    "no roles made": lambda seen: "initContainers" not in seen.pod("migrate").spec,
    "the demo": lambda seen: "demo" in components(seen),
    "no ingress": lambda seen: not seen.of("Ingress"),
    "Traefik": lambda seen: "traefik-nginx" in str(seen.of("Ingress")),
    "a certificate": lambda seen: bool(seen.of("Certificate")),
    "a route turned off": lambda seen: 0 < len(seen.of("Ingress")) <= len(ROUTES),
    "no monitoring": lambda seen: "prometheus" not in components(seen),
    "no exporter": lambda seen: "redis-exporter" not in components(seen),
    "no policies": lambda seen: not seen.of("NetworkPolicy"),
    "no priorities": lambda seen: not seen.of("PriorityClass"),
}


# Helm for each, and the schemas of Kubernetes for every object that is new.
@pytest.mark.timeout(300)
def test_random_values(render: Render) -> None:
    seen: dict[str, Objects | None] = {}

    def hold(values: Values) -> None:
        try:
            objects = render(values)
        except HelmError as refused:
            reason = str(refused)
        else:
            rules.check(objects)
            seen[repr(values)] = objects
            return
        # The chart's own words: never a template that broke.
        assert "check-values.yaml" in reason
        seen[repr(values)] = None

    # One run would spend five of six examples on copies of another. Here each run has two: the
    # simplest values, which are the same every time, and others.
    one = settings(
        max_examples=2,
        deadline=None,
        database=None,
        # A failure is shown as it was drawn: making it small takes minutes. Phase.shrink does it.
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    for number in range(EXAMPLES):
        seed(number)(one(given(valid())(hold)))()

    rendered = [objects for objects in seen.values() if objects]
    assert len(seen) > EXAMPLES / 2
    assert len(rendered) > len(seen) / 2
    assert [name for name, has in BRANCHES.items() if not any(map(has, rendered))] == []
