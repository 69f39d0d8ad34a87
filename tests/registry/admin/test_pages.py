"""Every model's list and page as a browser gets them, and what no page changes."""

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission, User
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import (
    AuditEntry,
    ConvertedArtifact,
    Event,
    Exemplar,
    Feature,
    PickedTask,
    TaskScore,
    Tombstone,
)
from tests import factories as make

pytestmark = pytest.mark.django_db

# What is read on the pages of others: how sure a champion is of a task in the order of what to
# label next, what was picked of it, exemplars with their version, features with the similar tasks.
# Nobody looks at the ids of what is deleted, or at the file that a version is loaded from.
UNLISTED = {TaskScore, PickedTask, Exemplar, Feature, Tombstone, ConvertedArtifact}
MODELS = [
    model._meta.model_name
    for model in apps.get_app_config("registry").get_models()
    if model not in UNLISTED
]
MOST_QUERIES = 20


def list_url(name):
    return reverse(f"admin:registry_{name}_changelist")


def page_url(name, obj):
    return reverse(f"admin:registry_{name}_change", args=[obj.pk])


def queries_of(client, url):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(url)
    assert response.status_code == 200, url
    return len(captured), response.content.decode()


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_a_list(client, rows, name):
    queries, _ = queries_of(client, list_url(name))
    assert queries <= MOST_QUERIES


@pytest.mark.parametrize("name", MODELS)
def test_every_row_has_a_page_that_runs_no_query_twice(client, rows, name):
    for obj in rows[name]:
        with CaptureQueriesContext(connection) as captured:
            queries, _ = queries_of(client, page_url(name, obj))
        assert queries <= MOST_QUERIES
        assert len({query["sql"] for query in captured}) == queries


@pytest.mark.parametrize("name", MODELS)
def test_every_list_can_be_searched(client, rows, name):
    queries_of(client, list_url(name) + "?q=1")


@pytest.mark.parametrize("name", MODELS)
def test_nothing_can_be_deleted(client, rows, name):
    obj = rows[name][0]
    assert client.post(page_url(name, obj).replace("change", "delete")).status_code == 403
    client.post(
        list_url(name), {"action": "delete_selected", "_selected_action": obj.pk, "post": "yes"}
    )
    assert type(obj).objects.filter(pk=obj.pk).exists()


def test_a_longer_list_takes_no_more_queries(client, rows):
    lists = ("modelversion", "trainingrun", "event", "outcome", "auditentry", "project")
    before = {name: queries_of(client, list_url(name))[0] for name in lists}
    for _ in range(10):
        version = make.ModelVersionFactory()
        make.OutcomeFactory(version=version)
        make.EventFactory()
    for name in lists:
        queries, _ = queries_of(client, list_url(name))
        assert queries <= before[name] + 1, name


@pytest.mark.parametrize(
    "query",
    [
        "modelversion/?state=champion",
        "modelversion/?state=load_failed",
        "trainingrun/?state__exact=failed",
        "event/?status__exact=received",
        "auditentry/?verb=promote",
        "task/?deleted_at__isempty=1",
    ],
)
def test_lists_are_filtered(client, rows, query):
    assert client.get(f"/admin/registry/{query}").status_code == 200


def test_projects_are_filtered_by_one_of_their_pipelines(client):
    both = make.ProjectFactory(title="Both", pipeline="image_clusters, text_classification")
    make.ProjectFactory(title="Texts")
    make.ProjectFactory(title="Nothing", pipeline="")

    def titles(pipeline):
        page = client.get("/admin/registry/project/", {"pipeline": pipeline}).content.decode()
        return {title for title in ("Both", "Texts", "Nothing") if f">{title} <small" in page}

    assert titles("text_classification") == {"Both", "Texts"}
    assert titles("image_clusters") == {"Both"}
    assert titles("none") == {"Nothing"}
    page = client.get("/admin/registry/project/").content.decode()
    assert "?pipeline=image_clusters" in page
    assert both.pipeline in page


def test_the_lists_of_a_project_hold_only_its_own_rows(client, rows):
    other = make.ModelVersionFactory(project=rows["project"][1])
    project = rows["project"][0]
    _, page = queries_of(client, f"{list_url('modelversion')}?project__id__exact={project.pk}")
    assert rows["modelversion"][0].label in page
    assert other.label not in page


def test_a_payload_is_indented_and_escaped(client, rows):
    _, page = queries_of(client, page_url("event", rows["event"][0]))
    assert "&quot;note&quot;: &quot;&lt;b&gt;&quot;" in page
    assert "<b>&quot;" not in page


