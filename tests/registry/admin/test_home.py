"""The admin's home: what needs attention first, then every project at a glance."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.actions import runs
from registry.models import AuditEntry, Project, TrainingRun
from tests import factories as make

pytestmark = pytest.mark.django_db


def home(client, query=""):
    response = client.get(f"/admin/{query}")
    assert response.status_code == 200
    return response


def metrics(primary, baseline):
    return [
        {"target": "", "name": "primary", "split": "holdout", "value": primary, "n": 40},
        {
            "target": "label",
            "name": "baseline_macro_f1",
            "split": "holdout",
            "value": baseline,
            "n": 40,
        },
    ]


@pytest.fixture
def workers(db):
    for cluster in ("events", "training"):
        make.WorkerFactory(cluster=cluster)


def test_a_metric_of_few_tasks_is_marked(client, workers):
    few = [{"name": "primary", "value": 1.0, "n": 13}]
    make.ModelVersionFactory(metrics=few, primary_interval=[0.772, 1.0], champion=True)
    assert "0.772 to 1.000, n = 13, few tasks" in home(client).content.decode()


def test_a_project_is_summed_up_on_one_row(client, workers):
    project = make.ProjectFactory(title="Reviews", connection={"ok": True})
    for primary in (0.6, 0.7):
        version = make.ModelVersionFactory(
            project=project,
            metrics=metrics(primary, 0.4),
            primary_interval=[0.655, 0.874],
            champion=True,
        )
    for _ in range(20):
        make.OutcomeFactory(version=version)
    make.EventFactory(project=project)
    page = home(client).content.decode()
    assert "Reviews" in page
    assert version.label in page
    assert "0.700" in page
    assert "baseline 0.400, 0.655 to 0.874, n = 40" in page
    assert "Primary metric (macro F1) of the last 2 versions: 0.60, 0.70; baseline 0.40" in page
    assert "84% to 100%, n\xa0=\xa020" in page
    assert "Succeeded" in page
    assert "reached" in page
    assert "Nothing." in page


def test_accuracy_of_too_few_outcomes_is_left_out(client, workers):
    version = make.ModelVersionFactory(champion=True)
    for _ in range(19):
        make.OutcomeFactory(version=version)
    page = home(client).content.decode()
    assert "too few" in page
    assert "19 of 20 outcomes" in page


def gone_project(**fields):
    """A project that its Label Studio does not have any more."""
    step = {"step": "project", "ok": False, "code": "labelstudio_not_found", "detail": "404"}
    report = {"ok": False, "failed": "project", "steps": [step]}
    return make.ProjectFactory(connection=report, **fields)


def test_projects_that_need_attention_come_first_and_the_newest_activity_next(client, workers):
    failed = make.TrainingRunFactory(state="failed").project
    worse = make.ModelVersionFactory(metrics=metrics(0.3, 0.5), champion=True).project
    quiet = make.ProjectFactory(connection={"ok": True})
    for days, project in enumerate((worse, failed, quiet)):
        at = timezone.now() - timedelta(days=days)
        Project.objects.filter(pk=project.pk).update(updated_at=at)
    TrainingRun.objects.filter(project=failed).update(created_at=at)
    labelled_at = timezone.now() + timedelta(minutes=1)
    Project.objects.filter(pk=quiet.pk).update(labels_changed_at=labelled_at)
    response = home(client)
    projects = [row.summary.project for row in response.context["rows"]]
    assert projects == [quiet, worse, failed]
    page = response.content.decode()
    assert page.index("Needs attention (2)") < page.index("Projects (3)")
    assert "It failed." in page
    assert "Try again." in page
    assert "is worse than the baseline: macro F1 0.300 against 0.500" in page


def test_alerts_of_one_cause_are_one(client, workers):
    step = {"step": "reach", "ok": False, "detail": "http://ls does not answer"}
    report = {"ok": False, "failed": "reach", "steps": [step]}
    for n in range(7):
        make.ProjectFactory(title=f"Shop {n}", connection=report)
    gone_project(title="Old one")
    gone_project(title="Old two")
    response = home(client)
    assert [item.message for item in response.context["alerts"]] == [
        "Label Studio, reach: http://ls does not answer",
        "Label Studio does not have it any more.",
    ]
    assert "and 2 more" in response.content.decode()


def test_a_run_that_failed_by_the_connection_is_no_alert_of_its_own(client, workers):
    project = gone_project(title="Old one")
    run = make.TrainingRunFactory(project=project, state="running")
    runs.fail(run, "labelstudio_not_found", "Label Studio could not be read.")
    assert [item.icon for item in home(client).context["alerts"]] == ["delete"]


def test_all_that_are_gone_are_archived_for_one_reason(client, workers):
    active = make.ProjectFactory(title="Going on")
    archived = [gone_project(title="Old one"), gone_project(title="Old two")]
    assert "Archive all that are gone" in home(client).content.decode()
    url = "/admin/registry/project/archive-gone/"
    page = client.get(url).content.decode()
    assert "Old one" in page
    assert "Going on" not in page
    answer = client.post(url, {"reason": "The pilot is over."}, follow=True)
    assert "2 projects archived." in answer.content.decode()
    assert [row.summary.project for row in answer.context["rows"]] == [active]
    assert "Archived (2)" in answer.content.decode()
    assert answer.context["alerts"] == []
    entries = AuditEntry.objects.filter(verb="archive_project", reason="The pilot is over.")
    assert {entry.project for entry in entries} == set(archived)


def test_a_user_who_may_not_archive_is_not_offered_it(client, workers):
    gone_project(title="Old one")
    vera = User.objects.create_user("vera", is_staff=True)
    vera.groups.add(Group.objects.get(name="viewer"))
    client.force_login(vera)
    assert "Archive all" not in home(client).content.decode()
    assert client.get("/admin/registry/project/archive-gone/").status_code == 403


def test_a_project_goes_by_its_title_and_its_place_and_never_by_its_uid(client, workers):
    titled = make.ProjectFactory(uid="24.111", title="Reviews", hostname="http://ls.example:8080")
    untitled = make.ProjectFactory(uid="25.222", title="", hostname="")
    for url in ("/admin/", "/admin/registry/project/"):
        page = client.get(url).content.decode()
        assert "Reviews" in page
        assert "#24 on ls.example:8080" in page
        assert "Project #25" in page
        assert titled.uid not in page
        assert untitled.uid not in page
    assert 'href="http://ls.example:8080/projects/24"' in home(client).content.decode()


def test_a_host_that_is_no_web_address_is_no_link(client, workers):
    make.ProjectFactory(hostname="javascript://x")
    assert 'href="javascript' not in home(client).content.decode()


def test_an_item_leads_to_what_it_is_about(client, workers):
    run = make.TrainingRunFactory(state="failed")
    assert home(client).context["alerts"][0].href == (
        f"/admin/registry/trainingrun/{run.pk}/change/"
    )


def test_a_missing_worker_is_an_alert(client):
    make.WorkerFactory(cluster="events", heartbeat_at=timezone.now() - timedelta(hours=1))
    assert "No worker of the events cluster" in home(client).content.decode()


def test_hostile_titles_errors_and_hosts_are_escaped(client, workers):
    script = "<script>alert(1)</script>"
    project = make.ProjectFactory(
        title=script,
        pipeline="",
        unserved_reason=script,
        connection={
            "ok": False,
            "failed": "reach",
            "steps": [{"step": "reach", "ok": False, "detail": script, "cure": script}],
        },
    )
    run = make.TrainingRunFactory(project=project, state="failed")
    TrainingRun.objects.filter(pk=run.pk).update(error=script, hint=script)
    page = home(client).content.decode()
    assert "<script>alert(1)" not in page
    assert page.count("&lt;script&gt;alert(1)") >= 5


def test_many_projects_take_few_queries_and_are_paginated(client, workers):
    def queries(path):
        with CaptureQueriesContext(connection) as captured:
            response = home(client, path)
        return len(captured), response

    for _ in range(3):
        make.ModelVersionFactory(champion=True)
    few, _ = queries("")
    for _ in range(60):
        project = make.ProjectFactory()
        make.EventFactory(project=project)
    make.ModelVersionFactory(project=project, champion=True)
    many, first = queries("")
    assert many <= few
    assert many <= 20
    assert len(first.context["rows"]) == 50
    _, second = queries("?page=2")
    assert len(second.context["rows"]) == 13
    assert home(client, "?page=nine").context["page"].number == 1


def test_without_a_project_the_page_has_the_first_steps(client, workers):
    assert "paste the URL" in home(client).content.decode()


def test_a_user_who_may_not_view_projects_sees_none(client, rows):
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    page = home(client).content.decode()
    assert "Sentiment" not in page
    assert "You may not view projects" in page


def test_a_viewer_sees_the_projects(client, rows):
    vera = User.objects.create_user("vera", is_staff=True)
    vera.groups.add(Group.objects.get(name="viewer"))
    client.force_login(vera)
    assert "Sentiment" in home(client).content.decode()


def test_every_page_names_an_icon_that_is_served(client):
    for url in ("/admin/", "/admin/login/"):
        assert 'href="/static/registry/favicon.svg"' in client.get(url).content.decode()
        client.logout()
