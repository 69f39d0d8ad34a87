"""The context of the page that compares two versions."""

from typing import Any

from django.http import Http404, QueryDict

from registry.formatting import (
    answer_text,
    comparison_sentence,
    format_3dp,
    interval,
    metric_value,
    signed,
)
from registry.metrics import Direction, metric_info, title
from registry.models import ModelVersion, TrainingRun
from registry.reports.compare import (
    ComparedTarget,
    Disagreement,
    RecordedMetric,
    VersionComparison,
    compare,
)
from registry.reports.paired_sample import Difference
from registry.reports.tasks import why_no_link

from .images import excerpt
from .markup import version_badge
from .navigation import link

_CHOICES = 100


def context(query: QueryDict) -> dict[str, Any]:
    """`?a=&b=` are ids of versions of one project; without `a`, the version before `b`.

    Raises Http404 if a version does not exist.
    """
    b = _find(query.get("b")) or _find(query.get("a"))
    if b is None:
        raise Http404("This version does not exist.")
    both = query.get("a") and query.get("b")
    a = _find(query.get("a")) if both else _before(b)
    if both and a is None:
        raise Http404("This version does not exist.")
    shown = {
        "title": "Compare two versions",
        "a": a,
        "b": b,
        "project": link(b.project),
        "choices": ModelVersion.objects.filter(project=b.project_id).only("label", "number")[
            :_CHOICES
        ],
    }
    if a is None or a.pk == b.pk:
        return shown | {"problem": "Choose two versions."}
    if a.project_id != b.project_id:
        return shown | {
            "problem": "The versions belong to two projects and have no task in common."
        }
    return shown | {
        "a_link": link(a),
        "b_link": link(b),
        "a_state": version_badge(a),
        "b_state": version_badge(b),
        "at_training": _at_training(a, b),
        **_compared(compare(a, b)),
    }


def _find(number: str | None) -> ModelVersion | None:
    if not number or not number.isdecimal():
        return None
    return ModelVersion.objects.select_related("project").filter(pk=number).first()


def _before(b: ModelVersion) -> ModelVersion | None:
    earlier = ModelVersion.objects.filter(project=b.project_id, number__lt=b.number)
    return earlier.select_related("project").order_by("-number").first()


def _at_training(a: ModelVersion, b: ModelVersion) -> str:
    """The comparison with a that b's run recorded, if its metric is not macro F1."""
    if b.primary_metric == "macro_f1":
        return ""
    run = TrainingRun.objects.filter(version=b).only("comparison").first()
    return comparison_sentence(run.comparison, a.label) if run else ""


def _compared(found: VersionComparison) -> dict[str, Any]:
    shown = [d.task for target in found.targets for d in (*target.a_right, *target.b_right)]
    return {
        "summary": found.summary,
        "n": found.n,
        "no_link": why_no_link(shown),
        "primary": _row(found.primary),
        "targets": [_target(target) for target in found.targets],
        "recorded": [_recorded(row) for row in found.recorded],
    }


def _target(found: ComparedTarget) -> dict[str, Any]:
    return {
        "name": found.target,
        "n": found.n,
        "metrics": [_row(row) for row in found.metrics],
        "per_class": [_row(row, is_label=True) for row in found.per_class],
        "only_a": found.only_a,
        "only_b": found.only_b,
        "p_value": "< 0.001" if found.p_value < 0.001 else f"= {found.p_value:.3f}",
        "sides": [
            {"right": "a", "n": found.only_a, "rows": [_task(d) for d in found.a_right]},
            {"right": "b", "n": found.only_b, "rows": [_task(d) for d in found.b_right]},
        ],
    }


def _row(found: Difference, *, is_label: bool = False) -> dict[str, Any]:
    """A metric of both versions; coloured only if the interval excludes 0."""
    css = ""
    if found.is_clear:
        css = "better" if found.gain > 0 else "worse"
    return {
        "name": found.name if is_label else title(found.name),
        "a": format_3dp(found.a),
        "b": format_3dp(found.b),
        "difference": signed(found.difference),
        "interval": interval(found.interval),
        "n": found.n,
        "css": css,
    }


def _task(found: Disagreement) -> dict[str, Any]:
    return {
        "content": excerpt(found.task),
        "url": found.task.url,
        "task": found.task.labelstudio_id,
        "human": answer_text(found.human_classes),
        "a": answer_text(found.classes_a),
        "b": answer_text(found.classes_b),
        "score_a": "" if found.score_a is None else f"{found.score_a:.0%}",
        "score_b": "" if found.score_b is None else f"{found.score_b:.0%}",
    }


def _recorded(row: RecordedMetric) -> dict[str, Any]:
    return {
        "target": row.target or "all targets",
        "name": title(row.name, row.metric, row.k),
        "lower": metric_info(row.metric).direction == Direction.LOWER,
        "a": metric_value(row.name, row.a),
        "n_a": row.n_a,
        "b": metric_value(row.name, row.b),
        "n_b": row.n_b,
    }
