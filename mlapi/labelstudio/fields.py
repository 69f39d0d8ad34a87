"""Where a target's input is in the data of a task."""

from typing import Any

from mlapi.domain import InputError


def value_of(task_data: Any, field: str) -> Any:
    """What the field holds. Raises InputError `field_missing`, or `null` for null."""
    value = _value(task_data, field)
    if value is None:
        raise InputError("null", f"The field {field!r} is null.")
    return value


def _value(task_data: Any, field: str) -> Any:
    if isinstance(task_data, dict) and field in task_data:
        return task_data[field]
    value = task_data
    for key in field.split("."):  # `$a.b` is a path, as in Label Studio's editor
        if not isinstance(value, dict) or key not in value:
            raise InputError("field_missing", f"The task has no field {field!r}.")
        value = value[key]
    return value
