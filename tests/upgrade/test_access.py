"""Every user may do what they could, whatever the permissions for it are called by now."""

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.test import Client

from registry.actions.operator import actions
from tests.fixtures.database import ACCESS_KEY

from . import names

pytestmark = pytest.mark.django_db


def granted_since(before, user: User) -> set[str]:
    return set().union(*(names.GRANTED_SINCE.get(g, set()) for g in before.groups[user.username]))


def test_every_user_has_the_permissions_that_they_had_and_no_other(before):
    for user in User.objects.filter(is_superuser=False, is_active=True):
        old = {names.PERMISSIONS.get(p, p) for p in before.permissions[user.username]}
        assert user.get_all_permissions() == old | granted_since(before, user), user.username


def test_for_every_permission_of_the_dump_a_user_has_only_that_one(before):
    """Otherwise the test above could not distinguish the permissions."""
    alone = {p for held in before.permissions.values() if len(held) == 1 for p in held}
    assert {p for p in before.permissions["admin"] if p.startswith("registry.")} <= alone


def test_every_user_may_do_the_actions_that_they_could(before):
    assert set(names.ACTIONS) == {action.name for action in actions()}
    for user in User.objects.filter(is_superuser=False, is_active=True):
        since = (names.GRANTED_SINCE.get(group.name, set()) for group in user.groups.all())
        held = set(before.permissions[user.username]).union(*since)
        could = {action for action, permission in names.ACTIONS.items() if permission in held}
        may = {action.name for action in actions() if action.allowed(user)}
        assert may == could, user.username


def test_a_superuser_may_do_everything_and_an_inactive_one_nothing():
    root, gone = User.objects.get(username="root"), User.objects.get(username="gone")
    assert all(action.allowed(root) for action in actions())
    assert gone.get_all_permissions() == set()


def test_no_permission_is_left_of_a_model_that_has_another_name():
    for kind in ContentType.objects.all():
        assert kind.model_class() is not None, kind
    for permission in Permission.objects.filter(content_type__app_label="registry"):
        model = permission.content_type.model_class()
        named = {f"{verb}_{model._meta.model_name}" for verb in model._meta.default_permissions}
        assert permission.codename in named | {name for name, _ in model._meta.permissions}


@pytest.mark.parametrize(
    ("name", "status"), [("root", 200), ("admin", 200), ("viewer", 200), ("outsider", 403)]
)
def test_a_token_opens_rest_for_its_user_as_before(name, status):
    client = Client(headers={"Authorization": f"Token token-of-{name}"})
    assert client.get("/api/projects/").status_code == status


def test_passwords_still_work():
    assert User.objects.get(username="root").check_password("password of everybody")


def test_sessions_still_work():
    client = Client()
    client.cookies["sessionid"] = Session.objects.get().session_key
    assert client.get("/admin/").status_code == 200


def test_the_access_key_in_label_studios_urls_opens_what_it_did():
    client = Client()
    answer = client.get(f"/k/{ACCESS_KEY}/versions", {"project": "1.1795420847"})
    assert answer.status_code == 200
    assert "v2-8aea00" in str(answer.json()["versions"])
    assert client.get(f"/k/{ACCESS_KEY[::-1]}/versions").status_code == 401
