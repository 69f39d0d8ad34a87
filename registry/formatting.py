"""Formatting of numbers, times and answers for people: three decimals, a dash for undefined."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateformat import format as dated

from registry.metrics import Unit, metric_info, title
from registry.models import ModelVersion
from registry.models.version import FEW

NONE = "–"
_SHOWN_TASKS = 10


def format_3dp(value: float | None) -> str:
    """`0.912`; a dash for None."""
    return NONE if value is None else f"{value:.3f}"


def metric_value(metric: str, value: float | None) -> str:
    """A metric's value with three decimals; a count as a whole number."""
    counted = value is not None and metric_info(metric).unit == Unit.COUNT
    return f"{value:,.0f}" if counted else format_3dp(value)


def primary_metric(version: ModelVersion) -> str:
    """`macro F1 0.912 (0.860 to 0.951, n = 140)`, on the version's own holdout."""
    if version.primary_value is None:
        return "not evaluated"
    name, value = title(version.primary_metric), format_3dp(version.primary_value)
    return f"{name} {value} ({interval_and_n(version.primary_interval, version.primary_n)})"


def interval_and_n(ends: Sequence[float] | None, n: int) -> str:
    """`0.860 to 0.951, n = 140`; below 30 tasks `n = 13, few tasks`."""
    few = ", few tasks" if n < FEW else ""
    return f"{share_interval(ends)}, n = {n:,}{few}" if ends else f"n = {n:,}{few}"


def signed(value: float | None) -> str:
    """`+0.012`, with a typographic minus."""
    return NONE if value is None else f"{value:+.3f}".replace("-", "−")


def interval(ends: Sequence[float] | None) -> str:
    """`−0.010 to +0.034`: a 95 % interval of a difference."""
    return f"{signed(ends[0])} to {signed(ends[1])}" if ends else NONE


def share_interval(ends: Sequence[float] | None) -> str:
    """`0.764 to 0.991`: a 95 % interval of a share."""
    return f"{format_3dp(ends[0])} to {format_3dp(ends[1])}" if ends else NONE


def exact_time(at: datetime | None) -> str:
    """`23 Nov 2026, 18:21:41 UTC`; a dash for None."""
    return NONE if at is None else dated(timezone.localtime(at), "j M Y, H:i:s T")


def comparison_sentence(comparison: dict[str, Any], champion: str) -> str:
    """The recorded comparison with this champion as a sentence; "" if it was with another."""
    if comparison.get("champion_label") != champion:
        return ""
    metric = title(comparison.get("metric") or "macro_f1")
    return (
        f"On the same {compared_tasks(comparison)}: "
        f"{metric} {format_3dp(comparison.get('candidate'))} "
        f"against {format_3dp(comparison.get('champion'))} of {champion}, a difference of "
        f"{signed(comparison.get('difference'))} (95 % {interval(comparison.get('interval'))})."
    )


def compared_tasks(comparison: dict[str, Any]) -> str:
    """`150 tasks, 120 of them out of fold`: those that two versions were compared on."""
    n, out_of_fold = comparison.get("n") or 0, comparison.get("n_out_of_fold") or 0
    if not out_of_fold:
        return f"{n} holdout tasks"
    return f"{n} tasks, {out_of_fold} of them out of fold"


def answer_text(classes: Sequence[str] | None) -> str:
    """The classes of a label or prediction as text."""
    if classes is None:
        return "no answer"
    return ", ".join(classes) or "none of them"


def image_counts_text(counts: dict[str, Any]) -> str:
    """`2,000 images: 1,980 cached, 20 downloaded, 20 embedded, 0 unavailable`.

    `counts` are `images`, `cached`, `downloaded`, `embedded` and `unavailable` of a run's
    `dataset_counts`; those of a run that ended early may lack some.
    """
    parts = ", ".join(
        f"{counts[name]:,} {name}"
        for name in ("cached", "downloaded", "embedded", "unavailable")
        if counts.get(name) is not None
    )
    total = counts.get("images") or 0
    images = f"{total:,} image{'' if total == 1 else 's'}"
    return f"{images}: {parts}" if parts else images


def reading_text(so_far: tuple[int, int] | None) -> str:
    """`2,000 of 20,000 tasks have been read from Label Studio so far`; "" where all have."""
    if so_far is None:
        return ""
    return f"{so_far[0]:,} of {so_far[1]:,} tasks have been read from Label Studio so far"


def unreadable_tasks_text(ids: Collection[int]) -> str:
    """`Label Studio cannot return task 5`, by its ids there, of at most ten; "" for none."""
    if not ids:
        return ""
    listed = sorted(set(ids))
    shown = ", ".join(map(str, listed[:_SHOWN_TASKS]))
    more = f" and {len(listed) - _SHOWN_TASKS:,} others" if len(listed) > _SHOWN_TASKS else ""
    return f"Label Studio cannot return task{'' if len(listed) == 1 else 's'} {shown}{more}"
