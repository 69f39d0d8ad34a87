"""Freezes a run's dataset: a consistent copy of the project's labelled tasks."""

import gzip
import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import orjson
from django.db import connection, transaction
from django.utils import timezone

from mlapi import label_types
from mlapi.domain import TargetSpec
from mlapi.labelstudio.references import keys
from mlapi.locks import project_lock
from mlapi.run_folder.dataset import DatasetFile
from registry import artifacts
from registry.errors import EvalsError
from registry.json_sanitize import parse_tolerant
from registry.models import TrainingRun

_ROWS_AT_ONCE = 1000


class NothingToLearn(EvalsError):
    """No task of the project has a usable label for any target that the pipeline serves."""

    code = "no_labels"


@dataclass(frozen=True)
class FrozenDataset:
    """A frozen dataset: `counts` as stored on the run, `file` the manifest's key."""

    fingerprint: str
    counts: dict[str, Any]
    file: str
    snapshot_at: datetime


def freeze(
    run: TrainingRun,
    targets: Iterable[TargetSpec],
    folder: Path,
    learns_from: Literal["labelled", "all"] = "labelled",
    on_row: Callable[[dict[str, Any]], object] = lambda row: None,
    no_input_key: str = "",
    may_be_empty: bool = False,
    on_snapshot: Callable[[datetime], object] = lambda at: None,
) -> FrozenDataset:
    """Writes the dataset into the folder, and its manifest to the artifact store, where it stays.

    Each row is `{"id": Task.pk, "data", "labels", "split"}` with only the fields and labels
    that `targets` name, in the order of ids; `split` is null for an unlabelled task, which is
    included if the pipeline learns from `all`. `on_row` is called with each row, `on_snapshot`
    with the snapshot's time, before any label can change after it. The manifest has ids, labels,
    splits and input keys but no texts, so that it outlives the tasks. A task of
    the holdout whose input is also one of the training split is left out and counted: inputs can
    become equal when the label config or a task changes. `no_input_key` is the key of no input.
    Raises NothingToLearn, unless it `may_be_empty`.
    """
    targets = list(targets)
    counts = _DatasetCounts(targets)
    manifest_path = folder / "manifest.jsonl.gz"
    snapshot = _snapshot(run, targets, learns_from, no_input_key, on_snapshot)
    with snapshot as (snapshot_at, ties, rows):
        counts.ties.update(ties)
        fingerprint = _write(rows, DatasetFile(folder), manifest_path, counts, on_row)
    if not counts.tasks and not may_be_empty:
        raise NothingToLearn(
            "No task has a usable label." if learns_from == "labelled" else "There are no tasks."
        )
    key = f"project-{run.project_id}/run-{run.pk}.dataset.jsonl.gz"
    artifacts.put_bytes(key, manifest_path.read_bytes())
    manifest_path.unlink()
    return FrozenDataset(fingerprint, counts.to_dict(), key, snapshot_at)


def _write(
    rows: Iterable[tuple],
    dataset: DatasetFile,
    manifest_path: Path,
    counts: "_DatasetCounts",
    on_row: Callable[[dict[str, Any]], object],
) -> str:
    """Writes and counts the snapshot's rows; returns the SHA-256 of the manifest's lines."""
    names = set(counts.classes)
    fingerprint = hashlib.sha256()
    with (
        dataset.writing() as write_row,
        # mtime=0: equal datasets have equal manifests, byte for byte.
        open(manifest_path, "wb") as raw,
        gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as manifest,
    ):
        for id_, data, labels, split, input_key, is_in_training in rows:
            if is_in_training:
                counts.left_out += 1
                continue
            labels = {k: v for k, v in orjson.loads(labels).items() if k in names}
            row = {"id": id_, "data": parse_tolerant(data), "labels": labels, "split": split}
            write_row(row)
            on_row(row)
            entry = {"id": id_, "input_key": input_key, "labels": labels, "split": split}
            line = orjson.dumps(entry, option=orjson.OPT_SORT_KEYS) + b"\n"
            fingerprint.update(line)
            manifest.write(line)
            counts.add(labels, split)
    return fingerprint.hexdigest()


