"""Label Studio's webhook payloads as it sends them, made small."""

from datetime import UTC, datetime, timedelta
from typing import Any

CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="single">'
    '<Choice value="Positive"/><Choice value="Negative"/></Choices></View>'
)
T0 = datetime(2026, 11, 23, 7, tzinfo=UTC)


def at(minute: float) -> str:
    return (T0 + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z")


def task(id: int, *, made: float = 0, updated: float | None = None, **fields: Any) -> dict:
    return {
        "id": id,
        "data": {"text": f"text {id}"},
        "created_at": at(made),
        "updated_at": at(made if updated is None else updated),
        "total_annotations": 0,
        "cancelled_annotations": 0,
        **fields,
    }


def annotation(id: int, task_id: int, *chosen: str, made: float = 1, **fields: Any) -> dict:
    result = [
        {
            "from_name": "label",
            "to_name": "text",
            "type": "choices",
            "value": {"choices": list(chosen)},
        }
    ]
    return {
        "id": id,
        "task": task_id,
        "result": result if chosen else [],
        "was_cancelled": False,
        "ground_truth": False,
        "completed_by": 1,
        "created_at": at(made),
        "updated_at": at(fields.pop("updated", made)),
        "parent_prediction": None,
        "bulk_created": False,
        "import_id": None,
        **fields,
    }


def annotated(id: int, task_id: int, *chosen: str, made: float = 1, **fields: Any) -> dict:
    """The payload of ANNOTATION_CREATED or ANNOTATION_UPDATED."""
    updated = fields.get("updated", made)
    return {
        "annotation": annotation(id, task_id, *chosen, made=made, **fields),
        "task": task(task_id, updated=updated, total_annotations=1),
        "project": {"id": 1, "title": "A project", "label_config": CONFIG},
    }
