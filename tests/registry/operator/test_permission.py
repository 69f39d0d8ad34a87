"""An operator action needs its permission wherever it is offered."""

import pytest
from django.contrib.auth.models import Permission

from registry.actions.operator import actions
from registry.models import AuditEntry
from registry.permissions import GROUPS

from .cases import CASES, each, has_button, has_route, key_of
from .interfaces import Admin, call_rest, parameters, user_with

pytestmark = pytest.mark.django_db


def test_every_action_has_a_case_and_every_case_an_action():
    assert {key_of(action) for action in actions()} == set(CASES)


def test_every_permission_exists_and_is_an_admins():
    existing = {
        f"{p.content_type.app_label}.{p.codename}"
        for p in Permission.objects.select_related("content_type")
    }
    needed = {action.permission for action in actions()}
    assert needed <= existing
    assert needed <= GROUPS["admin"]


@each(has_button)
def test_the_admin_refuses_a_user_without_the_permission(action):
    case = CASES[key_of(action)]
    subject = case.ready()
    page = Admin(user_with(but=action.permission))
    assert not page.has_button(action, subject)
    assert page.client.get(page.dialog_url(action, subject)).status_code == 403
    assert page.post(action, subject, parameters(action, case)).status_code == 403
    assert not AuditEntry.objects.filter(actor="ada").exists()


@each(has_route)
def test_rest_refuses_a_user_without_the_permission(action):
    case = CASES[key_of(action)]
    answer = call_rest(user_with(but=action.permission), action, case.ready(), case)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "permission_denied"
    assert not AuditEntry.objects.filter(actor="ada").exists()
