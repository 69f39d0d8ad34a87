"""The images that a training reads, and the counts of those that it cannot read."""

import itertools
import json

import pytest
from PIL import Image

from mlapi.domain import InputError, TargetSpec
from mlapi.images.folder_store import FolderImageStore
from mlapi.inputs import SizedImages
from mlapi.pipelines.object_detection import dataset, training
from mlapi.run_folder.job import TrainingJob
from mlapi.run_folder.progress import ProgressReader, ProgressWriter
from tests.mlapi.eva.conftest import eva, log

__all__ = ["eva", "log"]

SIDE, IMAGES, MOST_READ = 16, 40, 10
BOX = {"class": "red", "x": 10, "y": 10, "width": 20, "height": 20}
_runs = itertools.count(1)


def _spec(name):
    return TargetSpec(name, "img", "Image", "image", "boxes", ("red",))


def _written(folder, eva, store, tasks, *names):
    """The job of tasks with an image each, and its tables."""
    rows = [
        {
            "id": number,
            "data": {"image": f"{number}.png"},
            "labels": {name: [BOX] for name in names},
            "split": "train",
        }
        for number in tasks
    ]
    (folder / "dataset.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    targets = tuple(map(_spec, names))
    job = TrainingJob(folder, next(_runs), 1, 1, "object_detection", targets)
    return job, dataset.write(eva, job, store, SizedImages())


def test_where_memory_takes_few_images_the_newest_are_among_them_too(tmp_path, eva, monkeypatch):
    monkeypatch.setattr(training, "_MOST_BYTES", MOST_READ * SIDE * SIDE * 3)
    store, progress, reader = FolderImageStore(), ProgressWriter(tmp_path), ProgressReader(tmp_path)
    for number in range(IMAGES):
        store.pixels[f"{number}.png"] = tmp_path / f"{number}.png"
        Image.new("RGB", (SIDE, SIDE), (number, 0, 0)).save(store.pixels[f"{number}.png"])
    _, tables = _written(tmp_path, eva, store, range(IMAGES), "box")

    def read(seed):
        drawn = training._read(eva, tables, 0, SizedImages(), seed, progress)
        return [int(one.image.pixels[0, 0, 0]) for one in drawn]

    taken = read(seed=0)
    assert len(taken) == MOST_READ and taken == sorted(taken) == read(seed=0) != read(seed=1)
    assert max(taken) >= IMAGES / 2
    logged = [line["log"] for line in reader.new() if "log" in line]
    assert logged[0] == f"{IMAGES} images are more than memory takes: {MOST_READ} are used."


@pytest.mark.parametrize("names", [("box",), ("box", "other")])
def test_a_task_without_an_image_is_counted_once_whatever_its_controls_are(tmp_path, eva, names):
    store, progress, reader = FolderImageStore(), ProgressWriter(tmp_path), ProgressReader(tmp_path)
    store.pixels["7.png"] = InputError("image_format", "It is no image.")
    _, tables = _written(tmp_path, eva, store, [7], *names)

    tables.log(progress)

    assert [one["unreadable"] for one in reader.new() if "unreadable" in one] == [
        {"image_format": 1}
    ]
