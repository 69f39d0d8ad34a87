"""The page of many versions in one table, and the tags by which versions are found."""

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from registry.actions import versions
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def logged_in(client):
    client.force_login(User.objects.create_superuser("root"))


def page_of(client, project, **query):
    url = reverse("admin:registry_modelversion_compare_many")
    response = client.get(url, {"project": project.pk, **query})
    assert response.status_code == 200
    return response


def rows_of(response):
    return [row["link"].split(">")[1].split("<")[0] for row in response.context["rows"]]


def test_the_selected_versions_are_listed_with_the_chosen_metrics(client):
    project = make.ProjectFactory()
    first, second, third = (make.ModelVersionFactory(project=project) for _ in range(3))
    versions.tag(third, ["short texts"], actor="ada")
    shown = page_of(client, project, v=[first.pk, third.pk], metric=["macro_f1 of label"])
    assert rows_of(shown) == [third.label, first.label]
    assert [column["name"] for column in shown.context["columns"]] == ["Macro F1 of label"]
    page = shown.content.decode()
    assert page.count(" checked>") == 3
    assert "short texts" in page and "words+characters" in page
    assert second.label in page  # to be ticked


def test_before_any_is_ticked_the_newest_five_are_and_all_metrics(client):
    project = make.ProjectFactory()
    made = [make.ModelVersionFactory(project=project) for _ in range(6)]
    make.ModelVersionFactory()
    shown = page_of(client, project)
    assert rows_of(shown) == [version.label for version in made[:0:-1]]
    assert len(shown.context["columns"]) == len(shown.context["metrics"]) > 1


def test_a_version_of_another_project_is_not_shown(client):
    other = make.ModelVersionFactory()
    assert rows_of(page_of(client, make.ModelVersionFactory().project, v=[other.pk])) == []


def test_a_project_without_versions_and_an_unknown_one(client):
    assert "the first training makes one" in page_of(client, make.ProjectFactory()).content.decode()
    url = reverse("admin:registry_modelversion_compare_many")
    for query in ("", "?project=x", "?project=999999"):
        assert client.get(f"{url}{query}").status_code == 404


def test_versions_are_found_by_tag(client):
    tagged, other = make.ModelVersionFactory(), make.ModelVersionFactory()
    versions.tag(tagged, ["emoji", "emoji", "a b"], actor="ada")
    page = client.get(reverse("admin:registry_modelversion_changelist"), {"q": "emoji"})
    assert [version.label for version in page.context["cl"].result_list] == [tagged.label]
    assert "a b, emoji" in page.content.decode()
    own = client.get(reverse("admin:registry_modelversion_change", args=[tagged.pk]))
    assert "a b, emoji" in own.content.decode()
    assert other.tags == []


def test_the_comparison_of_two_is_linked_for_who_may_view_it(client):
    project = make.ModelVersionFactory().project
    comparison = reverse("admin:registry_modelversion_compare")
    assert f'href="{comparison}?' in page_of(client, project).content.decode()
    few = User.objects.create_user("few", is_staff=True)
    of_these = ["view_project", "view_modelversion", "view_metric"]
    few.user_permissions.set(Permission.objects.filter(codename__in=of_these))
    client.force_login(few)
    assert client.get(comparison).status_code == 403
    assert comparison not in page_of(client, project).content.decode()
