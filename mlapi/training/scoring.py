"""Lets a champion say how sure it is of each task that nobody has labelled."""

from collections.abc import Iterator, Mapping, Sequence
from time import monotonic

import structlog
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from mlapi import pipelines, serving
from mlapi.domain import Answer, NoPrediction
from mlapi.images.online import TRANSIENT_CODES
from mlapi.locks import SCORES, project_lock
from mlapi.worker import shutdown_requested
from registry.actions import scores
from registry.errors import EvalsError
from registry.models import ModelVersion, Project, Task, TaskScore

log = structlog.get_logger(__name__)
BATCH = 200
IMAGES_BATCH = 16  # each may have to be fetched and seen first
# Then the rest is queued behind the events that came meanwhile, which wait no longer than this.
SECONDS = 2.0


def score(version_id: int) -> int:
    """Score unlabelled tasks for about two seconds, and queue the rest; returns how many.

    Nothing for a version that is not champion any more, and nothing beside another worker
    that scores the same project. What cannot be done now (the version does not load, the
    label config is not served) is asked for again in ten minutes.
    """
    version = _champion(version_id)
    if version is None:
        return 0
    with project_lock(version.project_id, purpose=SCORES) as mine:
        if not mine:
            return 0
        try:
            return _score(version)
        except EvalsError as error:
            log.warning("not_scored", version=version.label, code=error.code, error=error.message)
            return 0


def request_new() -> None:
    """Ask for a scoring wherever there are unlabelled tasks newer than those that have a score.

    One query along two indexes; gaps among the older ones are found by `request_all`.
    """
    scored = TaskScore.objects.filter(version=OuterRef("project__champion"))
    newest = Subquery(scored.order_by("-task").values("task")[:1])
    fresh = unlabelled(OuterRef("pk")).filter(pk__gt=Coalesce(newest, 0))
    for project in _scored_projects().filter(Exists(fresh)):
        scores.request(project)


def request_all() -> None:
    """Ask for a scoring of every project with a champion: what is not missing costs nothing."""
    for project in _scored_projects():
        scores.request(project)


def _scored_projects() -> QuerySet[Project]:
    return Project.objects.filter(scores.idle(), champion__isnull=False).exclude(pipeline="")


def _champion(version_id: int) -> ModelVersion | None:
    champions = ModelVersion.objects.filter(pk=version_id, project__champion=F("pk"))
    return champions.select_related("project__champion").first()


def _score(version: ModelVersion) -> int:
    """What is left over from earlier goes first, so that the scores of one version are kept."""
    scores.drop_superseded(version)
    until = monotonic() + SECONDS
    n = 0
    for tasks in _unscored(version):
        answers = serving.ask_champion(version.project, tasks, SECONDS)
        found = zip(tasks, answers, strict=True)
        scores.keep(
            version, {pk: _least_sure(said) for (pk, _), said in found if not _passes(said)}
        )
        n += len(tasks)
        if monotonic() > until or shutdown_requested.is_set():
            scores.requeue(version)
            return n
    scores.drop_labelled(version)
    scores.finish(version)
    return n


def _unscored(version: ModelVersion) -> Iterator[Sequence[tuple[int, dict]]]:
    """Batches of (task id, data) of the unlabelled tasks without a score, by growing id."""
    scored = TaskScore.objects.filter(version=version, task=OuterRef("pk"))
    waiting = unlabelled(version.project).exclude(Exists(scored)).order_by("pk")
    last = 0
    size = IMAGES_BATCH if pipelines.get(version.pipeline).sees else BATCH
    while batch := list(waiting.filter(pk__gt=last).values_list("pk", "data")[:size]):
        yield batch
        last = batch[-1][0]


def unlabelled(project: Project | OuterRef) -> QuerySet[Task]:
    """The live tasks that nobody has annotated; by the index `task_unlabelled`."""
    return Task.objects.filter(project=project, annotation_ids=[], deleted_at__isnull=True)


def _passes(said: Mapping[str, Answer | NoPrediction]) -> bool:
    """Whether there is no answer for a reason that may be gone when it is asked again."""
    return any(isinstance(a, NoPrediction) and a.code in TRANSIENT_CODES for a in said.values())


def _least_sure(said: Mapping[str, Answer | NoPrediction]) -> float | None:
    """The least score of the task's answers, as a prediction's; None without an answer."""
    return min((a.score for a in said.values() if isinstance(a, Answer)), default=None)
