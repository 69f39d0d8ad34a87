"""A new file in the folder of operator actions is offered by admin, REST and command line."""

import getpass
import sys
from types import ModuleType

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.management import CommandError
from django.urls import include, path
from rest_framework.routers import DefaultRouter

import evals_backend.urls  # noqa: F401 - registers the admin's pages
from registry.actions import operator
from registry.actions.operator import action, actions
from registry.api.versions import Versions

from .cases import REASON, Case, assert_logged, version
from .interfaces import Admin, call_rest, command_line, run_command, user_with

pytestmark = pytest.mark.django_db

POLISH = '''
"""Polish: a version is made to shine."""

from registry.actions import base
from registry.errors import Refused
from registry.models import ModelVersion

from .action import REASON, Action, Caller, Change, Result, Form, Text, register


@register
class Polish(Action[ModelVersion]):
    name = "polish"
    title = "Polish"
    description = "Makes the version shine."
    permission = "registry.note_modelversion"
    subject = ModelVersion
    form = Form("Polish", "With what, and why.", (Text("cloth"), *REASON.parameters))

    def unavailable(self, subject):
        return Refused("It shines already.") if subject.note else None

    def changes(self, subject):
        return [Change("Shine", "dull", "bright")]

    def execute(self, subject, values, caller: Caller):
        if refusal := self.unavailable(subject):
            raise refusal
        base.update_row(subject, {"note": f"polished with {values['cloth']}"})
        entry = base.record(
            self.name,
            actor=caller.name,
            project=subject.project,
            version=subject,
            reason=values["reason"],
        )
        return Result(f"{subject.label} shines.", entry)
'''


@pytest.fixture
def polish(monkeypatch, settings, tmp_path):
    """The action of a file in the folder of actions, in a server that has started with it."""
    (tmp_path / "polish.py").write_text(POLISH)
    monkeypatch.setattr(action, "_registered", dict(action._registered))
    monkeypatch.setattr(operator, "__path__", [*operator.__path__, str(tmp_path)])
    operator.load()
    monkeypatch.setitem(sys.modules, "urls_with_polish", urls_of_a_new_process())
    settings.ROOT_URLCONF = "urls_with_polish"
    yield next(one for one in actions() if one.name == "polish")
    del sys.modules["registry.actions.operator.polish"]


def urls_of_a_new_process():
    """The URLs of an admin and of a resource, generated from today's actions."""
    site = type(admin.site)(name="admin")
    for model, page in admin.site._registry.items():
        site.register(model, type(page))

    class VersionsNow(Versions):
        """The viewset with routes of today's actions."""

    router = DefaultRouter(use_regex_path=False)
    router.include_format_suffixes = False
    router.register("versions", VersionsNow, basename="versions")
    urls = ModuleType("urls_with_polish")
    urls.urlpatterns = [path("admin/", site.urls), path("api/", include(router.urls))]
    return urls


POLISH_CASE = Case(version, {"cloth": "silk"}, entry=lambda v: {"version": v})


def test_a_new_file_has_its_button_dialog_and_entry(polish):
    subject = version()
    page = Admin(user_with())
    assert page.has_button(polish, subject)
    dialog = page.dialog(polish, subject)
    for text in ("Makes the version shine.", "bright", 'name="cloth"', 'name="reason"'):
        assert text in dialog
    answer = page.post(polish, subject, {"cloth": "silk", "reason": REASON})
    assert [str(m) for m in get_messages(answer.wsgi_request)] == [f"{subject.label} shines."]
    assert_logged(polish, POLISH_CASE, subject, "ada")
    assert not page.has_button(polish, subject)
    assert "It shines already." in page.dialog(polish, subject)


def test_a_new_file_has_its_route(polish):
    subject = version()
    answer = call_rest(user_with(), polish, subject, POLISH_CASE)
    assert (answer.status_code, answer.json()["note"]) == (200, "polished with silk")
    assert_logged(polish, POLISH_CASE, subject, "ada")
    User.objects.all().delete()
    again = call_rest(user_with(), polish, subject, POLISH_CASE)
    assert (again.status_code, again.json()["error"]["message"]) == (409, "It shines already.")
    User.objects.all().delete()
    refused = call_rest(user_with(but=polish.permission), polish, version(), POLISH_CASE)
    assert refused.status_code == 403


def test_a_new_file_has_its_command(polish):
    subject = version()
    line = command_line(polish, subject, {"cloth": "wool", "reason": REASON})
    assert run_command(*line) == f"{subject.label} shines.\n"
    assert_logged(polish, POLISH_CASE, subject, getpass.getuser())
    with pytest.raises(CommandError, match="It shines already"):
        run_command(*line)
    with pytest.raises(CommandError, match="--cloth"):
        run_command(*command_line(polish, version(), {"reason": REASON}))
