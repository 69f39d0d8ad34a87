"""Actions on workers: that one is there."""

from django.utils import timezone

from registry.models import Worker


def seen(cluster: str, hostname: str) -> None:
    """The cluster's worker on that machine is alive now."""
    Worker.objects.bulk_create(
        [Worker(cluster=cluster, hostname=hostname, seen_at=timezone.now())],
        update_conflicts=True,
        unique_fields=["cluster", "hostname"],
        update_fields=["seen_at"],
    )
