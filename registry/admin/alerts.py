"""Alerts as items of *Needs attention*, on the home page and on a project's page."""

from dataclasses import dataclass

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
    "tasks_unreadable": "broken_image",
    "reading": "sync",
    "worse_than_baseline": "trending_down",
}


@dataclass(frozen=True)
class Item:
    """An alert for display: icon name, project, message, cure and link."""

    icon: str
    project: str
    message: str
    cure: str
    href: str


def alert_item(one: Alert) -> Item:
    """The alert for display."""
    about = one.run or one.event or one.project
    return Item(
        icon=_ICONS.get(one.code, "warning"),
        project=project_title(one.project) if one.project else "",
        message=one.message,
        cure=one.cure,
        href=page_url(about) if about else "",
    )


def project_title(project: Project) -> str:
    """Its title in Label Studio, else its uid."""
    return project.title or project.uid
