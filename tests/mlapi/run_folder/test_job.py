"""The job file: what the parent writes is what the child reads, and nothing else is taken."""

import json
from dataclasses import replace

import pytest

from mlapi.domain import Stored, TargetSpec
from mlapi.run_folder.dataset import DatasetFile
from mlapi.run_folder.job import Champion, TrainingJob
from mlapi.run_folder.json_file import RunFileInvalid

TARGETS = (
    TargetSpec("kind", "img", "Image", "image", "choices", ("cat", 'a "dog"', "\ud800")),
    TargetSpec("turns", "talk", "Paragraphs", "talk", "text", (), "words", "who", "TextArea"),
)


@pytest.fixture
def job(tmp_path):
    return TrainingJob(
        folder=tmp_path,
        project=12,
        run=31,
        number=7,
        pipeline="image_classification",
        targets=TARGETS,
        options={"features": "opencv", "similar_to": {"control": "kind", "label": "cat"}},
        parameters={"automl": False},
        notes={"automl": "AutoML is switched off by the option automl."},
        seed=3,
        time_budget_s=2.5,
        champion=Champion(
            "v6-abcdef",
            6,
            "image_classification",
            Stored(tmp_path / "a.bin", "0" * 64),
            {"image_classification": {"features": "opencv", "name": "x"}},
        ),
        input={"features": "opencv", "name": "opencv-1"},
    )


def change(job, change):
    path = job.folder / "job.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_job_is_read_as_it_was_written(job):
    job.write()

    assert TrainingJob.read_all(job.folder)[0] == job
    assert [path.name for path in job.folder.iterdir()] == ["job.json"]


def test_optional_fields_have_their_defaults(job):
    job.write()
    change(job, lambda content: [content.pop(name) for name in ("champion", "input", "seed")])

    read = TrainingJob.read_all(job.folder)[0]

    assert (read.champion, read.input, read.seed) == (None, {}, 0)


def test_the_champions_input_is_that_of_its_part_of_the_same_pipeline(job):
    inputs = {
        "image_classification": {"features": "opencv", "name": "x"},
        "image_boxes": {"side": "5"},
    }
    both = replace(job.champion, inputs=inputs)

    assert replace(job, champion=both).champion_input == inputs["image_classification"]
    assert replace(job, champion=both, pipeline="text_classification").champion_input == {}
    assert replace(job, champion=None).champion_input == {}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (lambda c: c.pop("targets"), "job.json lacks the field 'targets'"),
        (lambda c: c.update(speed=1), "job.json has an unknown field 'speed'"),
        (lambda c: c.update(folder="/"), "job.json has an unknown field 'folder'"),
        (lambda c: c.update(run="31"), "job.json: run is no int"),
        (lambda c: c.update(run=True), "job.json: run is no int"),
        (lambda c: c.update(champion=[]), "job.json: champion is no object"),
        (lambda c: c["champion"].pop("artifact"), "champion lacks the field 'artifact'"),
        (lambda c: c["targets"][1].update(kind=5), "targets[1]: kind is no str"),
        (lambda c: c["targets"][0].update(labels=["a", 5]), "targets[0]: labels[1] is no str"),
    ],
)
def test_another_shape_is_refused_and_named(job, wrong, reason):
    job.write()
    change(job, wrong)

    with pytest.raises(RunFileInvalid) as refused:
        TrainingJob.read_all(job.folder)[0]

    assert reason in refused.value.message
    assert refused.value.code == "run_file_invalid"
    assert refused.value.hint


@pytest.mark.parametrize("content", [None, b"{", b"\xff\xfe", b"[]"])
def test_no_file_and_no_json_are_refused(job, content):
    if content is not None:
        (job.folder / "job.json").write_bytes(content)

    with pytest.raises(RunFileInvalid, match="job.json"):
        TrainingJob.read_all(job.folder)[0]


def test_the_dataset_is_read_once_for_all_parts_and_in_the_order_of_tasks(job):
    for part, control in ((1, "c1"), (2, "c2")):
        own = (TargetSpec(control, "t", "Text", "text", "choice", ("A", "B")),)
        replace(job, part=part, parts=2, targets=own, learns_from="labelled").write()
    rows = [
        {"id": n, "data": {}, "labels": labels, "split": "train"}
        for n, labels in ((3, {"c2": "A"}), (2, {"c1": "A", "c2": "B"}), (1, {"c1": "B"}))
    ]
    with DatasetFile(job.folder).writing() as write:
        for row in rows:
            write(row)

    first, second = TrainingJob.read_all(job.folder)
    found = first.rows
    (job.folder / "dataset.jsonl").unlink()

    assert found == [rows[2], rows[1]]
    assert second.rows == [rows[1], rows[0]]
    assert second.rows[0] is found[1]
    assert replace(second, champion=None).rows == second.rows
