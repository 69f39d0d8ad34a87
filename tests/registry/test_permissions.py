"""The groups that a migration makes, what they may do, and what is offered to them."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User
from django.urls import reverse

from registry import permissions
from registry.actions import versions
from registry.actions.operator import actions
from registry.permissions import GROUPS
from tests import factories as make

pytestmark = pytest.mark.django_db


def member(group):
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.mark.parametrize("name", GROUPS)
def test_the_migrations_grant_each_group_its_permissions(name):
    assert member(name).get_all_permissions() == GROUPS[name]


def test_a_group_may_do_what_the_one_before_it_may():
    viewer, lead, admin = GROUPS.values()
    assert viewer < lead < admin


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("viewer", set()),
        (
            "lead",
            {"train", "cancel", "retry", "promote", "roll_back", "archive", "unarchive", "note"}
            | {"tags"}
            | {"clear_load_failure", "check_connection", "archive_project", "unarchive_project"}
            | {"label_next_tab"},
        ),
        ("admin", {action.name for action in actions()}),
    ],
)
def test_each_group_is_allowed_its_actions_and_no_other(group, names):
    user = member(group)
    assert {action.name for action in actions() if action.allowed(user)} == names


def test_nobody_is_allowed_nothing():
    assert not any(action.allowed(AnonymousUser()) for action in actions())


def test_no_group_can_run_code_of_its_own_through_the_schedules():
    granted = set().union(*GROUPS.values())
    assert not {p for p in granted if p.startswith("django_q.") and ".view_" not in p}


def test_granting_again_takes_away_nothing_that_someone_gave():
    from django.apps import apps

    group = Group.objects.get(name="viewer")
    permission = Permission.objects.get(codename="note_modelversion")
    group.permissions.add(permission)
    permissions.grant(apps)
    assert group.permissions.filter(pk=permission.pk).exists()


def test_granting_leaves_the_apps_their_models():
    from django.apps import apps

    before = {config.label: config.models_module for config in apps.get_app_configs()}
    permissions.grant(apps)
    assert {c.label: c.models_module for c in apps.get_app_configs()} == before


def offered(client, shown):
    """The names of the actions whose buttons the object's page has."""
    meta = shown._meta
    page = client.get(reverse(f"admin:registry_{meta.model_name}_change", args=[shown.pk]))
    assert page.status_code == 200
    items = []
    for item in page.context["actions_detail"]:
        items += item.get("items", [item])
    return {item["path"].strip("/").rsplit("/", 1)[1] for item in items}


@pytest.fixture
def lead(client):
    client.force_login(member("lead"))
    return client


def test_a_viewer_is_offered_nothing(client):
    client.force_login(member("viewer"))
    version = make.ModelVersionFactory()
    for shown in (version, version.project, version.run):
        assert offered(client, shown) == set()


def test_the_actions_offered_for_a_run_depend_on_its_state(lead):
    assert offered(lead, make.TrainingRunFactory(state="succeeded")) == set()
    assert offered(lead, make.TrainingRunFactory(state="failed")) == {"retry"}
    assert offered(lead, make.TrainingRunFactory(state="running")) == {"cancel"}


def test_the_actions_offered_for_a_version_depend_on_its_state(lead):
    champion = make.ModelVersionFactory(champion=True)
    assert offered(lead, champion) == {"write_note", "write_tags"}
    other = make.ModelVersionFactory(project=champion.project)
    assert offered(lead, other) == {"promote", "write_note", "write_tags", "archive"}
    versions.archive(other, actor="tester")
    assert offered(lead, other) == {"write_note", "write_tags", "unarchive"}
    versions.mark_load_failed(champion, "gone")
    assert "clear_load_failure" in offered(lead, champion)


def test_a_project_is_rolled_back_only_if_there_is_an_earlier_champion(lead):
    first = make.ModelVersionFactory(champion=True)
    project = first.project
    without_history = {"train_now", "check_connection", "archive", "label_next_tab"}
    assert offered(lead, project) == without_history
    make.ModelVersionFactory(project=project, champion=True)
    assert "roll_back" in offered(lead, project)
    make.TrainingRunFactory(project=project)
    assert "train_now" not in offered(lead, project)


def test_a_project_that_nothing_can_serve_is_not_trained(lead):
    assert "train_now" not in offered(lead, make.ProjectFactory(pipeline=""))
