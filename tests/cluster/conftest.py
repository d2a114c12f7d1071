"""The test cluster with ingress-nginx and the platform on it. All tests here run from outside it.

In: a cluster that runs (`tools/cluster/cluster.sh up`) with the images that `tests.cluster.images`
packs, and this process in its client's network. `make test-cluster` does all that. Out: `harena`,
installed with demo data and healthy. A test may break what it likes, and leaves it healthy.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cluster import traefik
from tests.cluster.cluster import HERE, NAMESPACE, Cluster, Harena, eventually


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(item.fspath).is_relative_to(HERE):
            item.add_marker(pytest.mark.cluster)
            if not item.get_closest_marker("timeout"):
                item.add_marker(pytest.mark.timeout(900))


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The cluster, with ingress-nginx."""
    cluster = Cluster()
    cluster.install_ingress_nginx()
    return cluster


@pytest.fixture(scope="session")
def with_traefik(cluster: Cluster) -> Iterator[None]:
    """The other controller beside it; each reads a class of its own."""
    traefik.install(cluster)
    yield
    cluster.kubectl("delete", "namespace", traefik.NAMESPACE, "--wait=false")


@pytest.fixture(scope="session")
def installed(cluster: Cluster) -> Harena:
    """The platform, installed from nothing."""
    cluster.fresh_namespace(NAMESPACE)
    harena = Harena(cluster)
    harena.install()
    # Whom the tests log in as.
    loaded = ("wait", "job", "--selector=app.kubernetes.io/component=demo")
    harena.kubectl(*loaded, "--for=condition=Complete", "--timeout=300s", seconds=330)
    return harena


@pytest.fixture
def harena(installed: Harena) -> Iterator[Harena]:
    """Tests find it healthy, and leave it so."""
    assert eventually(installed.serves)
    yield installed
    assert eventually(installed.serves)
