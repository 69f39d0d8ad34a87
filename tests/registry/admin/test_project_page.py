"""A project's page: its charts, its newest rows, its settings, and the URL to paste."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from registry.actions import champion, keys, label_renames, scores
from registry.actions.scores import Certainty
from registry.admin.project_page import primary_chart
from registry.models import AccessKey, AuditEntry, Event, Project, Task, TrainingRun
from registry.reports.series import metric_series
from tests import factories as make
from tests.registry.operator.cases import RENAME, with_another_label

pytestmark = pytest.mark.django_db


def page_url(project):
    return reverse("admin:registry_project_change", args=[project.pk])


def connect_url(project):
    return reverse("admin:registry_project_connect", args=[project.pk])


def page_of(client, project, tab=""):
    response = client.get(page_url(project), {"tab": tab} if tab else {})
    assert response.status_code == 200
    return response.content.decode()


def facts_of(client, project):
    """The values of the facts named Not served."""
    facts = client.get(page_url(project)).context["facts"]
    return [fact.value for fact in facts if fact.name == "Not served"]


def login_as(client, group):
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)


def test_the_charts_show_versions_baseline_and_the_champion(client):
    project = make.ProjectFactory()
    make.ModelVersionFactory(project=project, champion=True)
    make.ModelVersionFactory(project=project)
    page = page_of(client, project)
    assert "Primary metric over versions" in page
    assert "v1: 0.800, n = 40, champion" in page
    assert "v2: 0.800, n = 40</title>" in page


def test_accuracy_over_time_is_drawn_with_its_interval(client):
    version = make.ModelVersionFactory(champion=True)
    for _ in range(20):
        make.OutcomeFactory(version=version)
    page = page_of(client, version.project)
    assert "1.000 (0.839 to 1.000), n = 20" in page


def test_the_auto_accept_threshold_is_shown_beside_the_error_budget(client):
    version = make.ModelVersionFactory(champion=True)
    for task in make.TaskFactory.create_batch(150, project=version.project):
        make.OutcomeFactory(version=version, task=task, source="holdout", score=0.9)
    page = page_of(client, version.project, "learning")
    assert "At 0.9 and above: at most 5 % wrong" in page
    assert "Unknown: there are too few new tasks." in page


def test_new_tasks_that_differ_are_beside_the_settings(client):
    version = make.ModelVersionFactory(champion=True)
    old, new = (make.TaskFactory.create_batch(60, project=version.project) for _ in range(2))
    now = timezone.now()
    Task.objects.filter(pk__in=[task.pk for task in old]).update(created_at=now - timedelta(days=5))
    TrainingRun.objects.update(snapshot_at=now - timedelta(days=2))
    for tasks, score in ((old, 0.9), (new, 0.4)):
        scores.save(version, {task.pk: Certainty(score, score, score) for task in tasks})

    with CaptureQueriesContext(connection) as captured:
        assert "New tasks differ. The mean score" in page_of(client, version.project, "learning")
    score_queries = [query for query in captured if 'FROM "registry_taskscore"' in query["sql"]]
    assert len(score_queries) == 2, "drift and auto-accept have one each"


def test_a_project_without_a_version_says_so(client):
    page = page_of(client, make.ProjectFactory())
    assert "No version has been evaluated yet." in page
    assert "Too few labels" in page


def test_the_newest_rows_are_listed_with_links_to_the_others(client):
    project = make.ProjectFactory()
    version = make.ModelVersionFactory(project=project, champion=True)
    make.TrainingRunFactory(project=project, state="failed")
    for _ in range(7):
        make.EventFactory(project=project)
    page = page_of(client, project)
    for title in ("Versions", "Runs", "Events", "Audit entries"):
        assert f'aria-label="The newest {title.lower()}"' in page
    assert version.label in page
    assert "It failed." in page
    assert page.count("ANNOTATION_CREATED") == 5
    assert f"/admin/registry/event/?project__id__exact={project.pk}" in page


def add_scored_tasks(version, *values, **task):
    """A task of the project for each of the version's scores."""
    tasks = make.TaskFactory.create_batch(len(values), project=version.project, **task)
    found = {t.pk: s and Certainty(s, s, s) for t, s in zip(tasks, values, strict=True)}
    scores.save(version, found)
    return tasks


