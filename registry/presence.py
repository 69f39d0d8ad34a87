"""Which workers are there: those that gave a sign of life lately."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from registry.models import Worker

# Six signs of life: one that is late, or a database that is away for a minute, is no absence.
SEEN_WITHIN = timedelta(seconds=90)


def present() -> QuerySet[Worker]:
    """The workers that were seen lately, on any machine."""
    return Worker.objects.filter(seen_at__gte=timezone.now() - SEEN_WITHIN)
