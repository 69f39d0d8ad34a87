"""Scores unlabelled tasks with the champion: the smallest margins are to be labelled first."""

import random
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic

import structlog
from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from mlapi import pipelines, serving
from mlapi.domain import NoPrediction, Prediction
from mlapi.images.online import TRANSIENT_CODES
from mlapi.locks import SCORES, project_lock
from mlapi.worker import shutdown_requested
from registry.actions import scores
from registry.actions.scores import Certainty
from registry.errors import EvalsError
from registry.models import ModelVersion, Project, Task, TaskScore

log = structlog.get_logger(__name__)
BATCH = 200  # at most, of an input that takes more at once
# The rest is queued again, so that events wait no longer than this.
SECONDS = 2.0


def score(version_id: int) -> int:
    """Scores unlabelled tasks for about two seconds and queues the rest; returns how many.

    Does nothing for a version that is no longer champion, or while another worker scores the
    project. After an error (the version does not load, the label config is not served) the next
    scoring is queued in ten minutes.
    """
    version = _champion(version_id)
    if version is None:
        return 0
    with project_lock(version.project_id, purpose=SCORES) as acquired:
        if not acquired:
            return 0
        try:
            return _score(version)
        except EvalsError as error:
            log.warning("not_scored", version=version.label, code=error.code, error=error.message)
            return 0


def request_new() -> None:
    """Queues a scoring for each project with unlabelled tasks newer than its scored ones.

    One query by two indexes; `request_all` covers gaps among the older tasks.
    """
    scored = TaskScore.objects.filter(version=OuterRef("project__champion"))
    newest = Subquery(scored.order_by("-task").values("task")[:1])
    fresh = unlabelled(OuterRef("pk")).filter(pk__gt=Coalesce(newest, 0))
    for project in _scored_projects().filter(Exists(fresh)):
        scores.request(project)


def request_all() -> None:
    """Queues a scoring for every project with a champion; scored tasks are not scored again."""
    for project in _scored_projects():
        scores.request(project)


def _scored_projects() -> QuerySet[Project]:
    not_archived = Project.objects.filter(archived_at__isnull=True)
    return not_archived.filter(scores.idle(), champion__isnull=False).exclude(pipeline="")


def _champion(version_id: int) -> ModelVersion | None:
    champions = ModelVersion.objects.filter(pk=version_id, project__champion=F("pk"))
    return champions.select_related("project__champion").first()


def _score(version: ModelVersion) -> int:
    """Scores of earlier versions are deleted first, so that those of one version remain."""
    scores.drop_superseded(version)
    until = monotonic() + SECONDS
    n = 0
    for tasks in _unscored(version):
        predictions = serving.predict_mirrored(version.project, tasks, SECONDS)
        scored = zip(tasks, predictions, strict=True)
        scores.save(
            version,
            priorities(
                {
                    pk: _least_sure(answers)
                    for (pk, _), answers in scored
                    if not _is_transient(answers)
                },
                settings.LABEL_NEXT_AT_RANDOM,
                seed=version.pk,
            ),
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
    size = min([BATCH, *(p.input.batch_size for p in pipelines.named(version.pipeline))])
    while batch := list(waiting.filter(pk__gt=last).values_list("pk", "data")[:size]):
        yield batch
        last = batch[-1][0]


def unlabelled(project: Project | OuterRef) -> QuerySet[Task]:
    """Tasks without an annotation; by the index `task_unlabelled`."""
    return Task.objects.filter(project=project, annotation_ids=[], deleted_at__isnull=True)


def _is_transient(answers: Mapping[str, Prediction | NoPrediction]) -> bool:
    """Whether a later attempt may predict the task."""
    return any(isinstance(a, NoPrediction) and a.code in TRANSIENT_CODES for a in answers.values())


def _least_sure(answers: Mapping[str, Prediction | NoPrediction]) -> tuple[float, float] | None:
    """The lowest score and the least margin of the task's answers; None without an answer."""
    found = [a for a in answers.values() if isinstance(a, Prediction)]
    if not found:
        return None
    margins = (a.score if a.margin is None else a.margin for a in found)
    return min(a.score for a in found), min(margins)


def priorities(
    answers: Mapping[int, tuple[float, float] | None], at_random: float, seed: int
) -> dict[int, Certainty | None]:
    """Each task's place among those to label next, by its lowest score and least margin.

    The margin is the place (Scheffer et al., Active Hidden Markov Models, 2001). A share of the
    tasks, `at_random`, takes the place of any task of the batch instead, so that of those that
    stand first, however many, that share was drawn at random: what the model is sure of and wrong
    about is found among them only. The same tasks have the same places.
    """
    margins = [found[1] for found in answers.values() if found is not None]
    places: dict[int, Certainty | None] = dict.fromkeys(answers)
    for task, found in answers.items():
        if found is not None:
            score, margin = found
            # Each task's own numbers, whatever is scored beside it; they keep no secret.
            draw = random.Random(f"{seed} {task}")  # noqa: S311
            drawn = draw.random() < at_random
            places[task] = Certainty(score, margin, draw.choice(margins) if drawn else margin)
    return places
