"""Images of tasks in the admin: thumbnails, rows of them, and the exemplars of each label."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit

from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from registry.engine import LabelType, Outline
from registry.formatting import format_3dp
from registry.models import ModelVersion, Target, Task
from registry.reports.exemplars import ExemplarTask, LabelExemplars, exemplars
from registry.reports.metrics import ClassRow
from registry.reports.tasks import TaskView

from .markup import as_text
from .navigation import page_url

_SIDE = 96  # pixels on the page; the thumbnail has more, for dense screens
_LABELS, _EACH = 30, 12  # so many labels with so many exemplars each
_OF_ONE = 100  # exemplars of a single label
_NAME = 80  # characters of an alternative text, which screen readers read aloud


@dataclass(frozen=True)
class Tile:
    """A task in a row of images: its thumbnail, link and lines below."""

    image: SafeString | str
    href: str
    below: Sequence[str] = ()


def image(task: TaskView) -> SafeString:
    """The task's thumbnail, with the file's name as alternative text."""
    return format_html(
        '<img class="thumbnail" src="{}" alt="{}" width="{}" height="{}" loading="lazy"'
        ' decoding="async">',
        task.thumbnail,
        f"task {task.labelstudio_id}: {_name(task.text)}",
        _SIDE,
        _SIDE,
    )


def excerpt(task: TaskView, characters: int = 300) -> SafeString | str:
    """A task's thumbnail, or the beginning of its text."""
    if task.thumbnail:
        return image(task)
    return Truncator(task.text).chars(characters) or "(no text)"


def full_view(task: TaskView) -> SafeString | str:
    """A task's full text, or its thumbnail and address."""
    if not task.thumbnail:
        return as_text(task.text)
    return format_html('{}<p class="thumbnail-of">{}</p>', image(task), task.text)


def outlined(task: TaskView, label_type: LabelType, human: Any, predicted: Any) -> SafeString | str:
    """A task's image with the boxes of the human and of the model drawn over it."""
    if not task.thumbnail:
        return excerpt(task)
    drawn = [
        (who, box)
        for who, stored in (("human", human), ("model", predicted))
        for box in label_type.outlines(label_type.from_json(stored) or ())
    ]
    return render_to_string(
        "registry/outlined_image.html",
        {
            "source": f"{task.thumbnail}?size=large",
            "alternative": f"task {task.labelstudio_id}: {_name(task.text)}: {_listed(drawn)}",
            "boxes": [(who, box, _box_title(who, box)) for who, box in drawn],
        },
    )


def _box_title(who: str, box: Outline) -> str:
    return f"{who}: {box.label}" + ("" if box.score is None else f" {box.score:.2f}")


def _listed(drawn: Sequence[tuple[str, Outline]]) -> str:
    """The labels of the boxes, for those who cannot see them."""
    parts = []
    for who in ("human", "model"):
        counts = Counter(box.label for of, box in drawn if of == who)
        listed = ", ".join(f"{n} {label}" for label, n in sorted(counts.items()))
        parts.append(f"{who} {listed or 'nothing'}")
    return "; ".join(parts)


def tile(task: TaskView, *below: str) -> Tile:
    """The task for a row of images; its thumbnail links to its page."""
    return Tile(excerpt(task, _NAME), page_url(Task(pk=task.id)), below)


def image_row(images: Sequence[Tile], label: str) -> SafeString:
    """A wrapping row of images; `label` is its accessible name."""
    return render_to_string("registry/image_row.html", {"images": images, "label": label})


def _name(address: str) -> str:
    """The last part of an address, usually the file's name.

    Some file servers take it from the query: `/data/local-files/?d=cats/7.jpg`.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return Truncator(address).chars(_NAME)
    if parts.scheme == "data":
        return "embedded image"
    place = parts.query if parts.path.endswith("/") and parts.query else parts.path
    last = unquote(place).replace("=", "/").rstrip("/").rsplit("/", 1)[-1]
    return Truncator(last or parts.netloc).chars(_NAME)


def exemplars_of_labels(
    version: ModelVersion, target: Target, classes: Sequence[ClassRow], query: QueryDict
) -> dict[str, Any] | None:
    """The labels with their images, further labels by name; None without exemplars.

    `?label=` selects one label, with all its examples. One query; `classes` are the target's.
    """
    label = query.get("label")
    if label is None:
        found = exemplars(version, target.name, limit=_EACH, most=_LABELS, classes=classes)
    else:
        found = exemplars(version, target.name, label, _OF_ONE, classes=classes)
    if not found and label is None:
        return None
    shown = [one for one in found if one.examples][:_LABELS]
    return {
        "label": label,
        "all": f"?{urlencode({'target': target.name})}#exemplars",
        "shown": [_label(target, one) for one in shown],
        "others": [_label_name(target, one) for one in found if one not in shown],
    }


def _label(target: Target, one: LabelExemplars) -> dict[str, Any]:
    return {
        **_label_name(target, one),
        "images": image_row([_example(one) for one in one.examples], f"Examples of {one.label}"),
        "more": one.total if one.total and one.total > len(one.examples) else 0,
    }


def _label_name(target: Target, one: LabelExemplars) -> dict[str, Any]:
    """A label, its number of tasks, and the link to its own page."""
    parameters = urlencode({"target": target.name, "label": one.label})
    return {"label": one.label, "n": _counted(one), "href": f"?{parameters}#exemplars"}


def _counted(one: LabelExemplars) -> str:
    if one.n is None:
        return ""
    tasks = "1 task" if one.n == 1 else f"{one.n:,} tasks"
    return f"{tasks} of the holdout by human label" if one.by_humans else tasks


def _example(example: ExemplarTask) -> Tile:
    return tile(example.task, format_3dp(example.score))
