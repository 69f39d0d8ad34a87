"""The admin's sidebar, and the links between its pages."""

from typing import Any
from urllib.parse import urlencode

from django.db.models import Model
from django.http import HttpRequest
from django.urls import reverse, reverse_lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString

# A lead's day needs the first group; the others are folded.
_GROUPS = {
    "Models": [
        ("Projects", "labs", "registry.project"),
        ("Versions", "deployed_code", "registry.modelversion"),
        ("Runs", "model_training", "registry.trainingrun"),
        ("Audit entries", "history_edu", "registry.auditentry"),
    ],
    "Records": [
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
        ("Webhooks", "campaign", "registry.webhook"),
        ("Deliveries", "outbox", "registry.webhookdelivery"),
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
            "collapsible": title != "Models",
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


def page_url(shown: Model) -> str:
    """The URL of an object's page."""
    meta = shown._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[shown.pk])


def link(shown: Model | None, text: str = "") -> str:
    """A link to the object's page; a dash for none."""
    if shown is None:
        return "–"
    return anchor(page_url(shown), text or str(shown))


def list_link(model: type[Model], text: str, **filters: Any) -> SafeString:
    """A link to the list of a model, filtered."""
    return anchor(list_url(model, **filters), text)


def anchor(url: str, text: str) -> SafeString:
    """A link to a page of the admin."""
    return format_html(
        '<a class="text-primary-600 dark:text-primary-400" href="{}">{}</a>', url, text
    )


def list_url(model: type[Model], **filters: Any) -> str:
    """The URL of a model's list, filtered."""
    meta = model._meta
    url = reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist")
    return f"{url}?{urlencode(filters)}" if filters else url
