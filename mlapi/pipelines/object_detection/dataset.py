"""The frozen dataset of a run as tables of paths and boxes, a row for each task and target."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from mlapi import label_types
from mlapi.domain import InputError, TargetSpec
from mlapi.eva.execute import write_table
from mlapi.eva.open import Eva
from mlapi.images.features import SizedImage
from mlapi.images.folder_store import FolderImageStore
from mlapi.inputs import SizedImages
from mlapi.label_types.labelled_box import LabelledBox, boxes_from_json
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressWriter
from registry.error_codes import INPUT_HINTS

TYPES = {"id": "integer", "number": "integer", "path": "text", "boxes": "text"}
_ALIKE = 0.02  # of the ratio of the sides, which rounding changes


@dataclass
class DetectionDataset:
    """The names of the tables `train` and `holdout`; `excluded` counts, by target, holdout tasks
    whose boxes the config does not allow any more. `unreadable` are tasks by the code of why a
    target has no image.
    """

    train: str
    holdout: str
    excluded: Counter[str] = field(default_factory=Counter)
    unreadable: dict[str, set[int]] = field(default_factory=dict)

    def leave_out(self, task: int, code: str) -> None:
        """Note that an image of the task cannot be read; once, whatever its targets are."""
        self.unreadable.setdefault(code, set()).add(task)

    def log(self, progress: ProgressWriter) -> None:
        """Say how many tasks cannot be read, and why."""
        counts = Counter({code: len(tasks) for code, tasks in self.unreadable.items()})
        progress.unreadable(counts)
        for code, n in counts.most_common():
            tasks = "1 task has" if n == 1 else f"{n} tasks have"
            progress.log(f"{tasks} no image that can be read: {code}. {INPUT_HINTS.get(code, '')}")


def write(
    eva: Eva, job: TrainingJob, store: FolderImageStore, images: SizedImages
) -> DetectionDataset:
    """Write the tables of what has a value for a target, and an image."""
    found = DetectionDataset(f"{job.prefix}_train", f"{job.prefix}_holdout")
    rows: dict[str, list[dict[str, Any]]] = {"train": [], "holdout": []}
    for row in job.rows:
        for number, spec in enumerate(job.targets):
            stored = (row["labels"] or {}).get(spec.name)
            value = label_types.of(spec).from_json(stored)
            if row["split"] not in rows or value is None:
                continue
            if not label_types.of(spec).is_allowed(value, spec.labels):
                found.excluded[spec.name] += row["split"] == "holdout"
                continue
            path = _path(row["data"], spec, store, images)
            if isinstance(path, InputError):
                found.leave_out(row["id"], path.code)
                continue
            table = {"id": row["id"], "number": number, "path": str(path)}
            rows[row["split"]].append({**table, "boxes": json.dumps(stored)})
    for split, name in (("train", found.train), ("holdout", found.holdout)):
        write_table(eva, name, pd.DataFrame(rows[split], columns=list(TYPES)), TYPES)
    return found


def _path(
    data: dict[str, Any], spec: TargetSpec, store: FolderImageStore, images: SizedImages
) -> Path | InputError:
    try:
        return store.file(images.read(data, spec))
    except InputError as error:
        return error


def boxes_of(text: str) -> tuple[LabelledBox, ...]:
    """The boxes in a table's column."""
    return tuple(boxes_from_json(json.loads(text)))


def check_size(boxes: Sequence[LabelledBox], size: tuple[int, int]) -> None:
    """Raises InputError if the boxes were drawn on an image with sides of another ratio.

    One that became only larger or smaller has them where they were, in percent.
    """
    for box in boxes:
        if box.size is not None:
            before, now = box.size[0] / box.size[1], size[0] / size[1]
            if abs(before / now - 1) > _ALIKE + 1 / min(*box.size, *size):
                raise InputError(
                    "image_changed",
                    f"The image has {size[0]} x {size[1]} pixels; the boxes were drawn on "
                    f"{box.size[0]} x {box.size[1]}.",
                )


def sized(image: SizedImage | InputError, boxes: Sequence[LabelledBox]) -> SizedImage:
    """The image itself. Raises InputError if it cannot be read, or has other sides."""
    if isinstance(image, InputError):
        raise image
    check_size(boxes, image.size)
    return image
