"""The progress of a child process in its run's row."""

import pytest

from mlapi.run_folder.progress import ProgressReader, ProgressWriter
from mlapi.training.heartbeat import RunLog
from registry.error_codes import INPUT_HINTS
from tests.factories import TrainingRunFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def run():
    return TrainingRunFactory(state="running")


@pytest.fixture
def progress(tmp_path):
    return ProgressWriter(tmp_path)


@pytest.fixture
def append(run, tmp_path):
    """Append to the run what its child process has written."""
    reader = ProgressReader(tmp_path)

    def append() -> None:
        RunLog(run).append_progress(reader.new())
        run.refresh_from_db()

    return append


def test_the_last_count_of_a_part_is_that_of_the_run(run, progress, append):
    progress.unreadable({"not_text": 5})
    progress.unreadable({"not_text": 4})
    append()
    assert run.dataset_counts["unreadable"] == [
        {"code": "not_text", "tasks": 4, "hint": INPUT_HINTS["not_text"]}
    ]


def test_the_counts_of_several_parts_are_added_up(run, progress, append):
    images, texts = (
        progress.part(begin, begin + 0.5, name)
        for begin, name in ((0, "image_classification"), (0.5, "text_classification"))
    )
    images.unreadable({"field_missing": 9})
    images.part(0.3, 1.0).unreadable({"field_missing": 1, "image_format": 5})
    texts.unreadable({"field_missing": 2})
    append()
    assert [
        (one["code"], one["tasks"], one["parts"]) for one in run.dataset_counts["unreadable"]
    ] == [
        ("image_format", 5, {"image_classification": 5}),
        ("field_missing", 3, {"image_classification": 1, "text_classification": 2}),
    ]


def test_phases_and_log_name_the_part_of_several(run, progress, append):
    progress.part(0.0, 0.5, "image_classification").phase("saving", 1.0)
    texts = progress.part(0.5, 1.0, "text_classification")
    texts.phase("saving", 0.0)
    texts.log("120 training tasks.")
    append()
    names = [phase["name"] for phase in run.phases]
    assert names == ["image_classification: saving", "text_classification: saving"]
    assert "text_classification: 120 training tasks." in run.log
