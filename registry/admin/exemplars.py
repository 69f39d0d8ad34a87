"""The exemplars of each label on a version's page: a row of images for each label."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from registry.formatting import format_3dp
from registry.models import ModelVersion, Target
from registry.reports.exemplars import Example, LabelExemplars, exemplars
from registry.reports.metrics import ClassRow

from .images import Framed, framed, row

_LABELS = 30
_EACH = 12
_OF_ONE = 100


def exemplars_of_labels(
    version: ModelVersion, target: Target, classes: Sequence[ClassRow], given: QueryDict
) -> dict[str, Any] | None:
    """The labels with their images, further labels by name; None without exemplars.

    `?label=` asks for one label, with all its examples. One query; `classes` are the target's.
    """
    label = given.get("label")
    if label is None:
        found = exemplars(version, target.name, limit=_EACH, most=_LABELS, classes=classes)
    else:
        found = exemplars(version, target.name, label, _OF_ONE, classes=classes)
    if not found and label is None:
        return None
    shown = [one for one in found if one.examples][:_LABELS]
    return {
        "label": label,
        "all": f"?{urlencode({'target': target.name})}#looks",
        "shown": [_shown(target, one) for one in shown],
        "others": [_named(target, one) for one in found if one not in shown],
    }


def _shown(target: Target, one: LabelExemplars) -> dict[str, Any]:
    return {
        **_named(target, one),
        "images": row([_framed(one) for one in one.examples], f"Examples of {one.label}"),
        "more": one.total if one.total and one.total > len(one.examples) else 0,
    }


def _named(target: Target, one: LabelExemplars) -> dict[str, Any]:
    """A label, its number of tasks, and the link to its own page."""
    query = urlencode({"target": target.name, "label": one.label})
    return {"label": one.label, "n": _counted(one), "href": f"?{query}#looks"}


def _counted(one: LabelExemplars) -> str:
    if one.n is None:
        return ""
    tasks = "1 task" if one.n == 1 else f"{one.n:,} tasks"
    return f"humans gave it to {tasks} of the holdout" if one.by_humans else tasks


def _framed(example: Example) -> Framed:
    return framed(example.task, format_3dp(example.score))
