"""Which causes there are, which of them go together, and what is not caused here."""

from collections.abc import Mapping, Sequence

from tests.cluster.drill import edge, node, services, stores, watchers
from tests.cluster.drill.cause import Cause

# What is in one part may be there at the same time; parts come one after another.
PARTS: Sequence[Sequence[Cause]] = (
    (
        edge.refused_ingress,
        edge.old_certificate,
        stores.redis_gone,
        stores.forgotten_transaction,
        stores.deadlock,
        stores.many_connections,
        stores.locked_transactions,
        stores.locked_versions,
        services.search_gone,
        services.search_out_of_memory,
        services.conversation_swollen,
        services.conversation_stalling,
        services.budget_restarting,
        services.wrong_passwords,
        services.bad_tokens,
        services.closed_policy,
        node.disk_full,
        edge.flood,
        watchers.alertmanager_restarting,
        watchers.alertmanager_gone,
        watchers.dead_receiver,
        watchers.impossible_rule,
        watchers.broken_configuration,
    ),
    (stores.postgres_gone, edge.edge_gone),
    (node.machine_full,),
)
# They may go on while any part does. They come after the first part's own of Redis.
BESIDE: Sequence[Cause] = (stores.redis_nearly_full, stores.redis_overfull)
EVERY: Sequence[Cause] = (*(cause for part in PARTS for cause in part), *BESIDE)

# Fired by tests/monitoring/test_programs.py, on a Prometheus of its own.
ELSEWHERE = frozenset({"PrometheusNearSizeLimit"})
NOT_HERE: Mapping[str, str] = {
    "Watchdog": "fires always, without a cause; the drill does not begin before it does",
    "NodeDiskFilling": "is a trend of six hours, of which it needs three; neither is shortened",
    "NodeDatastoreLarge": "only k3s exports the figure, and this is no k3s",
    "NodeCertificateExpiring": "only k3s exports the figure, and this is no k3s",
}