def test_the_ten_tasks_to_label_next_lead_to_label_studio(client):
    version = make.ModelVersionFactory(champion=True)
    tasks = add_scored_tasks(version, *(0.5 + i / 100 for i in range(12)), None)
    page = client.get(page_url(version.project))
    rows = page.context["label_next"]["rows"]
    assert [row["task"] for row in rows] == [t.labelstudio_id for t in tasks[:10]]
    assert [row["score"] for row in rows[:2]] == ["50%", "51%"]
    assert [row["margin"] for row in rows[:2]] == ["50%", "51%"]
    content = page.content.decode()
    assert tasks[0].data["text"] in content
    assert f'href="{version.project.hostname}/tasks/{tasks[0].labelstudio_id}"' in content
    assert "address is unknown" not in content
    Project.objects.update(hostname="")
    assert page_of(client, version.project).count("address is unknown") == 1


def test_where_nothing_is_to_be_labelled_next_the_page_says_why(client):
    project = make.ProjectFactory()
    assert "None until a version serves" in page_of(client, project)
    version = make.ModelVersionFactory(project=project, champion=True)
    scores.request(project)
    assert f"None yet: {version.label} is scoring" in page_of(client, project)
    scores.finish(version)
    add_scored_tasks(version, None)
    assert f"None: {version.label} has scored no task" in page_of(client, project)


