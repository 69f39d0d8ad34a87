"""Jobs that concern versions: training, scoring, conversion, fall-back."""

from contextlib import ExitStack, suppress

from django_q.models import OrmQ

from mlapi import model_cache
from mlapi.child_process import folder
from mlapi.child_process.supervise import Program
from mlapi.conversion import converting
from registry import artifacts, queue
from registry.actions import run_starts, scores
from registry.models import (
    AuditEntry,
    ConvertedArtifact,
    ModelVersion,
    Project,
    TaskScore,
    TrainingRun,
)
from tests.factories import LABEL_CONFIG, ModelVersionFactory, ProjectFactory, TaskFactory
from tests.faults.jobs.job import OFF, Job
from tests.mlapi.conversion.old_artifacts import OldArtifact
from tests.mlapi.trained import artifact
from tests.mlapi.training.projects import labelled_project, small_program


def promotions(project: Project) -> list[ModelVersion]:
    """The versions that were promoted; a small program's does not load, and falls back then."""
    entries = AuditEntry.objects.filter(project=project, verb="promote").order_by("pk")
    return [entry.to_version for entry in entries]


def no_folder_is_left() -> None:
    """Sweeps the folders of killed workers as the next run does, and checks that none is left."""
    folder.sweep(young_s=0)
    assert list(folder.home().glob("*-*")) == []


class Scoring(Job):
    settings = {"mlapi.training.scoring.BATCH": 4}

    def make(self, stack: ExitStack) -> None:
        self.project = ProjectFactory(policy=OFF)
        older = ModelVersionFactory(project=self.project, content=artifact(0.7), champion=True)
        tasks = [TaskFactory(project=self.project) for _ in range(9)]
        scores.save(older, {tasks[0].pk: scores.Certainty(0.5, 0.5, 0.5)})
        OrmQ.objects.all().delete()
        self.version = ModelVersionFactory(project=self.project, content=artifact(), champion=True)
        self.tasks = {task.pk for task in tasks}

    def check(self) -> None:
        rows = TaskScore.objects.filter(version__project=self.project)
        assert {(row.version_id, row.task_id) for row in rows} == {
            (self.version.pk, pk) for pk in self.tasks
        }
        assert rows.count() == len(self.tasks)
        self.project.refresh_from_db()
        assert self.project.scores_queued_at is None


class Training(Job):
    """A training in this process, by the small program."""

    cluster = queue.TRAINING

    def make(self, stack: ExitStack) -> None:
        self.project = labelled_project({"Positive": 15, "Negative": 9}, policy=OFF)
        self.first, _ = run_starts.start(self.project, trigger=TrainingRun.Trigger.ADMIN)

    def check(self) -> None:
        states = list(self.project.runs.order_by("pk").values_list("state", "error_code"))
        assert states in (
            [("succeeded", "")],
            [("failed", "worker_lost"), ("succeeded", "")],
        )
        made = list(ModelVersion.objects.filter(project=self.project).order_by("number"))
        assert [version.number for version in made] == list(range(1, len(made) + 1))
        assert 1 <= len(made) <= len(states)
        assert all(artifacts.read(version) for version in made)
        assert promotions(self.project) == [self.project.runs.get(state="succeeded").version]
        no_folder_is_left()


class FallBack(Job):
    """A fall-back past two versions that do not load; the small program checks them."""

    settings = {"mlapi.training.load_check.program": "tests.faults.jobs.versions.small_check"}

    def make(self, stack: ExitStack) -> None:
        self.project = ProjectFactory(policy=OFF)
        self.loads = ModelVersionFactory(project=self.project, content=artifact(), champion=True)
        self.broken = ModelVersionFactory(project=self.project, content=b"broken")
        self.champion = ModelVersionFactory(
            project=self.project, content=b"broken too", champion=True
        )
        OrmQ.objects.all().delete()
        self.repeat()

    def repeat(self) -> None:
        """The next prediction, in a process that has not tried within half a minute."""
        model_cache.clear()
        champion = Project.objects.select_related("champion").get(pk=self.project.pk).champion
        with suppress(model_cache.ModelUnavailable):
            model_cache.predictor_for(champion)

    def check(self) -> None:
        self.project.refresh_from_db()
        assert self.project.champion_id == self.loads.pk
        failed = ModelVersion.objects.filter(load_failed_at__isnull=False)
        assert set(failed.values_list("pk", flat=True)) == {self.broken.pk, self.champion.pk}
        moves = AuditEntry.objects.filter(project=self.project, verb__in=["fall_back", "keep"])
        assert list(moves.values_list("verb", "to_version")) == [("fall_back", self.loads.pk)]
        assert self.project.scores_queued_at is None
        no_folder_is_left()


def small_check(_module: str, folder: str, path: str, sha256: str) -> Program:
    """A replacement for the program that loads a version, which takes seconds to start."""
    return small_program("check_artifact", folder, path, sha256)


class Conversion(Job):
    """The conversion of a champion of an old format."""

    def make(self, stack: ExitStack) -> None:
        config = LABEL_CONFIG.replace('name="label"', 'name="topic"')
        self.project = ProjectFactory(label_config=config, policy=OFF)
        self.version = ModelVersionFactory(
            project=self.project,
            content=OldArtifact("text_classification.words").content,
            artifact_format=1,
            champion=True,
        )
        OrmQ.objects.all().delete()
        self.repeat()

    def repeat(self) -> None:
        """The start of the next worker."""
        converting.request_champions()

    def check(self) -> None:
        converted = ConvertedArtifact.objects.get()
        assert converted.version == self.version
        assert artifacts.read(self.version)
        self.version.refresh_from_db()
        assert self.version.load_failed_at is None
        self.project.refresh_from_db()
        assert self.project.champion_id == self.version.pk
        assert not TrainingRun.objects.filter(trigger=TrainingRun.Trigger.FORMAT).exists()
        no_folder_is_left()


class FailedConversion(Conversion):
    """A failed conversion of a champion, in whose place one version is trained."""

    def make(self, stack: ExitStack) -> None:
        self.project = labelled_project({"Positive": 15, "Negative": 9}, policy=OFF)
        self.version = ModelVersionFactory(
            project=self.project, content=b"broken", artifact_format=1, champion=True
        )
        OrmQ.objects.all().delete()
        self.repeat()

    def check(self) -> None:
        (run,) = self.project.runs.exclude(pk=self.version.run_id)
        assert (run.trigger, run.state) == ("format", "succeeded")
        assert promotions(self.project) == [self.version, run.version]
        self.version.refresh_from_db()
        assert self.version.load_error
        no_folder_is_left()
