"""The summary of each project, and the alerts about it."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.actions import champion, projects
from registry.models import Event, Project
from registry.reports.project_summary import SPARKLINE, alerts, project_summaries, project_summary
from tests.factories import (
    EventFactory,
    ModelVersionFactory,
    OutcomeFactory,
    ProjectFactory,
    TrainingRunFactory,
    WorkerFactory,
    promote,
)

from .records import clusters, labelled_tasks, metric, queries

pytestmark = pytest.mark.django_db


@pytest.fixture
def project():
    return ProjectFactory()


@pytest.fixture
def workers():
    return [WorkerFactory(cluster=cluster) for cluster in ("events", "training")]


def numbers(primary, baseline=0.3, n=40):
    return [
        metric("primary", primary, target="", n=n),
        metric("baseline_macro_f1", baseline, target="a"),
        metric("baseline_macro_f1", baseline + 0.2, target="b"),
    ]


def version(project, primary=0.8, *, champion=False, **more):
    return ModelVersionFactory(project=project, metrics=numbers(primary, **more), champion=champion)


def summary():
    (found,) = project_summaries(Project.objects.all())
    return found


def codes():
    return [a.code for a in alerts(project_summaries(Project.objects.order_by("pk")))]


def test_a_project_without_anything_has_a_summary(project):
    found = summary()
    assert (found.project, found.champion, found.primary, found.series) == (project, None, None, [])
    assert (found.prequential.n, found.last_run, found.events_today) == (0, None, 0)
    assert (found.connection, project.failed_step, found.fell_back) == ("not checked", {}, False)


def test_the_champions_primary_metric_is_shown_beside_its_baseline(project):
    first = version(project, 0.7, champion=True)
    second = version(project, 0.9)
    found = summary()
    assert (found.champion, found.primary, found.primary_n) == (first, 0.7, 40)
    assert found.baseline == pytest.approx(0.4)
    assert found.series == [(first.label, 0.7), (second.label, 0.9)]


def test_the_sparkline_is_of_the_newest_versions(project):
    made = [version(project, i / 100) for i in range(SPARKLINE + 2)]
    assert [label for label, _ in summary().series] == [v.label for v in made[2:]]


def test_another_primary_metric_has_its_own_baseline_and_sparkline(project):
    version(project, 0.9)
    named, ids = [("cats", "cats"), ("dogs", "cats")], labelled_tasks(project, 2)
    grouped = clusters(project, {"cats": 4}, named, ids, champion=True)
    version(project, 0.9)
    found = summary()
    assert (found.metric, found.primary, found.baseline) == ("adjusted_rand", 0.7, 0.0)
    assert found.series == [(grouped.label, 0.7)]


def test_without_a_champion_the_sparkline_is_of_the_newest_versions_primary_metric(project):
    version(project, 0.9)
    grouped = clusters(project, {"cats": 4})
    assert (summary().metric, summary().series) == ("", [(grouped.label, 0.31)])


def test_prequential_accuracy_is_that_of_the_last_days_over_all_versions(project):
    first, second = version(project), version(project)
    for i in range(20):
        OutcomeFactory(
            version=first if i % 2 else second, predicted="Negative" if i < 5 else "Positive"
        )
    OutcomeFactory(version=first, at=timezone.now() - timedelta(days=8))
    OutcomeFactory(version=first, source="shown")
    found = summary().prequential
    assert (found.n, found.correct, found.share) == (20, 15, 0.75)


def test_a_summary_has_the_newest_run_and_todays_events(project):
    TrainingRunFactory(project=project, state="succeeded")
    newest = TrainingRunFactory(project=project, state="failed")
    before = EventFactory(project=project)
    Event.objects.filter(pk=before.pk).update(received_at=timezone.now() - timedelta(days=1))
    EventFactory(project=project)
    found = summary()
    assert (found.last_run, found.events_today) == (newest, 1)
    assert found.last_run.state == "failed"


def test_the_policy_is_the_engines(project):
    found = summary()
    assert (found.changed, found.policy_reason) == (7, "3 more changed labels")


def test_all_is_well_where_nothing_needs_attention(project, workers):
    version(project, champion=True)
    projects.record_connection(project, {"ok": True, "steps": [], "failed": None})
    assert codes() == []


def test_the_alert_of_a_missing_worker_comes_first(project, workers):
    TrainingRunFactory(project=project, state="failed")
    workers[1].delete()
    found = alerts(project_summaries(Project.objects.all()))
    assert [a.code for a in found] == ["no_worker", "run_failed"]
    assert "training" in found[0].message
    assert found[1].cure == "Try again."


def test_a_missing_package_is_an_alert_of_no_project_and_the_last(project, workers):
    TrainingRunFactory(project=project, state="failed")
    Project.objects.update(title="without encoder")

    *_, found = alerts(project_summaries(Project.objects.all()))

    assert (found.code, found.project, found.cure) == ("package_missing", None, "Install it.")


@pytest.mark.parametrize(
    ("step", "code"),
    [("token", "dead_token"), ("webhook", "webhook_missing"), ("reach", "not_reached")],
)
def test_the_step_that_fails_is_named_with_its_cure(project, workers, step, code):
    steps = [{"step": step, "ok": False, "detail": "it failed", "cure": "Repair it."}]
    projects.record_connection(project, {"ok": False, "steps": steps, "failed": step})
    (found,) = alerts(project_summaries(Project.objects.all()))
    assert (found.code, found.cure, found.project) == (code, "Repair it.", project)
    assert "it failed" in found.message


def test_a_fall_back_is_an_alert_until_the_champion_is_moved_again(project, workers):
    first, second = version(project), version(project)
    promote(first)
    promote(second)
    project.refresh_from_db()
    champion.fall_back(
        project, second, actor="serving", error="no such file", loads=lambda version: True
    )
    (found,) = alerts(project_summaries(Project.objects.all()))
    assert found.code == "fell_back"
    assert found.message == f"{second.label} did not load, and {first.label} serves: no such file"
    promote(version(project))
    assert codes() == []


def test_a_champion_worse_than_the_baseline_is_an_alert_if_evaluated_on_enough_tasks(
    project, workers
):
    promote(version(project, 0.3))
    assert codes() == ["worse_than_baseline"]
    promote(version(project, 0.3, n=19))
    assert codes() == []


def test_summaries_are_in_the_order_of_the_projects_and_each_has_its_own_metric():
    made = [ProjectFactory() for _ in range(3)]
    for i, project in enumerate(made):
        version(project, i / 10, champion=True)
    found = project_summaries(Project.objects.order_by("-pk"))
    assert [g.project for g in found] == made[::-1]
    assert [g.primary for g in found] == [0.2, 0.1, 0.0]


def test_the_queries_do_not_grow_with_projects_or_rows(workers):
    def fill(n):
        for _ in range(n):
            project = ProjectFactory()
            for made in (version(project), version(project)):
                OutcomeFactory(version=made)
                EventFactory(project=project)
            promote(made)

    def ask():
        alerts(project_summaries(Project.objects.all()))

    fill(1)
    few = queries(ask)
    fill(6)
    assert queries(ask) == few <= 9


def test_the_summary_of_one_project_is_that_among_many(project):
    promote(version(project, 0.7))
    TrainingRunFactory(project=project, state="failed")
    (among_many,) = project_summaries(Project.objects.all())
    found = project_summary(Project.objects.select_related("champion").get())
    assert found == replace(among_many, series=[])