def test_a_hostile_label_config_and_title_are_escaped(client):
    project = make.ProjectFactory(title="<script>alert(1)</script>", label_config="<View>&x;")
    for url in (list_url("project"), page_url("project", project)):
        _, page = queries_of(client, url)
        assert "<script>alert(1)" not in page


def test_a_stored_secret_is_on_no_page(client):
    project = make.ProjectFactory(
        setup_token="setup-secret", labelstudio_url="http://ls", labelstudio_key="key-secret"
    )
    for url in (list_url("project"), page_url("project", project)):
        _, page = queries_of(client, url)
        assert "setup-secret" not in page
        assert "key-secret" not in page
        assert "gAAAA" not in page  # not as a Fernet token either


def test_a_user_who_is_not_staff_sees_nothing(client, rows):
    client.force_login(User.objects.create_user("eve"))
    for name in MODELS:
        assert client.get(list_url(name)).status_code == 302


def test_the_home_page_opens(client, rows):
    queries, page = queries_of(client, "/admin/")
    assert "evals-backend" in page
    assert queries <= MOST_QUERIES


def test_the_sidebar_offers_what_the_user_may_look_at(client, rows):
    _, page = queries_of(client, "/admin/")
    for link in ("registry/project/", "registry/worker/", "auth/user/", "django_q/ormq/"):
        assert f'href="/admin/{link}"' in page
    reader = User.objects.create_user("rita", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_project"))
    client.force_login(reader)
    _, page = queries_of(client, "/admin/registry/project/")
    assert 'href="/admin/registry/project/"' in page
    assert "registry/worker/" not in page


def test_a_login_leads_to_the_admin(client):
    User.objects.create_user("ben", password="pw", is_staff=True)
    client.logout()
    response = client.post("/admin/login/", {"username": "ben", "password": "pw"})
    assert response.url == "/admin/"


def test_a_run_leads_to_the_version_that_it_made(client, rows):
    version = rows["modelversion"][0]
    for url in (list_url("trainingrun"), page_url("trainingrun", version.run)):
        _, page = queries_of(client, url)
        assert f'href="{page_url("modelversion", version)}"' in page


def test_a_version_is_shown_beside_later_human_labels_with_n_and_never_below_twenty(client):
    version = make.ModelVersionFactory()
    make.OutcomeFactory.create_batch(19, version=version)
    make.OutcomeFactory(version=version, source="shown", predicted="Negative")
    _, page = queries_of(client, page_url("modelversion", version))
    assert "label: too few to tell (n = 19)" in page
    assert "label: too few to tell (n = 1)" in page
    make.OutcomeFactory(version=version, predicted="Negative")
    _, page = queries_of(client, page_url("modelversion", version))
    assert "label: 0.950 (0.764 to 0.991, n = 20)" in page


@pytest.mark.parametrize("name", ["auditentry", "event", "outcome", "metric", "modelversion"])
def test_the_record_is_neither_added_to_nor_changed(client, rows, name):
    obj = rows[name][0]
    before = dict(vars(type(obj).objects.get(pk=obj.pk)), _state=None)
    assert client.get(reverse(f"admin:registry_{name}_add")).status_code == 403
    assert client.post(reverse(f"admin:registry_{name}_add"), {"verb": "x"}).status_code == 403
    url = reverse(f"admin:registry_{name}_change", args=[obj.pk])
    fields = {"reason": "another", "verb": "x", "status": "failed", "value": 1, "note": "n"}
    assert client.post(url, fields).status_code == 403
    assert dict(vars(type(obj).objects.get(pk=obj.pk)), _state=None) == before
    assert 'name="_save"' not in client.get(url).content.decode()


def test_an_audit_entry_is_not_changed_behind_the_admin_either(rows):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=rows["auditentry"][0].pk).update(reason="another")


def test_an_event_has_its_payload_and_its_outcome(client):
    project = make.ProjectFactory(title="Sentiment")
    run = make.TrainingRunFactory(project=project)
    event = make.EventFactory(project=project, payload={"annotation": {"id": 7}, "<b>": "<i>"})
    Event.objects.filter(pk=event.pk).update(status="queued_run", outcome="Run queued.", run=run)
    page = client.get(reverse("admin:registry_event_change", args=[event.pk])).content.decode()
    for text in ("Run queued.", "ANNOTATION_CREATED", "Sentiment", "&quot;id&quot;: 7"):
        assert text in page
    assert reverse("admin:registry_trainingrun_change", args=[run.pk]) in page
    assert "<i>" not in page
