"""View permissions for some models: the admin shows no more of the others than REST."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from registry.models import Outcome
from registry.reports import shown_models
from tests import factories as make
from tests.registry.admin.version_pages import classifier, page_of

pytestmark = pytest.mark.django_db
TEXT = "text 1 Positive"  # of a mistake


def client_with_view_permissions(*models):
    """A client of a user with these view permissions and no others."""
    user = User.objects.create_user("ben", is_staff=True)
    names = [f"view_{model}" for model in models]
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="registry", codename__in=names)
    )
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def version_viewer():
    """May view versions, and nothing else."""
    return client_with_view_permissions("modelversion")


def named(models):
    return [model._meta.model_name for model in models]


def is_answered_by_rest(client, version, route):
    return client.get(f"/api/versions/{version.pk}/{route}/").status_code == 200


def test_mistakes_need_the_permissions_that_rest_requires(client, version, version_viewer):
    assert TEXT in page_of(client, version)
    page = page_of(version_viewer, version)
    assert TEXT not in page
    assert "Mistakes" not in page
    assert not is_answered_by_rest(version_viewer, version, "mistakes")


@pytest.mark.parametrize("missing", named(shown_models.MISTAKES))
def test_mistakes_need_each_of_them(version, missing):
    client = client_with_view_permissions(
        *{"modelversion", *named(shown_models.MISTAKES)} - {missing}
    )
    assert TEXT not in page_of(client, version)


def test_mistakes_need_no_other_permission(version):
    client = client_with_view_permissions("modelversion", *named(shown_models.MISTAKES))
    assert TEXT in page_of(client, version)
    assert is_answered_by_rest(client, version, "mistakes")


def test_exemplars_need_the_permissions_that_rest_requires(client, version_viewer):
    image = make.ImageTaskFactory()
    row = {"task": image.pk, "target": "label", "label": "cat", "score": 0.9}
    version = make.ModelVersionFactory(project=image.project, exemplars=[row])
    assert "Examples of each label" in page_of(client, version)
    page = page_of(version_viewer, version)
    assert "Examples of each label" not in page
    assert f"/api/tasks/{image.pk}/thumbnail/" not in page
    assert not is_answered_by_rest(version_viewer, version, "exemplars")


def test_a_comparison_needs_the_permissions_that_rest_requires(client, version, version_viewer):
    later = classifier(version.project, [("Positive", "Positive", 0.9)])
    page = f"{reverse('admin:registry_modelversion_compare')}?a={version.pk}&b={later.pk}"
    assert client.get(page).status_code == 200
    assert version_viewer.get(page).status_code == 403
    assert (
        version_viewer.get(f"/api/versions/{version.pk}/compare/?with={later.pk}").status_code
        == 403
    )
    address = reverse("admin:registry_modelversion_compare")
    assert f'"{address}' in page_of(client, later)
    assert f'"{address}' not in page_of(version_viewer, later)


def test_an_export_needs_the_permissions_that_rest_requires_and_the_artifact_only_the_versions(
    client, version, version_viewer
):
    def files(one):
        pages = [f"admin:registry_modelversion_{page}" for page in ("download", "export")]
        return [one.get(reverse(page, args=[version.pk])).status_code for page in pages]

    export = reverse("admin:registry_modelversion_export", args=[version.pk])
    assert version_viewer.get(f"/api/versions/{version.pk}/export/").status_code == 403
    download, exported = files(version_viewer)
    assert (download != 403, exported) == (True, 403)
    assert 403 not in files(client)
    assert export in page_of(client, version)
    assert export not in page_of(version_viewer, version)


def test_an_outcome_leaves_out_its_tasks_content_without_the_permission(client, version):
    outcome = Outcome.objects.filter(task__data__text=TEXT).get()
    pages = (
        reverse("admin:registry_outcome_change", args=[outcome.pk]),
        reverse("admin:registry_outcome_changelist"),
    )
    viewer = client_with_view_permissions("modelversion", "outcome")
    for page in pages:
        assert TEXT in client.get(page).content.decode()
        answer = viewer.get(page)
        assert answer.status_code == 200
        assert TEXT not in answer.content.decode()
        assert "Positive" in answer.content.decode()
