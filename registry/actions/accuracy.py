"""Actions on the accuracy on new labels: notices when it drops, and when it is back."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from registry.models import Outcome, Project
from registry.proportions import Proportion

from . import base, notifications

RECENT = timedelta(days=7)
BEFORE = timedelta(days=28)


def note_drops() -> list[Project]:
    """Notify of each project whose accuracy has dropped, once; return them.

    It has where the 95 % interval of the last seven days lies below that of the 28 days before.
    """
    dropped = []
    for project, (now, before) in _windows().items():
        row = Project.objects.get(pk=project)
        if not _is_below(now, before):
            base.update_row(row, {"accuracy_dropped_at": None}, accuracy_dropped_at__isnull=False)
            continue
        noticed = {"accuracy_dropped_at": timezone.now()}
        with transaction.atomic():
            if base.update_row(row, noticed, accuracy_dropped_at__isnull=True):
                notifications.accuracy_dropped(row, now, before)
                dropped.append(row)
    return dropped


def _windows() -> dict[int, tuple[Proportion, Proportion]]:
    """By project, of recent predictions and of those before; one query."""
    since = timezone.now() - RECENT
    recent, right = Q(at__gte=since), Q(correct=True)
    outcomes = Outcome.objects.filter(source=Outcome.Source.PREQUENTIAL, at__gte=since - BEFORE)
    rows = (
        outcomes.values("version__project")
        .annotate(
            n=Count("pk", filter=recent),
            right=Count("pk", filter=recent & right),
            n_before=Count("pk", filter=~recent),
            right_before=Count("pk", filter=~recent & right),
        )
        .order_by("version__project")
    )
    return {
        row["version__project"]: (
            Proportion(row["n"], row["right"]),
            Proportion(row["n_before"], row["right_before"]),
        )
        for row in rows
    }


def _is_below(now: Proportion, before: Proportion) -> bool:
    return bool(now.interval and before.interval and now.interval[1] < before.interval[0])
