"""The page of how annotators agree."""

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from registry.models import Task
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_the_page_has_each_annotator_with_shares_from_twenty_on(client):
    client.force_login(User.objects.create_superuser("root"))
    version = make.ModelVersionFactory(champion=True)
    for n in range(20):
        task = make.TaskFactory(project=version.project, labelled="Positive")
        second = task.annotations[0] | {"id": n + 1, "completed_by": 7}
        Task.objects.filter(pk=task.pk).update(annotations=[*task.annotations, second])
    page = page_of(client, version.project)
    assert "20 tasks with labels of two or more annotators" in page
    assert "100% (84% to 100%), n = 20" in page
    assert f"As {version.label} predicts" in page
    overview = client.get(reverse("admin:registry_project_change", args=[version.project_id]))
    assert f'href="{url_of(version.project.pk)}"' in overview.content.decode()


def test_a_project_without_labels_says_what_will_fill_it(client):
    client.force_login(User.objects.create_superuser("root"))
    assert "as soon as people label" in page_of(client, make.ProjectFactory())
    assert client.get(url_of("x")).status_code == 404


def url_of(pk):
    return reverse("admin:registry_project_annotators", args=[pk])


def page_of(client, project):
    response = client.get(url_of(project.pk))
    assert response.status_code == 200
    return response.content.decode()
