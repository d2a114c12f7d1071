"""The images of monitoring, with the entry points, users and folders of the upstream ones.

Alertmanager and the exporters are Debian's. Prometheus is built from its Go module, because
Debian's is built without the discovery of Kubernetes; it has no pages of its own, which no test
looks at. Grafana is in no registry of packages, and so in no test.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

from tools.images import oci
from tools.images.debian import USERS, Repository, finish

PACKAGES = (
    "prometheus-alertmanager",
    "prometheus-postgres-exporter",
    "prometheus-redis-exporter",
    "ca-certificates",
    "busybox-static",
)
NOBODY = USERS["nobody"]
_LINKS = {
    "usr/bin/alertmanager": "prometheus-alertmanager",
    "usr/bin/postgres_exporter": "prometheus-postgres-exporter",
    "redis_exporter": "usr/bin/prometheus-redis-exporter",
}


def images(
    scratch: Path, debian: Repository, built: Path, name: Callable[[str], str]
) -> list[oci.Image]:
    """One layer of Debian's programs for all, and one of Prometheus from the folder `built`.

    `name` completes a name.
    """
    programs, prometheus = scratch / "monitoring", scratch / "prometheus"
    debian.unpack(PACKAGES, programs)
    finish(programs)
    for link, target in _LINKS.items():
        (programs / link).symlink_to(target)
    for folder in ("prometheus", "alertmanager"):
        (programs / folder).mkdir()
    (prometheus / "usr/bin").mkdir(parents=True)
    shutil.copy(built / "prometheus", prometheus / "usr/bin")

    base = oci.Layer.pack(
        scratch / "monitoring.tar",
        programs,
        owners={"prometheus": NOBODY, "alertmanager": NOBODY},
        modes={"tmp": 0o1777},
    )
    own = oci.Layer.pack(scratch / "prometheus.tar", prometheus)
    return [
        oci.Image(
            name("prometheus"),
            (base, own),
            entrypoint=("/bin/prometheus",),
            command=(
                "--config.file=/etc/prometheus/prometheus.yml",
                "--storage.tsdb.path=/prometheus",
            ),
            user=str(NOBODY),
            folder="/prometheus",
        ),
        oci.Image(
            name("alertmanager"),
            (base,),
            entrypoint=("/bin/alertmanager",),
            command=(
                "--config.file=/etc/alertmanager/alertmanager.yml",
                "--storage.path=/alertmanager",
            ),
            user=str(NOBODY),
            folder="/alertmanager",
        ),
        oci.Image(
            name("postgres-exporter"),
            (base,),
            entrypoint=("/bin/postgres_exporter",),
            user=str(NOBODY),
        ),
        oci.Image(
            name("redis-exporter"),
            (base,),
            entrypoint=("/redis_exporter",),
            user="59000:59000",
        ),
    ]
