"""Random values: either the chart refuses them in words, or every rule holds."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.chart import rules
from tests.chart.conftest import HelmError, Render, Values

from harena_edge import model

SERVICES = ("user", "search", "metric", "budget", "conversation", "portal")
ROUTES = tuple(model.load().routes)

names = st.from_regex(r"\A[a-z][a-z0-9]{0,8}\Z")
memory = st.integers(16, 2048).map(lambda mebi: f"{mebi}Mi")
cpu = st.integers(1, 2000).map(lambda milli: f"{milli}m")
text = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S", "Zs"]), max_size=20)


def some(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Values]:
    """A map with any of these keys."""
    return st.fixed_dictionaries({}, optional=keys)


resources = st.fixed_dictionaries(
    {
        "requests": st.fixed_dictionaries({"cpu": cpu, "memory": memory}),
        "limits": st.fixed_dictionaries({"memory": memory}, optional={"cpu": cpu}),
    }
)
nodes = {
    "nodeSelector": st.dictionaries(names, names, max_size=2),
    "tolerations": st.lists(some(key=names, effect=st.just("NoSchedule")), max_size=2),
}
urls = st.sampled_from(["", "http://a.example", "https://a.example:8443/b?c=d"])
images = st.sampled_from(["", "a/b:1", "r.example:5000/a/b:1.2-x", f"a@sha256:{'a' * 64}"])
service = some(
    image=images,
    replicas=st.integers(1, 3),
    autoscaling=some(enabled=st.booleans(), max=st.integers(1, 4)),
    port=st.integers(1024, 65535),
    internalPort=st.just(0) | st.integers(1024, 65535),
    credentials=st.lists(
        st.sampled_from(["database", "redis", "key-set", "signing-key"]), unique=True
    ),
    calls=st.lists(st.sampled_from(SERVICES), unique=True),
    internet=st.booleans(),
    databasePool=st.integers(1, 10),
    env=st.dictionaries(st.sampled_from(["LOG_LEVEL", "TODAY", "EXTRA"]), text, max_size=2),
    drainSeconds=st.integers(5, 60),
    shutdownSeconds=st.integers(1, 300),
    resources=resources,
    **nodes,
)
route = some(
    enabled=st.booleans(),
    rate=st.integers(1, 40),
    burst=st.integers(1, 4).map(lambda times: times * 30),
    timeouts=some(read=st.integers(1, 86400), connect=st.integers(1, 120)),
    body_limit=st.integers(1024, 104857600),
)
store = {
    "enabled": st.booleans(),
    "existingSecret": st.just("") | names,
    "storage": some(size=memory, className=names, existingClaim=st.just("") | names),
    "resources": resources,
    **nodes,
}
values = some(
    fullnameOverride=st.just("") | names,
    image=some(tag=names, pullSecrets=st.lists(names, max_size=1)),
    serviceDefaults=service,
    services=st.dictionaries(st.sampled_from([*SERVICES, "report"]), service, max_size=3),
    routing=some(
        routes=st.dictionaries(st.sampled_from(ROUTES), route, max_size=3),
        cors=some(
            origins=st.just(["*"]) | st.lists(names.map("https://{}.example".format), min_size=1)
        ),
    ),
    ingress=some(
        enabled=st.booleans(),
        controller=st.sampled_from(["nginx", "traefik"]),
        hosts=st.lists(names.map("{}.example".format), unique=True, max_size=2),
        tls=some(enabled=st.booleans(), issuer=some(name=names), secretName=names),
    ),
    database=some(
        **store, settings=st.integers(50, 500).map(lambda most: {"max_connections": str(most)})
    ),
    redis=some(**store),
    migrate=some(bootstrapRoles=st.booleans(), resources=resources, **nodes),
    demo=some(enabled=st.booleans()),
    monitoring=some(
        enabled=st.booleans(),
        prometheus=some(
            scrapeSeconds=st.integers(5, 60),
            retention=some(gigabytes=st.integers(1, 5)),
            storage=some(existingClaim=names),
            edge=some(enabled=st.booleans(), target=urls),
            kubelet=some(enabled=st.booleans(), verify=st.booleans()),
            **nodes,
        ),
        alertmanager=some(
            enabled=st.booleans(),
            existingSecret=names,
            receivers=some(webhook=urls, heartbeat=urls, email=some(to=st.just("a@b"))),
            egress=some(ports=st.lists(st.integers(1, 65535), unique=True, max_size=2)),
        ),
        grafana=some(enabled=st.booleans(), existingSecret=names),
        exporters=some(
            postgres=some(enabled=st.booleans(), existingSecret=names, address=names),
            redis=some(enabled=st.booleans(), existingSecret=names, address=names),
        ),
    ),
    networkPolicy=some(enabled=st.booleans()),
    priorityClasses=some(enabled=st.booleans()),
)


@settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,  # a run of the tests is the same for everybody; raise max_examples to search
    suppress_health_check=[HealthCheck.too_slow],
)
@given(values)
def test_random_values(render: Render, values: Values) -> None:
    try:
        objects = render(values)
    except HelmError as refused:
        reason = str(refused)
    else:
        rules.check(objects)
        return
    # The chart's own words, or the schema's: never a template that broke.
    assert "check-values.yaml" in reason or "specifications of the schema" in reason
