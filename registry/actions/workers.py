"""Actions on workers: their heartbeats."""

from django.utils import timezone

from registry.models import Worker


def record_heartbeat(cluster: str, hostname: str) -> None:
    """Record that the cluster's worker on that machine is alive."""
    Worker.objects.bulk_create(
        [Worker(cluster=cluster, hostname=hostname, heartbeat_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["cluster", "hostname"],
        update_fields=["heartbeat_at"],
    )
