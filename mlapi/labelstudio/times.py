"""Label Studio's times."""

from datetime import UTC, datetime
from typing import Any


def moment(text: Any) -> datetime | None:
    """The time in one of Label Studio's ISO 8601 texts, in UTC where it names no zone."""
    if not isinstance(text, str):
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)
