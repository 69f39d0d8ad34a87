"""What a move of the champion changes, as people read it."""

from registry.metrics import title
from registry.models import Metric, ModelVersion
from registry.reports.numbers import NONE, three

from .action import Change


def champion_moves(now: ModelVersion | None, then: ModelVersion) -> list[Change]:
    """What Label Studio's users get, before and after. One query."""
    metric = {v.pk: title(v.primary_metric) for v in (now, then) if v}
    primary = {
        m.version_id: f"{metric[m.version_id]} {three(m.value)} (n = {m.n})"
        for m in Metric.objects.filter(
            version__in=metric, target="", name="primary", split="holdout"
        )
    }
    return [
        Change("Champion", now.label if now else "none: no predictions", then.label),
        Change(
            "Primary metric, each on its own holdout",
            primary.get(now.pk, "not judged") if now else NONE,
            primary.get(then.pk, "not judged"),
        ),
    ]
