"""Job folders of images, as the parent process writes them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlapi.images.features import ExtractorRef
from mlapi.images.folder_store import write_features
from mlapi.inputs import ImageFeatures
from tests.mlapi.image_files import sha256
from tests.mlapi.training_child.conftest import Job

OPENCV = ExtractorRef("opencv", "opencv-1")
INPUT = ImageFeatures(OPENCV)
OPTIONS = {"features": "opencv", "k": 10, "similar_to": None, "cluster": None, "clusters": None}


def spec(labels: Sequence[str], **other: Any) -> dict[str, Any]:
    return {
        "name": "kind",
        "object_name": "img",
        "object_tag": "Image",
        "field": "image",
        "kind": "choice",
        "labels": sorted(set(labels)),
        **other,
    }


def rows(labels: Sequence[Any], holdout: float = 0.2, seed: int = 0) -> list[dict[str, Any]]:
    """A task for each label, None for one that nobody has labelled."""
    drawn = np.random.default_rng(seed).random(len(labels)) < holdout
    return [
        {
            "id": i + 1,
            "data": {"image": f"/data/upload/1/{i + 1}.png"},
            "labels": {} if label is None else {"kind": label},
            "split": None if label is None else "holdout" if drawn[i] else "train",
        }
        for i, label in enumerate(labels)
    ]


def put_images(job: Job, files: Sequence[bytes], stored: Mapping[str, np.ndarray]) -> Job:
    """The files of the job's tasks in its folder, each under the address of its task.

    `stored`: features by content, as the parent has them from the database.
    """
    (job.folder / "images").mkdir()
    known = {c: stored[c] for c in dict.fromkeys(map(sha256, files)) if c in stored}
    if known:
        write_features(job.folder, "kept-0", OPENCV.name, known)
    with open(job.folder / "images.jsonl", "w") as listed:
        for i, content in enumerate(files):
            name = f"images/{i}"
            (job.folder / name).write_bytes(content)
            row = {
                "address": f"/data/upload/1/{i + 1}.png",
                "sha256": sha256(content),
                "file": name,
            }
            listed.write(json.dumps(row) + "\n")
    return job


def value(job, name, target="kind", label=""):
    return job.metric(name, target, label)
