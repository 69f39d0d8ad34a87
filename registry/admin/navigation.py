"""The admin's sidebar: models, data, access, operation."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

_GROUPS = {
    "Models": [
        ("Projects", "labs", "registry.project"),
        ("Versions", "deployed_code", "registry.modelversion"),
        ("Runs", "model_training", "registry.trainingrun"),
        ("Audit entries", "history_edu", "registry.auditentry"),
    ],
    "Data": [
        ("Tasks", "article", "registry.task"),
        ("Events", "bolt", "registry.event"),
        ("Outcomes", "rule", "registry.outcome"),
        ("Metrics", "monitoring", "registry.metric"),
        ("Targets", "sell", "registry.target"),
    ],
    "Access": [
        ("Access keys", "key", "registry.accesskey"),
        ("Users", "person", "auth.user"),
        ("Groups", "group", "auth.group"),
        ("API tokens", "token", "authtoken.tokenproxy"),
    ],
    "Operation": [
        ("Workers", "memory", "registry.worker"),
        ("Queued jobs", "pending_actions", "django_q.ormq"),
        ("Failed jobs", "error", "django_q.failure"),
        ("Schedules", "schedule", "django_q.schedule"),
    ],
}


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups with the entries that the user may view."""
    return [
        {
            "title": title,
            "separator": True,
            "items": [_item(*entry) for entry in entries if _may_view(request, entry[2])],
        }
        for title, entries in _GROUPS.items()
        if any(_may_view(request, model) for _, _, model in entries)
    ]


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{model.replace('.', '_')}_changelist"),
    }


def _may_view(request: HttpRequest, model: str) -> bool:
    app, name = model.split(".")
    return request.user.has_perm(f"{app}.view_{name}") or request.user.has_perm(
        f"{app}.change_{name}"
    )
