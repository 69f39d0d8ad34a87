"""The dataset of a version: the tasks and labels that it learned from, and its holdout.

Which tasks, with which labels and splits, is in the manifest that its run froze. Their data are
those of the mirror, which has no history: each row says whether they changed or were deleted since.
"""

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from more_itertools import chunked

from mlapi import label_types
from mlapi.labelstudio.label_config import InvalidLabelConfig, LabelConfig, parse
from mlapi.labelstudio.results import allowed_regions
from mlapi.served_names import served_names
from registry import artifacts
from registry.models import ModelVersion, Task
from registry.verified import ArtifactCorrupt, ArtifactMissing

_AT_ONCE = 1_000


def written(version: ModelVersion, form: str) -> Iterator[bytes]:
    """The dataset in pieces, as `jsonl` or as JSON that Label Studio imports.

    Raises ArtifactMissing or ArtifactCorrupt before the first piece.
    """
    rows = _rows(version, _manifest(version))
    return _lines(rows) if form == "jsonl" else _tasks(version, rows)


def _manifest(version: ModelVersion) -> list[dict[str, Any]]:
    run = version.run
    if run is None or not run.dataset_file:
        raise ArtifactMissing(f"The dataset of {version.label} was not kept.")
    lines = gzip.decompress(artifacts.read_file(run.dataset_file, "")).splitlines(keepends=True)
    if hashlib.sha256(b"".join(lines)).hexdigest() != run.dataset_fingerprint:
        raise ArtifactCorrupt(f"The dataset {run.dataset_file} is not the one that was frozen.")
    return [json.loads(line) for line in lines]


def _rows(version: ModelVersion, manifest: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Each task of the manifest with what the mirror has of it."""
    tasks = Task.objects.filter(project_id=version.project_id)
    fields = ("labelstudio_id", "data", "input_key", "deleted_at")
    for some in chunked(manifest, _AT_ONCE):
        found = tasks.only(*fields).in_bulk([entry["id"] for entry in some])
        for entry in some:
            task = found.get(entry["id"])
            yield {
                "id": task.labelstudio_id if task else None,
                "split": entry["split"],
                "labels": entry["labels"],
                "data": task.data if task and not task.deleted_at else None,
                "state": _state(task, entry),
            }


def _state(task: Task | None, entry: Mapping[str, Any]) -> str:
    """What happened to the task's input since: nothing, `changed` or `deleted`."""
    if task is None or task.deleted_at:
        return "deleted"
    return "as learned" if task.input_key == entry["input_key"] else "changed"


def _lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False).encode() + b"\n"


def _tasks(version: ModelVersion, rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """A list of tasks, without those that were deleted; labels have today's names."""
    config = _config(version)
    kinds = dict(version.targets.values_list("name", "kind"))
    names = served_names(version.project, version).names
    before = b"["
    for row in rows:
        if row["data"] is None:
            continue
        task = {
            "id": row["id"],
            "data": row["data"],
            "annotations": _annotations(row["labels"], kinds, names, config),
            "meta": {"evals": {name: row[name] for name in ("split", "state")}},
        }
        yield before + json.dumps(task, ensure_ascii=False).encode()
        before = b",\n"
    yield b"]\n" if before != b"[" else b"[]\n"


def _config(version: ModelVersion) -> LabelConfig:
    try:
        return parse(version.project.label_config)
    except InvalidLabelConfig:
        return LabelConfig()


def _annotations(
    labels: Mapping[str, Any],
    kinds: Mapping[str, str],
    names: Mapping[str, Mapping[str, str]],
    config: LabelConfig,
) -> list[dict[str, Any]]:
    """One annotation with the labels that today's label config allows; none for no labels."""
    if not labels:
        return []
    regions = [
        region
        for name, stored in labels.items()
        if name in kinds and (control := config.control(name)) is not None
        for region in _regions(name, stored, kinds[name], names.get(name, {}), control)
    ]
    return [{"result": regions}]


def _regions(
    name: str, stored: Any, kind: str, names: Mapping[str, str], control: Any
) -> Sequence[dict[str, Any]]:
    label_type = label_types.get(kind)
    value = label_type.from_json(stored)
    if value is None:
        return []
    prediction = label_type.prediction(name, label_type.renamed(value, names), 1.0)
    results: list[dict[str, Any]] = []
    number = 0
    for region in allowed_regions(prediction, control) or ():
        number += not region.same_id
        results.append(
            {
                **({"id": f"{name}-{number}", **region.fields} if region.fields else {}),
                "from_name": region.control or name,
                "to_name": control.to_name[0],
                "type": region.type,
                "value": region.value,
            }
        )
    return results