def test_without_permission_to_view_tasks_no_task_to_label_is_listed(client):
    version = make.ModelVersionFactory(champion=True)
    (task,) = add_scored_tasks(version, 0.5)
    reader = User.objects.create_user("rita", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_project"))
    client.force_login(reader)
    page = page_of(client, version.project)
    assert "Label next" not in page
    assert task.data["text"] not in page


def test_hostile_rows_are_escaped(client):
    script = "<script>alert(1)</script>"
    project = make.ProjectFactory(title=script)
    version = make.ModelVersionFactory(project=project)
    make.promote(version, reason=script)
    add_scored_tasks(version, 0.5, data={"text": script})
    event = make.EventFactory(project=project, action=script)
    Event.objects.filter(pk=event.pk).update(outcome=script)
    assert "<script>alert(1)" not in page_of(client, project)
    connect = client.get(connect_url(project)).content.decode()
    assert "<script>alert(1)" not in connect


def test_more_history_takes_no_more_queries(client):
    project = make.ProjectFactory()
    for _ in range(2):  # so that there is one to roll back to
        make.ModelVersionFactory(project=project, champion=True)
    make.EventFactory(project=project)
    add_scored_tasks(project.versions.get(number=2), 0.5)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            page_of(client, project)
        return len(captured)

    page_of(client, project)
    before = queries()
    assert before <= 20
    for _ in range(8):
        version = make.ModelVersionFactory(project=project, champion=True)
        make.OutcomeFactory(version=version)
        make.EventFactory(project=project)
    add_scored_tasks(version, 0.5, 0.6, 0.7)
    assert queries() <= before


def test_the_page_takes_few_queries_where_the_champion_fell_back_and_a_run_failed(client):
    login_as(client, "admin")  # a superuser's permissions cost no query
    project = make.ProjectFactory()
    make.ModelVersionFactory(project=project, champion=True)
    lost = make.ModelVersionFactory(project=project, champion=True)
    champion.fall_back(project, lost, actor="serving", error="gone", loads=lambda version: True)
    make.TrainingRunFactory(project=project, state="failed")
    add_scored_tasks(project.versions.get(number=1), 0.5)
    page_of(client, project)
    with CaptureQueriesContext(connection) as captured:
        page = page_of(client, project)
    assert "fallen back to" in page
    assert "Label next" in page
    assert len(captured) <= 20


def test_the_settings_are_fields_with_their_defaults(client):
    page = page_of(client, make.ProjectFactory(policy={"first_labels": 33}), "learning")
    assert 'name="first_labels" value="33"' in page
    assert "Default: 20." in page
    assert "Default: auto." in page


def test_the_page_has_its_parts_in_tabs_and_a_save_bar_only_where_there_is_a_form(client):
    project = make.ProjectFactory(title="Reviews")
    parts = {"overview": "Label next", "learning": "Train by itself", "labelstudio": "Label config"}
    for tab in parts:
        page = page_of(client, project, tab)
        assert [name for name in parts if parts[name] in page] == [tab]
        assert page.count('aria-current="page"') == 1
        assert ('name="_save"' in page) == (tab == "learning")
    assert parts["overview"] in page_of(client, project, "nonsense")
    login_as(client, "viewer")
    assert 'name="_save"' not in page_of(client, project, "learning")


def test_a_user_who_may_not_configure_reads_the_policy_in_words(client):
    login_as(client, "viewer")
    page = page_of(client, make.ProjectFactory(), "learning")
    assert "First run at 20 usable labels" in page
    assert 'name="first_labels"' not in page


def test_a_viewer_is_offered_no_action(client):
    login_as(client, "viewer")
    page = page_of(client, make.ModelVersionFactory(champion=True).project)
    for action in ("Train now", "Check connection", "Roll back", "Set credentials"):
        assert action not in page


def test_a_lead_is_offered_training_and_the_check(client):
    login_as(client, "lead")
    page = page_of(client, make.ModelVersionFactory(champion=True).project)
    assert "Train now" in page
    assert "Check connection" in page
    assert "Set credentials" not in page


def test_the_url_to_paste_appears_once_with_a_key_of_the_project(client):
    project = make.ProjectFactory(title="Reviews")
    response = client.post(connect_url(project), {"name": "team"})
    key = AccessKey.objects.get()
    url = response.context["url"]
    assert url.startswith("http://testserver/k/")
    assert url in response.content.decode()
    assert key.digest == keys.digest(url.rsplit("/", 1)[1])
    assert (key.name, key.project) == ("team", project)
    assert "no-store" in response.headers["Cache-Control"]
    assert AuditEntry.objects.get(verb="new_key").actor == "ada"
    again = client.get(connect_url(project)).content.decode()
    assert url not in again
    assert "team" in again


def test_the_url_to_paste_is_the_public_one_if_it_is_set(client, settings):
    settings.PUBLIC_URL = "https://models.example.org"
    response = client.post(connect_url(make.ProjectFactory()))
    assert response.context["url"].startswith("https://models.example.org/k/")


@pytest.mark.parametrize("group", ["viewer", "lead"])
def test_a_user_who_may_not_create_keys_is_offered_none_and_gets_none(client, group):
    project = make.ProjectFactory()
    make.AccessKeyFactory(project=project, name="of the team")
    login_as(client, group)
    page = client.get(connect_url(project)).content.decode()
    assert "Create the URL" not in page
    assert "of the team" not in page
    assert client.post(connect_url(project)).status_code == 403
    assert AccessKey.objects.count() == 1


def test_the_page_of_the_url_asks_for_a_login(client):
    client.logout()
    assert client.post(connect_url(make.ProjectFactory())).status_code == 302
    assert not AccessKey.objects.exists()


def test_no_project_has_no_url(client):
    url = reverse("admin:registry_project_connect", args=[999_999])
    assert client.post(url).status_code == 404


def test_the_chart_of_an_error_says_which_way_is_better():
    project = make.ProjectFactory()
    errors = [{"name": "primary", "value": 3.5, "n": 40}]
    make.ModelVersionFactory(project=project, metrics=errors, primary_metric="mae")
    chart = primary_chart(project, metric_series(project, "primary"))
    assert "MAE (lower is better)" in chart


def test_a_label_that_may_have_been_renamed_is_offered_and_then_named(client):
    project = with_another_label()
    offered = page_of(client, project)
    label_renames.rename(project, RENAME, actor="ada")
    confirmed = page_of(client, project)
    assert "A label renamed?" in offered
    assert "label: Negative -&gt; Bad" in offered
    assert "A label renamed?" not in confirmed
    assert "Renamed labels" in confirmed
    assert "Renamed labels" not in page_of(client, make.ProjectFactory())


def test_controls_that_are_not_served_are_named_with_their_reasons(client):
    one = make.ProjectFactory(label_config='<View><Unserved name="n<ote"/></View>')
    page = page_of(client, one)
    assert "n&lt;ote" in page
    assert "This cannot be served" in page
    many = "".join(f'<Unserved name="note {n}"/>' for n in range(14))
    facts = facts_of(client, make.ProjectFactory(label_config=f"<View>{many}</View>"))
    assert facts == [*(f"note {n}" for n in range(10)), "4 more"]
    assert facts_of(client, make.ProjectFactory()) == []
