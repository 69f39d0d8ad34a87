"""Label Studio's times."""

from datetime import UTC, datetime
from typing import Any


def moment(text: Any) -> datetime | None:
    """The time in one of Label Studio's ISO 8601 texts; one without a zone is in UTC.

    Always in UTC: a time whose UTC lies outside the years 1 to 9999 is none, for PostgreSQL would
    store it, and the row could never be read again.
    """
    if not isinstance(text, str):
        return None
    try:
        when = datetime.fromisoformat(text)
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
