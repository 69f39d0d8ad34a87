"""Actions that queue jobs on commit, killed as the process that serves a person is."""

from contextlib import ExitStack, suppress

from django_q.models import OrmQ

from registry.actions import base, champion, projects, run_starts
from registry.models import AuditEntry, ModelVersion, Project, TaskScore, TrainingRun
from tests.factories import ModelVersionFactory, ProjectFactory, TaskFactory
from tests.faults.jobs.job import OFF, Job
from tests.faults.jobs.mirror import LaterReading
from tests.mlapi.trained import artifact
from tests.mlapi.training.projects import labelled_project

ACTOR = "tester"


class ArchiveAndBack(LaterReading):
    """A restored project is synced."""

    def make(self, stack: ExitStack) -> None:
        super().make(stack)
        OrmQ.objects.all().delete()
        Project.objects.update(sync_queued_at=None)
        self.call = ["tests.faults.jobs.actions.archive_and_back", self.project.pk]

    def repeat(self) -> None:
        archive_and_back(self.project.pk)

    def check(self) -> None:
        super().check()
        assert self.project.archived_at is None
        entries = AuditEntry.objects.filter(project=self.project, verb__contains="archive")
        verbs = list(entries.order_by("pk").values_list("verb", flat=True))
        assert verbs == ["archive_project", "unarchive_project"] * (len(verbs) // 2)
        assert verbs


def archive_and_back(pk: int) -> None:
    project = Project.objects.get(pk=pk)
    for action in (projects.archive, projects.unarchive):
        with suppress(base.StateUnchanged):
            action(project, actor=ACTOR)


class Promotion(Job):
    """The new champion scores what is unlabelled."""

    def make(self, stack: ExitStack) -> None:
        self.project = ProjectFactory(policy=OFF)
        self.before = ModelVersionFactory(
            project=self.project, content=artifact(0.7), champion=True
        )
        self.version = ModelVersionFactory(project=self.project, content=artifact())
        self.tasks = {TaskFactory(project=self.project).pk for _ in range(3)}
        OrmQ.objects.all().delete()
        self.call = ["tests.faults.jobs.actions.promote", self.version.pk]

    def repeat(self) -> None:
        promote(self.version.pk)

    def check(self) -> None:
        moves = AuditEntry.objects.filter(project=self.project, verb="promote")
        found = list(moves.order_by("pk").values_list("to_version", flat=True))
        assert found == [self.before.pk, self.version.pk]
        rows = TaskScore.objects.filter(version__project=self.project)
        scored = {(self.version.pk, pk) for pk in self.tasks}
        assert {(row.version_id, row.task_id) for row in rows} == scored


def promote(pk: int) -> None:
    with suppress(champion.NotPromotable):
        champion.promote(ModelVersion.objects.get(pk=pk), actor=ACTOR, reason="It is better.")


class StartTraining(Job):
    def make(self, stack: ExitStack) -> None:
        self.project = labelled_project({"Positive": 15, "Negative": 9}, policy=OFF)
        self.call = ["tests.faults.jobs.actions.start_training", self.project.pk]

    def repeat(self) -> None:
        if not self.project.runs.exists():  # what is committed needs no repetition
            start_training(self.project.pk)

    def check(self) -> None:
        assert list(self.project.runs.values_list("state", flat=True)) == ["succeeded"]


def start_training(pk: int) -> None:
    run_starts.start(Project.objects.get(pk=pk), trigger=TrainingRun.Trigger.ADMIN)
