"""What a move of the champion changes, as people read it."""

from registry.formatting import NONE, primary_metric
from registry.models import ModelVersion

from .action import Change


def champion_moves(now: ModelVersion | None, then: ModelVersion) -> list[Change]:
    """What Label Studio's users get, before and after."""
    return [
        Change("Champion", now.label if now else "none: no predictions", then.label),
        Change(
            "Primary metric, each on its own holdout",
            primary_metric(now) if now else NONE,
            primary_metric(then),
        ),
    ]
