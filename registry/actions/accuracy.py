"""Notifications of drops of the accuracy on new labels, once until it is back."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from registry.models import Outcome, Project
from registry.statistics import Proportion

from . import base, notifications

RECENT = timedelta(days=7)
BEFORE = timedelta(days=28)


def report_drops() -> list[Project]:
    """Notify of each project whose accuracy has dropped, once; return them.

    It has where the 95 % interval of the last seven days lies below that of the 28 days before.
    Two queries where nothing has changed.
    """
    windows = _windows()
    reported = []
    for project in Project.objects.filter(pk__in=windows).order_by("pk"):
        now, before = windows[project.pk]
        is_below, was_below = _is_below(now, before), project.accuracy_dropped_at is not None
        if is_below == was_below:
            continue
        fields = {"accuracy_dropped_at": timezone.now() if is_below else None}
        with transaction.atomic():
            changed = base.update_row(project, fields, accuracy_dropped_at__isnull=is_below)
            if changed and is_below:
                notifications.accuracy_dropped(project, now, before)
                reported.append(project)
    return reported


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
