"""The bodies that Label Studio sends to a backend, with made-up ids."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from .texts import LABELS

CREATED_AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
LABEL_CONFIG = (
    '<View><Text name="text" value="$text"/><Choices name="label" toName="text" choice="single">'
    + "".join(f'<Choice value="{label}"/>' for label in LABELS)
    + "</Choices></View>"
)


def uid(project: int) -> str:
    """A project as `/setup` and `/predict` name it."""
    return f"{project}.{int(CREATED_AT.timestamp())}"


def setup(project: int) -> dict[str, Any]:
    """POST /setup, without the address of a Label Studio: it is never called back."""
    return {
        "project": uid(project),
        "schema": LABEL_CONFIG,
        "hostname": "",
        "access_token": "",
        "extra_params": None,
    }


def predict(project: int, texts: Iterable[str], first_id: int = 1) -> dict[str, Any]:
    """POST /predict."""
    tasks = [_task(first_id + i, text, project, annotations=0) for i, text in enumerate(texts)]
    return {
        "tasks": tasks,
        "project": uid(project),
        "label_config": LABEL_CONFIG,
        "params": {"login": None, "password": None, "context": None},
    }


def train(project: int, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """POST /train: tasks with their annotations."""
    tasks = []
    for i, (text, label) in enumerate(pairs, 1):
        task = _task(i, text, project, annotations=1)
        tasks.append({**task, "annotations": [annotation(i, i, label, project)]})
    return {"annotations": tasks, "project": uid(project), "label_config": LABEL_CONFIG}


def annotation_created(project: int, number: int, text: str, label: str) -> dict[str, Any]:
    """The webhook of the first annotation of a task; `number` is the id of both."""
    return {
        "action": "ANNOTATION_CREATED",
        "annotation": annotation(number, number, label, project),
        "task": _task(number, text, project, annotations=1),
        "project": _project(project),
    }


def start_training(project: int) -> dict[str, Any]:
    """The webhook of the button Start Training."""
    return {"action": "START_TRAINING", "project": _project(project)}


def _task(number: int, text: str, project: int, annotations: int) -> dict[str, Any]:
    return {
        "id": number,
        "data": {"text": text},
        "meta": {},
        # The same at each mention: a later one would be another task with this id.
        "created_at": CREATED_AT.isoformat(),
        "updated_at": _time(),
        "is_labeled": bool(annotations),
        "overlap": 1,
        "inner_id": number,
        "total_annotations": annotations,
        "cancelled_annotations": 0,
        "total_predictions": 0,
        "project": project,
        "updated_by": 1,
        "file_upload": None,
        "comment_authors": [],
        "annotations": [],
        "predictions": [],
    }


def annotation(number: int, task: int, label: str, project: int) -> dict[str, Any]:
    """An annotation with one choice."""
    value = {"choices": [label]}
    return {
        "id": number,
        "result": [{"from_name": "label", "to_name": "text", "type": "choices", "value": value}],
        "was_cancelled": False,
        "ground_truth": False,
        "created_at": _time(),
        "updated_at": _time(),
        "lead_time": 1.5,
        "prediction": {},
        "result_count": 1,
        "import_id": None,
        "bulk_created": False,
        "task": task,
        "project": project,
        "completed_by": 1,
        "updated_by": 1,
        "parent_prediction": None,
        "parent_annotation": None,
    }


def _project(project: int) -> dict[str, Any]:
    return {
        "id": project,
        "title": f"Benchmark {project}",
        "description": "",
        "label_config": LABEL_CONFIG,
        "created_at": CREATED_AT.isoformat(),
        "maximum_annotations": 1,
        "min_annotations_to_start_training": 0,
        "model_version": "",
        "is_published": False,
        "organization": 1,
        "created_by": 1,
    }


def _time() -> str:
    return datetime.now(UTC).isoformat()
