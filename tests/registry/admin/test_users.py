"""Users and tokens in the admin: the group admin manages them, and makes no superusers."""

import re
from io import StringIO

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.authtoken.models import Token

from registry.actions import tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def root():
    return User.objects.create_superuser("root", password="x")


@pytest.fixture
def anna():
    user = User.objects.create_user("anna", is_staff=True)
    user.groups.add(Group.objects.get(name="admin"))
    return user


@pytest.fixture
def as_anna(anna):
    client = Client()
    client.force_login(anna)
    return client


def form_of(user, **fields):
    groups = list(user.groups.values_list("pk", flat=True))
    return {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "groups": groups,
        "date_joined_0": "2026-11-02",
        "date_joined_1": "09:00:00",
        **fields,
    }


def test_the_group_admin_puts_people_into_groups(as_anna):
    ben = User.objects.create_user("ben")
    lead = Group.objects.get(name="lead")
    form = form_of(ben, groups=[lead.pk])
    assert as_anna.post(f"/admin/auth/user/{ben.pk}/change/", form).status_code == 302
    assert list(ben.groups.all()) == [lead]


@pytest.fixture
def code_permission():
    """A permission that the group admin does not hold: a schedule names a function to call."""
    return Permission.objects.get(codename="add_schedule")


def test_the_group_admin_gives_a_group_only_what_it_holds_itself(as_anna, code_permission):
    lead = Group.objects.get(name="lead")
    page = f"/admin/auth/group/{lead.pk}/change/"
    before = set(lead.permissions.values_list("pk", flat=True))
    offered = as_anna.get(page).context["adminform"].form.fields["permissions"].queryset
    assert code_permission not in offered
    form = {"name": "lead", "permissions": [*before, code_permission.pk]}
    assert b"is not one of the available choices" in as_anna.post(page, form).content
    assert set(lead.permissions.values_list("pk", flat=True)) == before

    held = Permission.objects.get(codename="configure_project")
    form["permissions"] = [*before, held.pk]
    assert as_anna.post(page, form).status_code == 302
    assert set(lead.permissions.values_list("pk", flat=True)) == {*before, held.pk}
    form = {"name": "new", "permissions": [code_permission.pk]}
    assert as_anna.post("/admin/auth/group/add/", form).status_code == 200
    assert not Group.objects.filter(name="new").exists()


def test_permissions_that_others_gave_a_group_stay_when_the_group_admin_saves(
    as_anna, code_permission
):
    group = Group.objects.create(name="operators")
    group.permissions.add(code_permission)
    form = {"name": "operations", "permissions": [code_permission.pk]}
    assert as_anna.post(f"/admin/auth/group/{group.pk}/change/", form).status_code == 302
    group.refresh_from_db()
    assert (group.name, list(group.permissions.all())) == ("operations", [code_permission])


@pytest.fixture(params=["by a group", "directly", "when active"])
def ben_with_more_permissions(request, code_permission):
    """A user with a permission that the group admin lacks."""
    ben = User.objects.create_user("ben", is_staff=True, is_active=request.param != "when active")
    if request.param == "directly":
        ben.user_permissions.add(code_permission)
    else:
        ben.groups.add(group := Group.objects.create(name="operators"))
        group.permissions.add(code_permission)
    return ben


def test_the_group_admin_changes_nobody_who_may_do_more(as_anna, ben_with_more_permissions):
    ben = ben_with_more_permissions
    before = ben.password
    page = f"/admin/auth/user/{ben.pk}/"
    assert as_anna.get(f"{page}change/").status_code == 200  # looked at
    passwords = {"password1": "a long new one", "password2": "a long new one"}
    for address in ("change/", "password/", "delete/"):
        assert as_anna.post(page + address, form_of(ben, **passwords)).status_code == 403
    marked = {"action": "delete_selected", "_selected_action": [ben.pk], "post": "yes"}
    as_anna.post("/admin/auth/user/", marked)
    ben.refresh_from_db()
    assert ben.password == before


def test_the_group_admin_has_no_token_of_who_may_do_more(as_anna, ben_with_more_permissions):
    ben = ben_with_more_permissions
    as_anna.post("/admin/authtoken/tokenproxy/add/", {"user": ben.pk})
    assert not Token.objects.exists()
    tokens.new_token(ben)
    lists = as_anna.get("/admin/authtoken/tokenproxy/").content.decode()
    assert f"/admin/authtoken/tokenproxy/{ben.pk}/" not in lists
    for page in ("change/", "delete/"):
        as_anna.post(f"/admin/authtoken/tokenproxy/{ben.pk}/{page}", {"post": "yes"})
    assert Token.objects.get().user == ben


