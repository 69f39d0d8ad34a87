"""A run's folder that is full, damaged or out of reach: the run ends, and the next one succeeds."""

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlapi.child_process import folder, warm_process
from mlapi.child_process.supervise import DiskFull, start_warm_process
from mlapi.conversion.converting import convert, convert_or_train
from mlapi.training.run import carry_out
from registry import artifacts
from registry.actions import run_starts, runs
from registry.models import ModelVersion, Project, Task, TrainingRun
from registry.models.task import Split
from tests.factories import LABEL_CONFIG, ModelVersionFactory, ProjectFactory
from tests.faults.damage import KINDS, Damage
from tests.faults.disks import fill, make_room, small_disk
from tests.faults.phases import at_phase
from tests.mlapi.conversion.old_artifacts import OldArtifact
from tests.mlapi.training.projects import label, labelled_project, small_programs

__all__ = ["at_phase"]

pytestmark = pytest.mark.django_db(transaction=True)
MEGABYTES = 24  # a run takes two


@pytest.fixture
def disk() -> Iterator[Path]:
    """The disk of the runs' folders."""
    with small_disk(folder.home(), MEGABYTES) as mounted:
        yield mounted


@pytest.fixture(scope="module")
def warm() -> Iterator[None]:
    """Programs are forked from a process that has imported what they need."""
    start_warm_process("mlapi.training.warm_process")
    yield
    warm_process.stop()


@pytest.fixture
def damage() -> Iterator[Damage]:
    done = Damage()
    yield done
    done.undo()


@pytest.fixture
def project() -> Project:
    return labelled_project({"Positive": 15, "Negative": 10})


def place(run: TrainingRun) -> Path:
    return folder.home() / f"run-{run.pk}"


def finished_run(project: Project) -> TrainingRun:
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN)
    ended = carry_out(run.pk, "worker@test")
    assert ended is not None
    return ended


def ends(project: Project, case: str) -> TrainingRun:
    """A run that ends, however; nothing of it is half-made, and nothing is left."""
    before = ModelVersion.objects.count()
    run = finished_run(project)
    made = ModelVersion.objects.count() - before
    assert (run.state, made) in (("succeeded", 1), ("failed", 0)), (case, run.error)
    assert run.state == "succeeded" or (run.error and run.error_code), case
    assert not ModelVersion.objects.filter(load_failed_at__isnull=False).exists(), case
    assert not TrainingRun.objects.filter(state="running").exists(), case
    for waiting in TrainingRun.objects.filter(state="queued"):  # a lost process is tried once more
        assert waiting.retry_of == run and run.error_code == "child_crashed", case
        runs.cancel(waiting.pk, actor="test")
    assert list(folder.home().glob("run-*")) == [], case
    assert all(artifacts.read(version) for version in ModelVersion.objects.all()), case
    return run


def ends_on_a_full_disk(project: Project, disk: Path, case: str) -> TrainingRun:
    run = ends(project, case)
    make_room(disk)
    # It succeeds where nothing had to be written any more.
    assert run.state == "succeeded" or run.error_code == "disk_full", (case, run.error)
    return run


def test_a_run_on_a_full_disk_fails_with_its_cause(project, disk, warm, at_phase):
    at_phase("opening EvaDB", lambda run: fill(disk))
    run = ends_on_a_full_disk(project, disk, "opening EvaDB")
    assert (run.state, run.error_code) == ("failed", "disk_full")
    assert "Free space" in run.hint


@pytest.mark.parametrize("name", ["job.json", "dataset.jsonl"])
def test_a_run_whose_files_are_gone_before_its_load_check_registers_no_version(
    project, disk, warm, at_phase, name
):
    """Nothing is known of the artifact, which would else count as one that does not load."""
    at_phase("verifying", lambda run: (place(run) / name).unlink())
    run = ends(project, name)
    assert (run.state, run.error_code) == ("failed", "run_file_invalid")
    assert name in run.error
    assert "Train again" in run.hint


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind == "corrupt" else pytest.param(kind, marks=pytest.mark.nightly)
        for kind in KINDS
    ],
)
def test_an_evadb_that_is_damaged_ends_its_run_and_not_the_next(
    project, warm, at_phase, damage, kind
):
    at_phase("opening EvaDB", lambda run: getattr(damage, kind)(place(run)))
    ends(project, kind)
    damage.undo()
    at_phase("", lambda run: None)
    assert finished_run(project).state == "succeeded"


@pytest.mark.nightly
@pytest.mark.long
def test_any_phase_of_a_run_may_find_its_folder_full_or_damaged(
    project, disk, warm, at_phase, damage
):
    whole = finished_run(project)
    assert whole.state == "succeeded"
    phases = list(dict.fromkeys(phase["name"] for phase in whole.phases))
    assert {"reading labels", "freezing the dataset", "verifying", "registering"} <= set(phases)
    ended: dict[str, list[str]] = {}
    ids = itertools.count(1000)

    def label_one_more() -> None:
        """A task of the training split: without anything new a run makes no version."""
        split = None
        while split != Split.TRAIN:
            number = next(ids)
            label(project, {"Positive": 1}, first_id=number)
            split = Task.objects.get(project=project, labelstudio_id=number).split

    for phase in phases:
        at_phase(phase, lambda run: fill(disk))
        label_one_more()
        ended[phase] = [ends_on_a_full_disk(project, disk, phase).state]
        for kind in KINDS:
            at_phase(phase, lambda run, kind=kind: getattr(damage, kind)(place(run)))
            label_one_more()
            run = ends(project, f"{kind} in {phase}")
            damage.undo()
            ended[phase].append(run.error_code or run.state)
        at_phase("", lambda run: None)
        label_one_more()
        assert finished_run(project).state == "succeeded"
    print(ended)


@pytest.mark.parametrize("kind", ["file", "link", "closed", "missing"])
def test_a_file_in_the_place_of_a_runs_folder_does_not_prevent_the_run(project, kind, tmp_path):
    run, _ = run_starts.start(project, trigger=TrainingRun.Trigger.ADMIN)
    folder.home().mkdir(parents=True, exist_ok=True)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("not the run's")
    match kind:
        case "file":
            place(run).write_text("a file")
        case "link":
            place(run).symlink_to(elsewhere)
        case "closed":
            place(run).mkdir(mode=0o000)
        case "missing":
            shutil.rmtree(folder.home())
    ended = carry_out(run.pk, "worker@test", programs=small_programs())
    assert ended.state == "succeeded", ended.error
    assert not os.path.lexists(place(run))
    assert (elsewhere / "mine").exists()


def test_nothing_is_held_against_a_version_whose_conversion_had_no_room(disk):
    project = ProjectFactory(label_config=LABEL_CONFIG.replace('name="label"', 'name="topic"'))
    version = ModelVersionFactory(
        project=project,
        content=OldArtifact("text_classification.words").content,
        artifact_format=1,
        champion=True,
    )
    fill(disk, but=8_192)  # the job is written, and not the whole artifact
    with pytest.raises(DiskFull):
        convert_or_train(version)
    version.refresh_from_db()
    assert version.load_failed_at is None
    assert not TrainingRun.objects.filter(trigger="format").exists()
    make_room(disk)
    assert convert(version)
