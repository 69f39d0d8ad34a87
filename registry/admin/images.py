"""Images of tasks in the admin: thumbnails, and rows of thumbnails."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from registry.models import Task
from registry.reports.tasks import TaskView

from .base import as_text, page_url

_SIDE = 96  # pixels; a thumbnail has more, for screens with two for each
_NAME = 80  # characters of an alternative text that are read out in a breath


@dataclass(frozen=True)
class Framed:
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
    """A short view of a task: its thumbnail, or the beginning of its text."""
    if task.thumbnail:
        return image(task)
    return Truncator(task.text).chars(characters) or "(no text)"


def whole(task: TaskView) -> SafeString | str:
    """A full view of a task: its text, or its thumbnail and the address."""
    if not task.thumbnail:
        return as_text(task.text)
    return format_html('{}<p class="thumbnail-of">{}</p>', image(task), task.text)


def framed(task: TaskView, *below: str) -> Framed:
    """The task for a row of images; its thumbnail links to its page."""
    return Framed(excerpt(task, _NAME), page_url(Task(pk=task.id)), below)


def row(images: Sequence[Framed], label: str) -> SafeString:
    """A wrapping row of images; `label` is its accessible name."""
    return render_to_string("registry/images.html", {"images": images, "label": label})


def _name(address: str) -> str:
    """The last part of an address, mostly the file's name.

    Some servers of files are asked for one in the query: `/data/local-files/?d=cats/7.jpg`.
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return Truncator(address).chars(_NAME)
    if parts.scheme == "data":
        return "an image in its data"
    place = parts.query if parts.path.endswith("/") and parts.query else parts.path
    last = unquote(place).replace("=", "/").rstrip("/").rsplit("/", 1)[-1]
    return Truncator(last or parts.netloc).chars(_NAME)
