"""An unavailable operator action is not offered, and is refused with the same reason."""

import pytest
from django.contrib.messages import get_messages
from django.core.management import CommandError

from registry.actions.operator import Caller, Via, actions
from registry.errors import EvalsError
from registry.models import AuditEntry, ModelVersion, Project
from tests import factories as make

from .cases import (
    CASES,
    can_be_unavailable,
    each,
    earlier,
    has_button,
    has_route,
    has_subcommand,
    key_of,
    second_champion,
)
from .interfaces import Admin, call_rest, command_line, parameters, run_command, user_with

pytestmark = pytest.mark.django_db


@each(has_button)
def test_an_available_action_has_its_button_and_its_dialog_says_what_will_change(action):
    subject = CASES[key_of(action)].ready()
    page = Admin(user_with())
    assert action.unavailable(subject) is None
    assert page.has_button(action, subject)
    dialog = page.dialog(action, subject)
    assert action.title in dialog
    for change in action.changes(subject):
        assert change.what in dialog
        assert change.after in dialog
    for text in action.form.texts:
        assert f'name="{text.name}"' in dialog


@each(has_button, can_be_unavailable)
def test_an_unavailable_action_has_no_button_and_its_dialog_says_why(action):
    subject = CASES[key_of(action)].unavailable()
    page = Admin(user_with())
    reason = action.unavailable(subject)
    assert not page.has_button(action, subject)
    assert f"{reason.message} {reason.hint}".strip() in page.dialog(action, subject)


@each(can_be_unavailable, lambda action: CASES[key_of(action)].refuses)
def test_executing_an_unavailable_action_is_refused_with_the_same_reason(action):
    case = CASES[key_of(action)]
    subject = case.unavailable()
    reason = action.unavailable(subject)
    with pytest.raises(EvalsError) as raised:
        action.execute(subject, parameters(action, case), Caller("ada", Via.ADMIN))
    answered = (raised.value.code, raised.value.message, raised.value.hint)
    assert answered == (reason.code, reason.message, reason.hint)
    assert not AuditEntry.objects.filter(actor="ada").exists()


@each(has_button, can_be_unavailable, lambda action: CASES[key_of(action)].refuses)
def test_the_admin_answers_a_refusal_with_the_reason(action):
    case = CASES[key_of(action)]
    subject = case.unavailable()
    reason = action.unavailable(subject)
    answer = Admin(user_with()).post(action, subject, parameters(action, case))
    answered = [str(message) for message in get_messages(answer.wsgi_request)]
    assert answered == [f"{reason.message} {reason.hint}".strip()]


@each(has_route, can_be_unavailable, lambda action: CASES[key_of(action)].refuses)
def test_rest_answers_a_refusal_with_the_reason(action):
    case = CASES[key_of(action)]
    subject = case.unavailable()
    reason = action.unavailable(subject)
    answer = call_rest(user_with(), action, subject, case)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (reason.status, reason.code)
    assert (error["message"], error["hint"]) == (reason.message, reason.hint)


@each(has_subcommand, can_be_unavailable, lambda action: CASES[key_of(action)].refuses)
def test_a_command_ends_with_the_reason_of_a_refusal(action):
    case = CASES[key_of(action)]
    subject = case.unavailable()
    reason = action.unavailable(subject)
    with pytest.raises(CommandError) as raised:
        run_command(*command_line(action, subject, parameters(action, case)))
    assert str(raised.value) == f"{reason.message} {reason.hint}".strip()


def test_a_version_that_does_not_serve_is_not_roll_back_from():
    version = earlier(second_champion())
    roll_back = next(
        action for action in actions() if key_of(action) == (ModelVersion, "roll_back")
    )
    assert roll_back.unavailable(version).message == f"{version.label} is not the champion."


def test_a_project_without_a_pipeline_is_not_offered_a_training():
    project = make.ProjectFactory(pipeline="", unserved_reason="No control fits.")
    train = next(action for action in actions() if action.name == "train")
    reason = train.unavailable(project)
    assert "No pipeline serves" in reason.message
    assert reason.hint == "No control fits."


def test_the_dialog_of_a_tab_without_tasks_says_why_there_are_none():
    project = Project.objects.get(pk=second_champion().project_id)
    tab = next(action for action in actions() if action.name == "label_next_tab")
    (change,) = tab.changes(project)
    assert "is scoring the tasks without a label" in change.after
    assert change.after in Admin(user_with()).dialog(tab, project)