def test_the_group_admin_sets_passwords_and_makes_tokens_of_who_may_no_more(as_anna, anna):
    ben = User.objects.create_user("ben")
    ben.groups.add(Group.objects.get(name="admin"))  # as much as anna
    new = {"usable_password": "true", "password1": "a long new one", "password2": "a long new one"}
    for user in (ben, anna):
        assert (
            as_anna.post("/admin/authtoken/tokenproxy/add/", {"user": user.pk}).status_code == 200
        )
        assert as_anna.post(f"/admin/auth/user/{user.pk}/password/", new).status_code == 302
        user.refresh_from_db()
        assert user.check_password("a long new one")
    assert {token.user for token in Token.objects.all()} == {anna, ben}


def test_a_list_of_users_or_tokens_takes_as_many_queries_for_more_of_them(
    as_anna, django_assert_max_num_queries
):
    def listed(model):
        with django_assert_max_num_queries(30) as queries:
            assert as_anna.get(f"/admin/{model}/").status_code == 200
        return len(queries)

    def made(*names):
        for name in names:
            user = User.objects.create_user(name)
            user.groups.add(Group.objects.get(name="lead"))
            tokens.new_token(user)

    models = ("auth/user", "authtoken/tokenproxy")
    made("ben")
    few = [listed(model) for model in models]
    made("cleo", "dora", "emil")
    assert [listed(model) for model in models] == few


def test_the_group_admin_puts_nobody_into_a_group_that_may_do_more(as_anna, anna, code_permission):
    group = Group.objects.create(name="operators")
    group.permissions.add(code_permission)
    form = form_of(anna, groups=[group.pk])
    answer = as_anna.post(f"/admin/auth/user/{anna.pk}/change/", form)
    assert b"is not one of the available choices" in answer.content
    assert [g.name for g in anna.groups.all()] == ["admin"]


def test_a_superuser_gives_a_group_any_permission(client, code_permission):
    group = Group.objects.create(name="operators")
    form = {"name": "operators", "permissions": [code_permission.pk]}
    assert client.post(f"/admin/auth/group/{group.pk}/change/", form).status_code == 302
    assert list(group.permissions.all()) == [code_permission]


def test_the_group_admin_makes_nobody_a_superuser(as_anna, anna):
    page = f"/admin/auth/user/{anna.pk}/change/"
    assert b'name="is_superuser"' not in as_anna.get(page).content
    assert as_anna.post(page, form_of(anna, is_superuser="on")).status_code == 302
    anna.refresh_from_db()
    assert not anna.is_superuser


def test_the_group_admin_changes_no_superuser(as_anna, root):
    page = f"/admin/auth/user/{root.pk}/"
    assert as_anna.get(f"{page}change/").status_code == 200  # looked at
    for address in ("change/", "password/", "delete/"):
        assert as_anna.post(page + address, form_of(root)).status_code == 403
    assert User.objects.filter(pk=root.pk).exists()


def test_a_superusers_token_is_neither_visible_to_others_nor_made_by_them(as_anna, anna, root):
    for user in (anna, root):
        tokens.new_token(user)
    page = as_anna.get("/admin/authtoken/tokenproxy/").content.decode()
    assert f"/admin/authtoken/tokenproxy/{anna.pk}/" in page
    assert f"/admin/authtoken/tokenproxy/{root.pk}/" not in page
    Token.objects.all().delete()
    as_anna.post("/admin/authtoken/tokenproxy/add/", {"user": root.pk})
    assert not Token.objects.exists()
    as_anna.post("/admin/authtoken/tokenproxy/add/", {"user": anna.pk})
    assert Token.objects.get().user == anna


def test_a_token_is_shown_once_and_stored_as_its_hash(client, as_anna, anna):
    answer = client.post("/admin/authtoken/tokenproxy/add/", {"user": anna.pk})
    (plain,) = re.findall("Authorization: Token ([0-9a-f]{40})", answer.content.decode())
    stored = Token.objects.get(user=anna).key
    assert stored not in (plain, "")
    assert "no-store" in answer["Cache-Control"]
    for page in ("", f"{anna.pk}/change/"):
        assert plain not in as_anna.get(f"/admin/authtoken/tokenproxy/{page}").content.decode()
    for token, status in ((plain, 200), (stored, 401)):
        headers = {"Authorization": f"Token {token}"}
        assert Client(headers=headers).get("/api/projects/").status_code == status
        assert Client(headers=headers).get("/versions").status_code == status


def test_the_command_makes_a_token_and_replaces_it_only_with_reset(anna):
    def made(*arguments):
        out = StringIO()
        call_command("drf_create_token", "anna", *arguments, stdout=out)
        return out.getvalue().split()[2]

    def opens(token):
        client = Client(headers={"Authorization": f"Token {token}"})
        return client.get("/api/projects/").status_code == 200

    first = made()
    assert opens(first)
    with pytest.raises(CommandError, match="--reset"):
        made()
    second = made("--reset")
    assert opens(second)
    assert not opens(first)


def test_a_superuser_makes_another(client):
    ben = User.objects.create_user("ben")
    page = f"/admin/auth/user/{ben.pk}/change/"
    assert client.post(page, form_of(ben, is_superuser="on")).status_code == 302
    ben.refresh_from_db()
    assert ben.is_superuser
