"""What each label looks like, on the page of a version: a row of images for each."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from registry.models import ModelVersion, Target
from registry.reports.exemplars import Example, Look, exemplars
from registry.reports.formatting import format_3dp
from registry.reports.per_class import ClassRow

from .images import Framed, framed, row

_LABELS = 30
_EACH = 12
_OF_ONE = 100


def looks(
    version: ModelVersion, target: Target, classes: Sequence[ClassRow], given: QueryDict
) -> dict[str, Any] | None:
    """The labels with their images, and the others by name; None where none are kept.

    `?label=` asks for one label, with all its examples. One query; `classes` are the target's.
    """
    asked = given.get("label")
    if asked is None:
        found = exemplars(version, target.name, limit=_EACH, most=_LABELS, classes=classes)
    else:
        found = exemplars(version, target.name, asked, _OF_ONE, classes=classes)
    if not found and asked is None:
        return None
    shown = [look for look in found if look.examples][:_LABELS]
    return {
        "label": asked,
        "all": f"?{urlencode({'target': target.name})}#looks",
        "shown": [_shown(target, look) for look in shown],
        "others": [_named(target, look) for look in found if look not in shown],
    }


def _shown(target: Target, look: Look) -> dict[str, Any]:
    return {
        **_named(target, look),
        "images": row([_framed(one) for one in look.examples], f"Examples of {look.label}"),
        "more": look.kept if look.kept and look.kept > len(look.examples) else 0,
    }


def _named(target: Target, look: Look) -> dict[str, Any]:
    """A label, its number of tasks, and the link to its own page."""
    query = urlencode({"target": target.name, "label": look.label})
    return {"label": look.label, "n": _counted(look), "href": f"?{query}#looks"}


def _counted(look: Look) -> str:
    if look.n is None:
        return ""
    tasks = "1 task" if look.n == 1 else f"{look.n:,} tasks"
    return f"humans gave it to {tasks} of the holdout" if look.by_humans else tasks


def _framed(example: Example) -> Framed:
    return framed(example.task, format_3dp(example.score))
