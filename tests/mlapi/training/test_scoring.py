"""The champion's scores of unlabelled tasks."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from mlapi import jobs, serving
from mlapi.domain import NoPrediction, Prediction
from mlapi.locks import SCORES, project_lock
from mlapi.pipelines.classification.predictor import answers
from mlapi.training import scoring
from registry import queue
from registry.actions import champion, scores
from registry.models import Project, Task, TaskScore
from registry.reports.tasks import label_next
from tests.factories import ModelVersionFactory, ProjectFactory, TaskFactory, promote
from tests.mlapi.pipelines.texts import target_spec
from tests.mlapi.trained import artifact
from tests.registry.threads import run_concurrently

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("no_loaded_versions"),
]

SURE, UNSURE, UNKNOWN = "good fine great", "good awful", "nothing it has ever read"


@pytest.fixture
def project():
    return ProjectFactory()


@pytest.fixture
def version(project):
    return ModelVersionFactory(project=project, content=artifact(), champion=True)


def task(project, text, **fields):
    return TaskFactory(project=project, data={"text": text}, **fields)


def queued_versions() -> list[int]:
    """The versions whose scoring waits in the queue of short jobs."""
    found = OrmQ.objects.filter(key=queue.EVENTS).order_by("id")
    return [job.args()[0] for job in found if job.func() == "mlapi.jobs.score"]


def work() -> None:
    """Runs the queued scorings as the worker does, until none is left."""
    while versions := queued_versions():
        OrmQ.objects.all().delete()
        for version in versions:
            jobs.score(version)


def scores_of(version) -> dict[int, float | None]:
    return dict(TaskScore.objects.filter(version=version).values_list("task", "score"))


def test_what_the_new_champion_is_least_sure_of_is_to_be_labelled_first(project, version, settings):
    settings.LABEL_NEXT_AT_RANDOM = 0
    sure, unsure, unknown = (task(project, text) for text in (SURE, UNSURE, UNKNOWN))
    work()
    project.refresh_from_db()
    rows = label_next(project)
    assert [n.task.id for n in rows][-1] == sure.pk
    assert {n.task.id for n in rows} == {sure.pk, unsure.pk, unknown.pk}
    answers = serving.predict_mirrored(project, [(sure.pk, sure.data)])
    assert rows[-1].score == pytest.approx(answers[0]["label"].score)
    assert rows[-1].task.text == SURE


def test_the_margin_and_not_the_score_orders_the_tasks_of_many_labels():
    spec = target_spec(labels=("a", "b", "c"))
    near, split = np.array([[0.45, 0.44, 0.11], [0.4, 0.3, 0.3]])

    found = answers(spec, np.stack([near, split]))

    assert [(a.score, round(a.margin, 9)) for a in found] == [(0.45, 0.01), (0.4, 0.1)]
    several = answers(target_spec(kind="choices", labels=("a", "b")), np.array([[0.9, 0.3]]))
    assert (several[0].score, round(several[0].margin, 9)) == (0.7, 0.4)


def test_of_several_targets_the_least_margin_counts():
    of_two = {"a": Prediction("a", "choice", (), 0.8, 0.7), "b": Prediction("b", "text", (), 0.5)}

    assert scoring._least_sure(of_two) == (0.5, 0.5)
    assert scoring._least_sure({"a": NoPrediction("a", "null", "")}) is None


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_a_share_of_the_first_is_drawn_at_random(share):
    margins = {i: (0.5, i / 20_000) for i in range(20_000)}
    batches = [dict(list(margins.items())[i::100]) for i in range(100)]

    found = {}
    for batch in batches:
        found |= scoring.priorities({**batch, -1: None}, share, seed=3)

    first = sorted((c for c in found.values() if c), key=lambda c: c.place)[:2_000]
    drawn = [c for c in first if c.place != c.margin]
    assert len(drawn) / 2_000 == pytest.approx(share, abs=0.03)
    if share:
        assert np.mean([c.margin for c in drawn]) == pytest.approx(0.5, abs=0.1)
    assert found == {**found, **scoring.priorities(batches[0], share, seed=3), -1: None}


def test_every_move_of_the_champion_asks_for_its_scores(project, version):
    task(project, SURE)
    work()
    second = ModelVersionFactory(project=project, content=artifact(temperature=2.0))
    promote(second)
    assert queued_versions() == [second.pk]
    work()
    assert not scores_of(version)
    assert len(scores_of(second)) == 1
    champion.roll_back(project, actor="tester", reason="a test")
    assert queued_versions() == [version.pk]
    work()
    assert (len(scores_of(version)), len(scores_of(second))) == (1, 0)


def test_a_version_that_serves_no_more_scores_nothing(project, version):
    task(project, SURE)
    promote(ModelVersionFactory(project=project, content=artifact(temperature=2.0)))
    assert scoring.score(version.pk) == 0
    assert not scores_of(version)


def test_labelled_and_deleted_tasks_are_not_scored(project, version):
    task(project, SURE, labelled="Positive")
    task(project, SURE, deleted_at=timezone.now())
    task(ProjectFactory(), SURE)
    work()
    assert not TaskScore.objects.exists()


def test_a_task_that_was_labelled_meanwhile_is_no_more_to_be_labelled(project, version):
    first, second = task(project, SURE), task(project, UNSURE)
    work()
    Task.objects.filter(pk=second.pk).update(annotation_ids=[7])
    project.refresh_from_db()
    assert [n.task.id for n in label_next(project)] == [first.pk]
    scores.request(project)
    work()
    assert list(scores_of(version)) == [first.pk]


def test_a_task_without_the_input_is_scored_once_and_never_next(project, version):
    TaskFactory(project=project, data={"other": 1})
    work()
    assert list(scores_of(version).values()) == [None]
    project.refresh_from_db()
    assert label_next(project) == []
    scoring.request_new()
    assert not queued_versions()


def test_the_tick_queues_a_scoring_where_tasks_are_new(project, version):
    work()
    scoring.request_new()
    assert not queued_versions()
    task(project, SURE)
    scoring.request_new()
    scoring.request_new()
    assert queued_versions() == [version.pk]
    work()
    assert len(scores_of(version)) == 1
    scoring.request_new()
    assert not queued_versions()


def test_the_hour_finds_what_lies_between(project, version):
    older, newer = task(project, SURE), task(project, UNSURE)
    work()
    TaskScore.objects.filter(task=older).delete()
    scoring.request_new()
    assert not queued_versions()
    scoring.request_all()
    work()
    assert set(scores_of(version)) == {older.pk, newer.pk}


def test_a_scoring_lost_with_its_worker_is_queued_again(project, version):
    task(project, SURE)
    OrmQ.objects.all().delete()
    scoring.request_new()
    assert not queued_versions()
    long_ago = timezone.now() - scores.LOST_AFTER - timedelta(seconds=1)
    Project.objects.filter(pk=project.pk).update(scores_queued_at=long_ago)
    scoring.request_new()
    assert queued_versions() == [version.pk]


def test_many_tasks_are_scored_in_several_jobs_so_that_events_come_between(
    project, version, monkeypatch
):
    monkeypatch.setattr(scoring, "BATCH", 2)
    monkeypatch.setattr(scoring, "SECONDS", 0)
    for _ in range(5):
        task(project, SURE)
    OrmQ.objects.all().delete()
    assert scoring.score(version.pk) == 2
    assert queued_versions() == [version.pk]
    work()
    assert len(scores_of(version)) == 5
    project.refresh_from_db()
    assert project.scores_queued_at is None


def test_a_scoring_leaves_off_where_another_version_took_over(project, version, monkeypatch):
    monkeypatch.setattr(scoring, "BATCH", 1)
    monkeypatch.setattr(scoring, "SECONDS", 0)
    task(project, SURE), task(project, SURE)
    second = ModelVersionFactory(project=project, content=artifact(temperature=2.0))
    OrmQ.objects.all().delete()
    real = serving.predict_mirrored

    def promote_second_and_predict(*args):
        if project.champion_id == version.pk:
            promote(second)
            project.refresh_from_db()
        return real(*args)

    monkeypatch.setattr(serving, "predict_mirrored", promote_second_and_predict)
    project.refresh_from_db()
    scoring.score(version.pk)
    assert queued_versions() == [second.pk]
    work()
    assert (len(scores_of(version)), len(scores_of(second))) == (0, 2)


def test_two_workers_do_not_score_the_same_project_at_once(project, version):
    task(project, SURE)
    with project_lock(project.pk, purpose=SCORES):
        assert run_concurrently(1, lambda _: scoring.score(version.pk)) == [0]
    assert scoring.score(version.pk) == 1


def test_a_champion_that_does_not_load_here_scores_later(project, version):
    task(project, SURE)
    path = storages["artifacts"].path(version.artifact)
    with open(path, "wb") as file:
        file.write(b"spoilt")
    OrmQ.objects.all().delete()
    assert scoring.score(version.pk) == 0
    project.refresh_from_db()
    assert project.scores_queued_at is not None
    scoring.request_new()
    assert not queued_versions()


def test_asking_for_new_tasks_takes_one_query_however_many_projects():
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            scoring.request_new()
        return len(captured)

    ModelVersionFactory(champion=True, content=artifact())
    few = queries()
    for _ in range(5):
        ModelVersionFactory(champion=True, content=artifact())
    assert queries() == few == 1
