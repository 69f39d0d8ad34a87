"""Fills a project's mirror and its queue of events by SQL: 100,000 tasks in seconds.

The statements name tables and columns of the registry, so a migration may have to change them.
"""

import hashlib
import json
import random
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from psycopg2.extras import execute_values

from . import protocol

_AT_ONCE = 2_000
_HOLDOUT_SHARE, _HOLDOUT_ENOUGH, _LATER_SHARE = 0.2, 2_000, 0.02

_TASKS = """
INSERT INTO registry_task (project_id, labelstudio_id, data, annotations, annotation_ids,
    total_annotations, labels, classes, ties, labels_changed_at, input_key, split,
    labelled_controls, source_updated_at, created_at) VALUES %s
"""
_TASK = "(%s, %s, %s, %s, %s, %s, %s, %s, '{}', %s, %s, %s, %s, %s, now())"
_EVENTS = """
INSERT INTO registry_event (project_id, source, action, payload, status, outcome, request_id,
    received_at) VALUES %s
"""
_EVENT = "(%s, 'webhook', %s, %s, 'received', '', '', now())"


def project_id(connection: Any, uid: str) -> int:
    """The project's row id. Raises LookupError."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM registry_project WHERE uid = %s", [uid])
        if not (row := cursor.fetchone()):
            raise LookupError(uid)
        return row[0]


def configure(connection: Any, project: int, **policy: Any) -> None:
    """Change the policy, promote every version, and let nothing be read from Label Studio."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registry_project SET policy = policy || %s, promotion_rule = 'always',"
            " synced_at = coalesce(synced_at, now()), sync_queued_at = NULL WHERE id = %s",
            [json.dumps(policy), project],
        )


def choose(connection: Any, project: int, **options: Any) -> None:
    """Choose options of the project's pipelines."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registry_project SET options = options || %s WHERE id = %s",
            [json.dumps(options), project],
        )


def add_tasks(
    connection: Any,
    project: int,
    number: int,
    pairs: Iterable[tuple[str, str | None]],
    first: int = 1,
) -> int:
    """Tasks numbered from `first`, each with one annotation, or none where the label is None."""
    splits = _splits(project)
    rows = (
        _task_row(project, number, i, text, label, splits)
        for i, (text, label) in enumerate(pairs, first)
    )
    added = _insert(connection, _TASKS, _TASK, rows)
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registry_project SET labels_changed_at = now() - interval '1 day'"
            " WHERE id = %s",
            [project],
        )
    _analyze(connection, "registry_task")
    return added


def add_annotations(
    connection: Any, project: int, number: int, first: int, pairs: Iterable[tuple[str, str]]
) -> int:
    """Received events of one annotation each, on tasks numbered from `first`."""
    rows = (
        (project, "ANNOTATION_CREATED", json.dumps(_payload(number, i, text, label)))
        for i, (text, label) in enumerate(pairs, first)
    )
    added = _insert(connection, _EVENTS, _EVENT, rows)
    _analyze(connection, "registry_event")
    return added


def waiting(connection: Any, project: int) -> int:
    """How many of the project's events are not applied yet."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM registry_event WHERE project_id = %s AND status = 'received'",
            [project],
        )
        return cursor.fetchone()[0]


def forget_waiting(connection: Any, project: int) -> None:
    """Mark the project's waiting events as ignored, so that its job ends."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE registry_event SET status = 'ignored', processed_at = now()"
            " WHERE project_id = %s AND status = 'received'",
            [project],
        )


def _payload(number: int, task: int, text: str, label: str) -> dict[str, Any]:
    return protocol.annotation_created(number, task, text, label)


def _task_row(
    project: int, number: int, task: int, text: str, label: str | None, splits: Iterator[str]
) -> tuple[Any, ...]:
    annotation = None if label is None else protocol.annotation(task, task, label, number)
    return (
        project,
        task,
        json.dumps({"text": text}),
        json.dumps([annotation] if annotation else []),
        [task] if annotation else [],
        int(annotation is not None),
        json.dumps({"label": label} if annotation else {}),
        [f"label={label}"] if annotation else [],
        protocol.CREATED_AT if annotation else None,
        hashlib.sha256(f"{number} {text}".encode()).hexdigest(),
        next(splits) if annotation else None,
        ["label"] if annotation else [],
        protocol.CREATED_AT,
    )


def _splits(seed: int) -> Iterator[str]:
    """The split of one labelled task after the other, in the shares that the registry has."""
    rng, holdout = random.Random(seed), 0
    while True:
        share = _HOLDOUT_SHARE if holdout < _HOLDOUT_ENOUGH else _LATER_SHARE
        chosen = rng.random() < share
        holdout += chosen
        yield "holdout" if chosen else "train"


def _insert(connection: Any, statement: str, form: str, rows: Iterator[tuple[Any, ...]]) -> int:
    added = 0
    with connection, connection.cursor() as cursor:
        while batch := list(islice(rows, _AT_ONCE)):
            execute_values(cursor, statement, batch, template=form, page_size=_AT_ONCE)
            added += len(batch)
    return added


def _analyze(connection: Any, table: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {table}")
