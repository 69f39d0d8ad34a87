"""Permissions under /api/: as in the admin, and never by an access key."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from registry.actions import tokens
from registry.api.urls import RESOURCES
from registry.models import Project
from tests import factories as make

from .conftest import Caller, code

READ_BY_VIEWERS = sorted(set(RESOURCES) - {"access-keys", "webhooks", "webhook-deliveries"})


@pytest.mark.parametrize("route", ["", "schema/", *(f"{name}/" for name in RESOURCES)])
def test_a_request_without_credentials_is_refused_with_the_scheme(anonymous_caller, route):
    answer = anonymous_caller.get(route)
    assert answer.status_code == 401
    assert code(answer) == "credentials_missing"
    assert answer["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize("name", RESOURCES)
def test_without_a_group_nothing_is_read(groupless_caller, version, name):
    answer = groupless_caller.get(f"{name}/")
    assert answer.status_code == 403
    assert code(answer) == "permission_denied"


@pytest.mark.parametrize("name", READ_BY_VIEWERS)
def test_a_viewer_reads_and_changes_nothing(viewer, version, name):
    assert viewer.get(f"{name}/").status_code == 200
    for answer in (viewer.post(f"{name}/"), viewer.patch(f"{name}/1/")):
        assert answer.status_code in (403, 405)


def test_permission_to_view_projects_alone_opens_neither_metrics_nor_tasks(project):
    user = User.objects.create_user("pat")
    user.user_permissions.add(Permission.objects.get(codename="view_project"))
    pat = Caller(tokens.new_token(user))
    assert pat.get(f"projects/{project.pk}/").status_code == 200
    assert code(pat.get(f"projects/{project.pk}/metrics/")) == "permission_denied"
    assert code(pat.get(f"projects/{project.pk}/label-next/")) == "permission_denied"


@pytest.mark.parametrize("route", ["", "projects/", "schema/", "docs/", "access-keys/"])
def test_an_access_key_opens_nothing(route, anonymous_caller):
    plain = make.AccessKeyFactory().plain
    answer = anonymous_caller.client.get(f"/k/{plain}/api/{route}")
    assert answer.status_code == 404
    as_token = Caller(plain).get(route)
    assert as_token.status_code in (302, 401)  # the docs send people to the login


def test_basic_credentials_of_the_protocol_open_nothing(anonymous_caller, settings):
    settings.BASIC_AUTH_USER, settings.BASIC_AUTH_PASS = "ls", "secret"
    answer = anonymous_caller.get("projects/", Authorization="Basic bHM6c2VjcmV0")
    assert answer.status_code == 401


def test_a_token_of_a_user_who_left_opens_nothing(admin):
    User.objects.update(is_active=False)
    answer = admin.get("projects/")
    assert answer.status_code == 401
    assert code(answer) == "credentials_wrong"


def test_a_session_reads_and_needs_its_csrf_token_to_write(version):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("root"))
    assert browser.get("/api/versions/").status_code == 200
    body = {"reason": "It is worse."}
    url = f"/api/projects/{version.project_id}/roll-back/"
    answer = browser.post(url, body, content_type="application/json")
    assert answer.status_code == 403
    assert code(answer) == "csrf_failed"
    browser.get("/admin/")
    answer = browser.post(
        url,
        body,
        content_type="application/json",
        headers={"X-CSRFToken": browser.cookies["csrftoken"].value},
    )
    assert code(answer) == "nothing_to_roll_back_to"


def test_a_project_is_neither_replaced_nor_deleted(admin, project):
    for method in ("put", "delete"):
        send = getattr(admin.client, method)
        answer = send(f"/api/projects/{project.pk}/", headers=admin.headers)
        assert answer.status_code in (403, 405)
    assert Project.objects.filter(pk=project.pk).exists()


def test_an_unknown_route_is_answered_in_the_error_format(admin, anonymous_caller):
    answer = admin.get("project")
    assert answer.status_code == 404
    assert code(answer) == "route_unknown"
    assert code(admin.post("projects")) == "route_unknown"
    assert code(anonymous_caller.get("project")) == "credentials_missing"


def test_a_body_that_is_not_json_is_refused(lead, version):
    url = f"/api/versions/{version.pk}/archive/"
    form = lead.client.post(url, {"reason": "r"}, headers=lead.headers)
    assert form.status_code == 415
    assert code(form) == "media_type_unknown"
    for body in (b"{", b"[" * 5000, b'{"reason": "\xff"}', b'{"reason": NaN}'):
        answer = lead.client.post(url, body, content_type="application/json", headers=lead.headers)
        assert answer.status_code == 400
        assert code(answer) == "body_invalid"


def test_a_media_type_that_is_not_served_is_refused(viewer, version):
    answer = viewer.get("versions/", Accept="text/csv")
    assert answer.status_code == 406
    assert code(answer) == "not_acceptable"


def test_the_root_names_every_resource(viewer):
    assert set(viewer.get("").json()) == set(RESOURCES)


def test_a_token_is_taken_as_bearer_too(lead):
    token = lead.headers["Authorization"].removeprefix("Token ")
    for scheme in ("Bearer", "bearer", "token"):
        assert lead.get("projects/", Authorization=f"{scheme} {token}").status_code == 200
    assert lead.get("projects/", Authorization="Bearer wrong").status_code == 401
