"""Numbers, times and answers as people read them: to the same places everywhere, never a guess."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateformat import format as dated

from registry.metrics import Unit, info, title
from registry.models import ModelVersion

NONE = "–"


def three(value: float | None) -> str:
    """`0.912`; a dash for what is undefined."""
    return NONE if value is None else f"{value:.3f}"


def measure(metric: str, value: float | None) -> str:
    """A metric's value; of what is counted a whole number."""
    counted = value is not None and info(metric).unit == Unit.COUNT
    return f"{value:,.0f}" if counted else three(value)


def primary_metric(version: ModelVersion) -> str:
    """`macro F1 0.912 (n = 140)`: each version's is of its own holdout."""
    if version.primary_value is None:
        return "not judged"
    name, value = title(version.primary_metric), three(version.primary_value)
    return f"{name} {value} (n = {version.primary_n})"


def signed(value: float | None) -> str:
    """`+0.012`, with a minus that is as wide as the plus."""
    return NONE if value is None else f"{value:+.3f}".replace("-", "−")


def interval(ends: Sequence[float] | None) -> str:
    """`−0.010 to +0.034`: a 95 % interval of a difference."""
    return f"{signed(ends[0])} to {signed(ends[1])}" if ends else NONE


def share_interval(ends: Sequence[float] | None) -> str:
    """`0.764 to 0.991`: a 95 % interval of a share."""
    return f"{three(ends[0])} to {three(ends[1])}" if ends else NONE


def moment(at: datetime | None) -> str:
    """`23 Nov 2026, 18:21:41 UTC`; a dash for never."""
    return NONE if at is None else dated(timezone.localtime(at), "j M Y, H:i:s T")


def on_the_same_tasks(comparison: dict[str, Any], champion: str) -> str:
    """What a run's comparison of its version with the champion says; "" if that was another."""
    if comparison.get("champion_label") != champion:
        return ""
    return (
        f"On the same {comparison.get('n') or 0} holdout tasks: "
        f"{title(comparison.get('metric') or 'macro_f1')} {three(comparison.get('candidate'))} "
        f"against {three(comparison.get('champion'))} of {champion}, a difference of "
        f"{signed(comparison.get('difference'))} (95 % {interval(comparison.get('interval'))})."
    )


def answer(value: Any) -> str:
    """A label, or a set of them, as it was answered."""
    if value is None:
        return "no answer"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none of them"
    return str(value)
