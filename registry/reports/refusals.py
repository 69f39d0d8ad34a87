"""The requests that were refused in the last day, and the setting that mends each."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from registry.models import Event, Project

SHOWN_FOR = timedelta(days=1)
_MOST = 200  # rows; so many are hardly ever there
_MB = 2**20


def recent_refusals() -> list[Event]:
    """The largest of each kind, newest first, without those that would be taken today; one query.

    A kind is a route, a reason and a caller.
    """
    rows = Event.objects.filter(
        source=Event.Source.REFUSED, received_at__gt=timezone.now() - SHOWN_FOR
    ).select_related("project")
    kinds: dict[tuple[Any, ...], Event] = {}
    for row in rows.order_by("-received_at")[:_MOST]:
        of = row.payload
        kind = (row.project_id, of.get("route"), of.get("code"), of.get("caller"))
        if kind not in kinds or size(row) > size(kinds[kind]):
            kinds[kind] = row
    return [row for row in kinds.values() if not _is_within_limit(row)]


def concerns(row: Event, project: Project) -> bool:
    """Whether the refused request may have been the project's, by the scope of its caller."""
    if row.project_id is not None:
        return row.project_id == project.pk
    return row.payload.get("hostname") in ("", project.hostname)


def size(row: Event) -> int:
    """The size of the request in bytes; 0 where it gave none."""
    return int(row.payload.get("bytes") or 0)


def message(row: Event) -> str:
    """What was refused, why, whose it was as far as is known, and what Label Studio shows."""
    limit = row.payload.get("limit_mb")
    reasons = {
        "body_too_large": f"{_amount(row)} are more than MAX_REQUEST_MB={limit}",
        "length_required": "it has no Content-Length",
    }
    reason = reasons.get(row.payload.get("code", ""), row.outcome.partition(": ")[2].rstrip("."))
    text = f"{row.action} was refused: {reason}. It came with {row.payload.get('caller')}"
    text += "." if row.project_id else "; as it was not read, its project is not known."
    if row.payload.get("route") == "predict":
        text += " Label Studio says that it retrieved predictions, and has stored none."
    return text


def cure(row: Event) -> str:
    """The setting that mends it, or where else to look."""
    code, route = row.payload.get("code"), row.payload.get("route")
    if code == "body_too_large":
        enough = 2 ** (-(-size(row) // _MB) - 1).bit_length()
        text = f"Set MAX_REQUEST_MB={enough} and restart"
        text += ", or select fewer tasks." if route == "predict" else "."
    elif code == "length_required":
        text = "Let the proxy in front send a Content-Length (nginx: proxy_request_buffering on)."
    elif code == "too_many_values":
        text = "Select fewer tasks, or annotate with fewer regions."
    else:
        text = "No setting mends it: a proxy changes or cuts off bodies, or another program calls."
    if route == "webhook":
        text += " Label Studio does not repeat it; the next sync reads what it announced."
    return text


def _is_within_limit(row: Event) -> bool:
    if row.payload.get("code") != "body_too_large":
        return False
    return size(row) <= settings.MAX_REQUEST_MB * _MB


def _amount(row: Event) -> str:
    megabytes = size(row) / _MB
    return f"{megabytes:,.0f} MB" if megabytes >= 10 else f"{megabytes:.1f} MB"
