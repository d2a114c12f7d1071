"""Prometheus, where there is one: no wheel carries it, so the platform does without it by default.

It is the system's, or Debian's unpacked into the `bin` of the state folder. Of a cluster's jobs it
has those whose targets are here, by the same names and with the same labels, so that one set of
rules fits both: all but ingress, kubelet, cadvisor and alertmanager. What a kubelet tells of its
machine, a node exporter tells here.
"""

import shutil
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harena_local import health
from harena_local.exporters import Exporter
from harena_local.process import Identity, identity

STOP_SIGNAL = signal.SIGTERM
INTERVAL = "15s"
# Whichever is reached first.
KEPT_FOR, KEPT_SIZE = "15d", "2GB"
# Debian serves the page under another path than everybody else; the last is there always, as JSON.
_ALERT_PAGES = ("/alerts", "/classic/alerts", "/api/v1/alerts")


def find(name: str, folder: Path) -> Path:
    """A program: in `folder`, else on PATH; where there is none, where it is to be put."""
    of_debian = f"prometheus-{name.replace('_', '-')}"
    tried = [(each, path) for path in (str(folder), None) for each in (name, of_debian)]
    found = [path for each, where in tried if (path := shutil.which(each, path=where))]
    return Path(found[0]) if found else folder / name


def configuration(
    services: Mapping[str, int],
    exporters: Iterable[Exporter],
    *,
    edge: int,
    own: int,
    rules: Path,
) -> str:
    """The text of prometheus.yml.

    `services` gives the port of each service's probes and metrics, `edge` and `own` those of the
    edge and of Prometheus itself. `rules` is a folder; one without rules is none to Prometheus.
    """

    def target(port: int, **labels: str) -> dict[str, Any]:
        return {"targets": [f"127.0.0.1:{port}"], "labels": labels}

    def job(name: str, *targets: dict[str, Any], **more: object) -> dict[str, object]:
        return {"job_name": name, **more, "static_configs": list(targets)}

    def each_service() -> list[dict[str, Any]]:
        return [target(port, service=name) for name, port in services.items()]

    return yaml.safe_dump(
        {
            "global": {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL},
            "rule_files": [f"{rules}/*.yaml"],
            "scrape_configs": [
                # The services' own series carry their service already.
                job("harena", *each_service(), honor_labels=True),
                job("harena-health", *each_service(), honor_labels=True, metrics_path="/health"),
                # As a client comes: the whole way, through the edge.
                job("edge", target(edge), metrics_path="/health"),
                job("prometheus", target(own)),
                *(job(each.job, target(each.port, **each.labels)) for each in exporters),
            ],
        },
        sort_keys=False,
    )


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One server: its binary, a folder for its configuration, one for its data, its port."""

    binary: Path
    folder: Path
    data: Path
    port: int
    who: Identity = field(default_factory=identity)

    @property
    def installed(self) -> bool:
        return shutil.which(self.binary) is not None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def _file(self) -> Path:
        return self.folder / "prometheus.yml"

    @property
    def argv(self) -> list[str]:
        options = {
            "config.file": self._file,
            "storage.tsdb.path": self.data,
            "storage.tsdb.retention.time": KEPT_FOR,
            "storage.tsdb.retention.size": KEPT_SIZE,
            "web.listen-address": f"127.0.0.1:{self.port}",
            # By default any page that a browser shows may read it.
            "web.cors.origin": self.url.replace(".", r"\."),
        }
        # Debian's pages are files beside its binary; no other Prometheus knows the option.
        pages = self.binary.resolve().parent.parent / "share" / "prometheus" / "web"
        if (pages / "templates").is_dir():
            options["web.local-assets"] = f"{pages}/"
        return [str(self.binary), *(f"--{name}={value}" for name, value in options.items())]

    def configure(self, text: str) -> bool:
        """Writes the configuration; whether it is another than before."""
        self.who.own(self.data)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        changed = not self._file.exists() or self._file.read_text() != text
        self._file.write_text(text)
        self.who.own(self.folder)
        return changed

    def ready(self) -> bool:
        """Whether it has read its data and answers."""
        return health.answers(self.port, "/-/ready")

    def alerts(self) -> str:
        """Where a person sees the alerts of a server that runs."""
        pages = (path for path in _ALERT_PAGES if health.answers(self.port, path))
        return self.url + next(pages, "")
