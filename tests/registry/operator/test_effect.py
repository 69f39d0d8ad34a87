"""An operator action has its effect and writes its audit entry, from every interface."""

import getpass
import json

import pytest
from django.contrib.messages import get_messages

from registry.models import AuditEntry

from .cases import CASES, assert_logged, each, has_button, has_route, has_subcommand, key_of
from .interfaces import Admin, call_rest, command_line, parameters, run_command, user_with

pytestmark = pytest.mark.django_db


@each(has_button)
def test_the_admin_executes_an_action_and_it_is_logged(action):
    case = CASES[key_of(action)]
    subject = case.ready()
    answer = Admin(user_with()).post(action, subject, parameters(action, case))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    (message,) = get_messages(answer.wsgi_request)
    assert message.level_tag == "success", str(message)
    assert_logged(action, case, subject, "ada")


@each(has_route)
def test_rest_executes_an_action_and_it_is_logged(action):
    case = CASES[key_of(action)]
    subject = case.ready()
    answer = call_rest(user_with(), action, subject, case)
    creates = action.answers_with_new_row or action.name in {"new_key", "new_webhook"}
    assert answer.status_code == (201 if creates else 200), answer.content
    assert_logged(action, case, subject, "ada")


@each(has_subcommand)
def test_a_command_executes_an_action_and_it_is_logged(action):
    case = CASES[key_of(action)]
    subject = case.ready()
    printed = run_command(*command_line(action, subject, parameters(action, case)), "--json")
    assert_logged(action, case, subject, getpass.getuser())
    assert json.loads(printed)["audit_entry"] == AuditEntry.objects.get(actor=getpass.getuser()).pk
