"""The machine, and what its kubelet sees on it."""

from tools.dashboards.panels import UP, Board, Panel, Row, graph, states

_OF_A_CONTAINER = 'container!~"|POD"'


def node() -> Board:
    """How the node is, by the four questions."""
    return Board(
        "harena-node",
        "Harena: node",
        "The machine that everything runs on: processor, memory, disks, and k3s itself.",
        [
            Row("Is it up?", _up()),
            Row("Is it slow?", _slow()),
            Row("Is it full?", _full()),
            Row("Is it wrong?", _wrong()),
        ],
        alerts='alertname=~"Node.*|Volume.*|Container.*"',
    )


def _up() -> list[Panel]:
    return [
        states(
            "Who measures it",
            "Whether each answers Prometheus: the kubelet, or a node exporter where there is none.",
            'max by (job) (up{job=~"kubelet|cadvisor|node"})',
            "{{job}}",
            UP,
            width=24,
        )
    ]


def _slow() -> list[Panel]:
    def waiting(what: str) -> str:
        rate = "[$__rate_interval]"
        return (
            f'max by (node) (rate(container_pressure_{what}_waiting_seconds_total{{id="/"}}{rate}))'
            f" or max by (node) (rate(node_pressure_{what}_waiting_seconds_total{rate}))"
        )

    return [
        graph(
            "Pressure",
            "Share of the time in which somebody waited for it.",
            "percentunit",
            (waiting("cpu"), "processor of {{node}}"),
            (waiting("memory"), "memory of {{node}}"),
            (waiting("io"), "disks of {{node}}"),
            width=12,
            top=1,
        ),
        graph(
            "Processor, by container",
            "Cores in use; the ten that use most.",
            "short",
            (
                "topk(10, sum by (pod, container) "
                f"(rate(container_cpu_usage_seconds_total{{{_OF_A_CONTAINER}}}[$__rate_interval])))",
                "{{container}} of {{pod}}",
            ),
            width=12,
        ),
    ]


def _full() -> list[Panel]:
    return [
        graph(
            "Processor and memory",
            "Used share of what there is.",
            "percentunit",
            ("node:cpu_used:ratio_rate5m", "processor of {{node}}"),
            ("node:memory_used:ratio", "memory of {{node}}"),
            width=6,
            top=1,
        ),
        graph(
            "Disks and volumes",
            "Used share. A volume of local-path is a folder of a disk, and has no figures.",
            "percentunit",
            ("node_device:filesystem_used:ratio", "{{device}} of {{node}}"),
            ("namespace_persistentvolumeclaim:volume_used:ratio", "{{persistentvolumeclaim}}"),
            width=6,
            top=1,
        ),
        graph(
            "Memory, by container",
            "In use, caches that can be dropped not counted; the ten that use most.",
            "bytes",
            (
                "topk(10, max by (pod, container) "
                f"(container_memory_working_set_bytes{{{_OF_A_CONTAINER}}}))",
                "{{container}} of {{pod}}",
            ),
            width=6,
        ),
        graph(
            "k3s itself",
            "Memory of its one process, API server and kubelet; elsewhere, of the kubelet.",
            "bytes",
            ('max by (node) (process_resident_memory_bytes{job="kubelet"})', "memory on {{node}}"),
            width=6,
        ),
    ]


def _wrong() -> list[Panel]:
    return [
        graph(
            "Restarts of containers",
            "In 30 minutes.",
            "short",
            ("changes(container:start_time_seconds:max[30m]) > 0", "{{container}} of {{pod}}"),
            width=6,
        ),
        graph(
            "Processor of k3s itself",
            "Cores in use.",
            "short",
            (
                'max by (node) (rate(process_cpu_seconds_total{job="kubelet"}[$__rate_interval]))',
                "{{node}}",
            ),
            width=6,
        ),
        graph(
            "Datastore of k3s",
            "In use; 10 to 100 MB, unless its old rows stay.",
            "bytes",
            ("max by (node) (apiserver_storage_size_bytes)", "{{node}}"),
            width=6,
        ),
        graph(
            "Left to the certificates of k3s",
            "Until the first of them expires. A restart of k3s renews them.",
            "s",
            ("min by (node) (k3s_certificate_expiration_seconds)", "{{node}}"),
            width=6,
        ),
    ]
