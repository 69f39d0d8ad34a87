"""Users and tokens in the admin: the group admin manages them, and makes no superusers."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework.authtoken.models import Token

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


def form_of(user, **given):
    groups = list(user.groups.values_list("pk", flat=True))
    return {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "groups": groups,
        "date_joined_0": "2026-11-02",
        "date_joined_1": "09:00:00",
        **given,
    }


def test_the_group_admin_puts_people_into_groups(as_anna):
    ben = User.objects.create_user("ben")
    lead = Group.objects.get(name="lead")
    form = form_of(ben, groups=[lead.pk])
    assert as_anna.post(f"/admin/auth/user/{ben.pk}/change/", form).status_code == 302
    assert list(ben.groups.all()) == [lead]


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


def test_a_superusers_token_is_neither_shown_to_others_nor_made_by_them(as_anna, anna, root):
    mine, theirs = (Token.objects.create(user=user).key for user in (anna, root))
    shown = as_anna.get("/admin/authtoken/tokenproxy/").content.decode()
    assert mine in shown
    assert theirs not in shown
    Token.objects.all().delete()
    as_anna.post("/admin/authtoken/tokenproxy/add/", {"user": root.pk})
    assert not Token.objects.exists()
    as_anna.post("/admin/authtoken/tokenproxy/add/", {"user": anna.pk})
    assert Token.objects.get().user == anna


def test_a_superuser_makes_another(client):
    ben = User.objects.create_user("ben")
    page = f"/admin/auth/user/{ben.pk}/change/"
    assert client.post(page, form_of(ben, is_superuser="on")).status_code == 302
    ben.refresh_from_db()
    assert ben.is_superuser
