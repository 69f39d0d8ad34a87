"""The page of the labels that look wrong."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from tests import factories as make

pytestmark = pytest.mark.django_db


def contradicted(version, human, times):
    """Tasks with that label for which the version had predicted Negative."""
    for _ in range(times):
        make.OutcomeFactory(
            version=version,
            task=make.TaskFactory(project=version.project, labelled=human),
            predicted="Negative",
            predicted_classes=["Negative"],
            human=human,
        )


def page_of(client, project, query=""):
    url = reverse("admin:registry_project_suspect_labels", args=[project.pk])
    response = client.get(f"{url}{query}")
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_lists_them_with_links_to_label_studio_fifty_at_a_time(client):
    client.force_login(User.objects.create_superuser("root"))
    version = make.ModelVersionFactory(champion=True)
    contradicted(version, "Negative", 5)
    contradicted(version, "Positive", 51)
    page = page_of(client, version.project)
    assert "1 to 50 of 51" in page
    assert page.count(" in Label Studio") >= 50
    assert 'href="?from=50"' in page and "90% <" in page
    assert "No label that looked wrong has been changed yet." in page
    assert "51 to 51 of 51" in page_of(client, version.project, "?from=50")
    assert "There are only 51." in page_of(client, version.project, "?from=100")


def test_the_project_leads_to_it_and_it_says_why_it_is_empty(client):
    client.force_login(User.objects.create_superuser("root"))
    project = make.ProjectFactory()
    url = reverse("admin:registry_project_suspect_labels", args=[project.pk])
    overview = client.get(reverse("admin:registry_project_change", args=[project.pk]))
    assert f'href="{url}"' in overview.content.decode()
    assert "None until a version serves" in page_of(client, project, "?from=x")
    unknown = reverse("admin:registry_project_suspect_labels", args=["x"])
    assert client.get(unknown).status_code == 404


def test_what_is_left_out_leads_to_the_mistakes_of_the_champion(client):
    client.force_login(User.objects.create_superuser("root"))
    boxes = {**make.TARGET, "name": "things", "kind": "boxes", "object_tag": "Image"}
    version = make.ModelVersionFactory(targets=[boxes], champion=True)
    page = page_of(client, version.project)
    assert "Left out: things." in page
    assert f'href="/admin/registry/modelversion/{version.pk}/change/?target=things#target"' in page


def test_a_user_who_may_not_view_tasks_does_not_see_them_there(client):
    user = User.objects.create_user("pat", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_project"))
    client.force_login(user)
    url = reverse("admin:registry_project_suspect_labels", args=[make.ProjectFactory().pk])
    assert client.get(url).status_code == 403