class _DatasetCounts:
    """Counts of the dataset: tasks per split, labels per target and split, ties."""

    def __init__(self, targets: list[TargetSpec]) -> None:
        self._targets = {t.name: t for t in targets}
        self.tasks = 0
        self.left_out = 0
        self.splits: Counter[str | None] = Counter()
        self.ties: Counter[str] = Counter()
        self.classes = {t.name: {"train": Counter(), "holdout": Counter()} for t in targets}
        self.labelled = {t.name: Counter() for t in targets}

    def add(self, labels: dict[str, Any], split: str | None) -> None:
        self.tasks += 1
        self.splits[split] += 1
        if split is None:
            return
        for name, label in labels.items():
            self.labelled[name][split] += 1
            self.classes[name][split].update(label_types.stored_classes(self._targets[name], label))

    def to_dict(self) -> dict[str, Any]:
        return {
            "tasks": self.tasks,
            "train": self.splits["train"],
            "holdout": self.splits["holdout"],
            **({"unlabelled": self.splits[None]} if self.splits[None] else {}),
            **({"left_out": self.left_out} if self.left_out else {}),
            "ties": sum(self.ties[name] for name in self.classes),
            "targets": {
                name: {
                    "train": self.labelled[name]["train"],
                    "holdout": self.labelled[name]["holdout"],
                    "ties": self.ties[name],
                    "classes": {split: dict(sorted(n.items())) for split, n in classes.items()},
                }
                for name, classes in self.classes.items()
            },
        }


_TASKS = """
SELECT id, (
    SELECT coalesce(jsonb_object_agg(key, value), '{}'::jsonb)
    FROM jsonb_each(CASE jsonb_typeof(data) WHEN 'object' THEN data ELSE '{}'::jsonb END)
    WHERE key = ANY(%s)
)::text, labels::text, split, input_key, split = 'holdout' AND input_key <> %s AND EXISTS (
    SELECT FROM registry_task AS other
    WHERE other.project_id = registry_task.project_id
        AND other.input_key = registry_task.input_key AND other.split = 'train'
)
FROM registry_task
WHERE project_id = %s AND deleted_at IS NULL
    AND (%s OR (split IS NOT NULL AND jsonb_exists_any(labels, %s)))
ORDER BY id
"""
_TIES = """
SELECT name, count(*) FROM registry_task, unnest(ties) AS name
WHERE project_id = %s AND deleted_at IS NULL GROUP BY name
"""


@contextmanager
def _snapshot(
    run: TrainingRun,
    targets: list[TargetSpec],
    learns_from: str,
    no_input_key: str,
    on_snapshot: Callable[[datetime], object],
) -> Iterator[tuple[datetime, dict[str, int], Iterator[tuple]]]:
    """A snapshot of the tasks: its time, the ties and the rows.

    The mirror's lock is held while the snapshot is taken and its time is stored, so a label that
    changes later has a later time and counts for the next run. The cursor is WITH HOLD: PostgreSQL
    keeps the rows, and the lock is released before the first row is read.
    """
    fields = sorted({key for t in targets for source in t.sources for key in keys(source.value)})
    names = [t.name for t in targets]
    cursor_name = f"dataset_of_run_{run.pk:d}"
    with connection.cursor() as cursor:
        with project_lock(run.project_id, wait=True):
            snapshot_at = timezone.now()
            on_snapshot(snapshot_at)
            with transaction.atomic():
                cursor.execute(_TIES, [run.project_id])
                ties = dict(cursor.fetchall())
                declare = f"DECLARE {cursor_name} NO SCROLL CURSOR WITH HOLD FOR {_TASKS}"
                every = learns_from == "all"
                cursor.execute(declare, [fields, no_input_key, run.project_id, every, names])
        try:
            yield snapshot_at, ties, _fetched(cursor, cursor_name)
        finally:
            cursor.execute(f"CLOSE {cursor_name}")


def _fetched(cursor: Any, name: str) -> Iterator[tuple]:
    while True:
        cursor.execute(f"FETCH {_ROWS_AT_ONCE:d} FROM {name}")
        rows = cursor.fetchall()
        if not rows:
            return
        yield from rows
