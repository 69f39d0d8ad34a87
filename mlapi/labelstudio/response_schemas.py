"""Is an answer what Label Studio answers? Other JSON comes from another server, or a proxy."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mlapi.labelstudio.errors import NotLabelStudio

Fields = Mapping[str, Callable[[Any], bool]]


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


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number_or_null(value: Any) -> bool:
    return value is None or _is_number(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_text_or_null(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_time(value: Any) -> bool:
    return moment(value) is not None


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_annotated(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(annotation, dict) and _is_number(annotation.get("id")) for annotation in value
    )


ANY: Fields = {}
PROJECT: Fields = {
    "id": _is_number,
    "created_at": _is_time,
    "title": _is_text_or_null,
    "label_config": _is_text_or_null,
    "task_number": _is_number_or_null,
    "total_annotations_number": _is_number_or_null,
    "skipped_annotations_number": _is_number_or_null,
}
TASK: Fields = {"id": _is_number, "created_at": _is_time, "updated_at": _is_time}
ANNOTATED_TASK: Fields = {**TASK, "annotations": _is_annotated}
COUNTED_TASK: Fields = {
    **TASK,
    "data": _is_object,
    "total_annotations": _is_number,
    "cancelled_annotations": _is_number,
}
WEBHOOK: Fields = {
    "id": _is_number,
    "url": _is_text,
    "is_active": _is_flag,
    "send_payload": _is_flag,
    "send_for_all_actions": _is_flag,
}
BACKEND: Fields = {"url": _is_text}


def checked(answer: Any, fields: Fields, what: str) -> dict[str, Any]:
    """The answer, an object with these fields. Raises NotLabelStudio."""
    if not isinstance(answer, dict):
        raise NotLabelStudio(f"{what} is not what Label Studio answers: no object")
    for name, is_right in fields.items():
        if not is_right(answer.get(name)):
            raise NotLabelStudio(f'{what} is not what Label Studio answers: its "{name}" is wrong')
    return answer


def all_checked(answers: Any, fields: Fields, what: str) -> list[dict[str, Any]]:
    """The answers, a list of such objects. Raises NotLabelStudio."""
    if not isinstance(answers, list):
        raise NotLabelStudio(f"{what} is not what Label Studio answers: no list")
    return [checked(answer, fields, what) for answer in answers]
