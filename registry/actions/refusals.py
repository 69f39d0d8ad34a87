"""Records requests that were refused before they became an event, for people to see."""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from registry.models import Event, Project
from registry.models.event import EventStatus

from . import events

RECORDED_EVERY = timedelta(hours=1)
# The first key of PostgreSQL's advisory lock, and the second.
_LOCK = (0x4C56, 0)
_LARGEST = 2**62  # bytes; a caller may claim any


@dataclass(frozen=True)
class Refusal:
    """A refused request. Its body was not read, so it names no project.

    `project` and `hostname` are the scope of the access key that it came with.
    """

    route: str
    code: str
    status: int
    message: str
    size: int  # bytes, by its Content-Length; 0 without one
    caller: str
    project: Project | None = None
    hostname: str = ""

    @property
    def key(self) -> dict[str, object]:
        """What is recorded once in RECORDED_EVERY: so many rows at most, whatever is sent."""
        return {
            "route": self.route,
            "code": self.code,
            "caller": self.caller,
            "size_class": min((self.size // 2**20).bit_length(), 20),
        }


def record(refusal: Refusal, *, request_id: str = "") -> bool:
    """Store the refusal as an event unless one like it was stored just now; whether it was."""
    if _is_recorded(refusal):
        return False
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)
        if _is_recorded(refusal):
            return False
        events.record(
            refusal.project,
            f"POST /{refusal.route}",
            {
                **refusal.key,
                "status": refusal.status,
                "bytes": min(refusal.size, _LARGEST),
                "limit_mb": settings.MAX_REQUEST_MB,
                "hostname": refusal.hostname,
            },
            source=Event.Source.REFUSED,
            request_id=request_id,
            status=EventStatus.IGNORED,
            outcome=f"Refused with {refusal.status}: {refusal.message}",
        )
    return True


def _is_recorded(refusal: Refusal) -> bool:
    return Event.objects.filter(
        source=Event.Source.REFUSED,
        received_at__gt=timezone.now() - RECORDED_EVERY,
        payload__contains=refusal.key,
    ).exists()
