"""Alerts as items of *Needs attention*, on the home page and on a project's page."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.urls import reverse

from registry.models import Project
from registry.reports.project_summary import Alert

from .navigation import page_url

_ICONS = {
    "no_worker": "memory",
    "fell_back": "undo",
    "run_failed": "error",
    "dead_token": "key_off",
    "webhook_missing": "webhook",
    "request_refused": "block",
    "not_reached": "link_off",
    "gone": "delete",
    "tasks_unreadable": "broken_image",
    "reading": "sync",
    "package_missing": "extension_off",
    "worse_than_baseline": "trending_down",
}


_SHOWN_PROJECTS = 5


@dataclass(frozen=True)
class Item:
    """An alert for display: icon name, projects, message, cure and link.

    `more` projects have the alert, too; `archive` is where all that are gone are archived.
    """

    icon: str
    projects: Sequence[Project]
    more: int
    message: str
    cure: str
    href: str
    archive: str = ""


def alert_item(one: Alert, *, may_archive: bool = False) -> Item:
    """The alert for display."""
    about = None if one.others else one.run or one.event or one.project
    is_offered = one.code == "gone" and may_archive
    return Item(
        icon=_ICONS.get(one.code, "warning"),
        projects=one.projects[:_SHOWN_PROJECTS],
        more=max(0, len(one.projects) - _SHOWN_PROJECTS),
        message=one.message,
        cure=one.cure,
        href=page_url(about) if about else "",
        archive=reverse("admin:registry_project_archive_gone") if is_offered else "",
    )
