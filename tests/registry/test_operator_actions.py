"""Every operator action, wherever it is offered: permission, reason, effect and audit entry.

A new action has no row in CASES, and fails the first test until someone says when it is available.
"""

import getpass
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import orjson
import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import include, path, reverse
from rest_framework.authtoken.models import Token
from rest_framework.routers import DefaultRouter

from registry.actions import operator, versions
from registry.actions.operator import Caller, Via, action, actions
from registry.api.versions import Versions
from registry.errors import EvalsError
from registry.models import AccessKey, AuditEntry, ModelVersion, Project, TrainingRun
from registry.permissions import GROUPS
from tests import factories as make

pytestmark = pytest.mark.django_db

WHY = "Because of a test."


@dataclass
class Case:
    """A subject on which the action is available, what is given, and what its entry then says.

    `unavailable` makes a subject whose state has no room for it. `refuses`: whether doing it all
    the same is refused with that very reason. `own_route` is that of an action whose REST route is
    not made from it: method, path below /api/, body.
    """

    ready: Callable[[], Any]
    given: dict[str, Any] = field(default_factory=dict)
    entry: Callable[[Any], dict[str, Any]] = lambda subject: {}
    unavailable: Callable[[], Any] | None = None
    refuses: bool = True
    own_route: Callable[[Any], tuple[str, str, dict]] | None = None


def version(champion=False, project=None):
    return make.ModelVersionFactory(champion=champion, project=project or make.ProjectFactory())


def second_champion():
    return version(True, version(True).project)


def beside_champion():
    return version(project=version(True).project)


def archived():
    one = version()
    versions.archive(one, actor="tester")
    return one


def unloadable():
    one = version()
    versions.mark_load_failed(one, "gone")
    return one


def revoked():
    key = make.AccessKeyFactory()
    make.keys.revoke(key, actor="tester")
    return key


def earlier(one):
    return one.project.versions.get(number=1)


def run(state):
    return make.TrainingRunFactory(state=state)


CASES: dict[tuple[type, str], Case] = {
    (ModelVersion, "promote"): Case(
        beside_champion,
        entry=lambda v: {"version": v, "from_version": earlier(v), "to_version": v},
        unavailable=lambda: version(True),
    ),
    (ModelVersion, "roll_back"): Case(
        second_champion,
        entry=lambda v: {"from_version": v, "to_version": earlier(v)},
        unavailable=lambda: version(True),
    ),
    (ModelVersion, "archive"): Case(
        beside_champion, entry=lambda v: {"version": v}, unavailable=lambda: version(True)
    ),
    (ModelVersion, "unarchive"): Case(
        archived, entry=lambda v: {"version": v}, unavailable=version
    ),
    (ModelVersion, "note"): Case(
        version,
        {"note": WHY},
        entry=lambda v: {"version": v, "numbers": {"from": ""}},
    ),
    (ModelVersion, "clear_load_failure"): Case(
        unloadable,
        entry=lambda v: {"version": v, "numbers": {"from": "gone"}},
        unavailable=version,
    ),
    (Project, "roll_back"): Case(
        lambda: second_champion().project,
        entry=lambda p: {
            "from_version": p.versions.get(number=2),
            "to_version": p.versions.get(number=1),
        },
        unavailable=make.ProjectFactory,
    ),
    (Project, "train"): Case(
        make.ProjectFactory,
        entry=lambda p: {"run": p.runs.get()},
        unavailable=lambda: run("queued").project,
        refuses=False,  # the active run goes on instead
        own_route=lambda p: ("post", "runs/", {"project": p.pk, "reason": WHY}),
    ),
    (Project, "check_connection"): Case(make.ProjectFactory),
    (Project, "set_credentials"): Case(
        lambda: make.ProjectFactory(labelstudio_url="http://old"),
        {"url": "http://new", "key": "a-secret"},
        entry=lambda p: {"reason": "", "numbers": {"from": "http://old", "to": "http://new"}},
    ),
    (Project, "confirm_hostname"): Case(
        lambda: make.ProjectFactory(hostname="http://old", other_hostname="http://new"),
        {"hostname": "http://new"},
        entry=lambda p: {"numbers": {"from": "http://old", "to": "http://new"}},
        unavailable=lambda: make.ProjectFactory(hostname="http://old", hostname_confirmed=True),
        refuses=False,  # confirmed again, it stays confirmed
    ),
    (Project, "configure"): Case(
        make.ProjectFactory,
        {"promotion_rule": "never"},
        entry=lambda p: {
            "numbers": {"from": {"promotion_rule": "if_better"}, "to": {"promotion_rule": "never"}}
        },
        own_route=lambda p: (
            "patch",
            f"projects/{p.pk}/",
            {"promotion_rule": "never", "reason": WHY},
        ),
    ),
    (TrainingRun, "cancel"): Case(
        lambda: run("running"), entry=lambda r: {"run": r}, unavailable=lambda: run("failed")
    ),
    (TrainingRun, "retry"): Case(
        lambda: run("failed"),
        entry=lambda r: {"run": TrainingRun.objects.get(retry_of=r)},
        unavailable=lambda: run("running"),
    ),
    (AccessKey, "new_key"): Case(
        lambda: None,
        {"name": "team"},
        own_route=lambda _: ("post", "access-keys/", {"name": "team", "reason": WHY}),
    ),
    (AccessKey, "revoke_key"): Case(
        make.AccessKeyFactory,
        entry=lambda k: {"numbers": {"key": k.pk, "name": k.name}},
        unavailable=revoked,
    ),
}
RESOURCES = {Project: "projects", ModelVersion: "versions", TrainingRun: "runs"} | {
    AccessKey: "access-keys"
}


def key_of(one):
    return one.subject, one.name


def named(one):
    return f"{one.subject.__name__}-{one.name}"


def each(*conditions):
    """A test for each action of which the conditions hold."""
    chosen = [one for one in actions() if all(holds(one) for holds in conditions)]
    return pytest.mark.parametrize("one", chosen, ids=named)


def has_button(one):
    return one.button is not None


def has_route(one):
    return one.in_rest or CASES[key_of(one)].own_route is not None


def has_subcommand(one):
    return one.in_commands


def can_be_unavailable(one):
    return CASES[key_of(one)].unavailable is not None


def test_every_action_has_a_case_and_every_case_an_action():
    assert {key_of(one) for one in actions()} == set(CASES)


def test_every_permission_is_there_and_given_to_a_group():
    there = {
        f"{p.content_type.app_label}.{p.codename}"
        for p in Permission.objects.select_related("content_type")
    }
    needed = {one.permission for one in actions()}
    assert needed <= there
    assert needed <= GROUPS["admin"]


def user_with(*, but=None):
    """Who may do all that an admin may, except for one permission."""
    user = User.objects.create_user("ada", is_staff=True)
    held = Permission.objects.filter(group=Group.objects.get(name="admin"))
    user.user_permissions.set(held)
    if but:
        app, codename = but.split(".")
        user.user_permissions.remove(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user


def parameters(one, case):
    """What is given, with a reason where the action asks for one."""
    asks = "reason" in [text.name for text in one.form.texts]
    return ({"reason": WHY} if asks else {}) | case.given


class Admin:
    """The pages and dialogs of the admin, for a user."""

    def __init__(self, user):
        self.client = Client()
        self.client.force_login(user)

    def dialog_url(self, one, subject):
        name = f"registry_{one.subject._meta.model_name}_{one.button.path or one.path}"
        return reverse(f"admin:{name}", args=[subject.pk])

    def has_button(self, one, subject):
        name = f"admin:registry_{one.subject._meta.model_name}_change"
        page = self.client.get(reverse(name, args=[subject.pk]))
        assert page.status_code == 200
        return f'"{self.dialog_url(one, subject)}"' in page.content.decode()

    def dialog(self, one, subject):
        answer = self.client.get(self.dialog_url(one, subject))
        assert answer.status_code == 200
        return answer.content.decode()

    def post(self, one, subject, given):
        return self.client.post(self.dialog_url(one, subject), {"_form_submitted": "True", **given})


def ask_rest(user, one, subject, case):
    """Call the action's route with a token."""
    if case.own_route:
        method, route, body = case.own_route(subject)
    else:
        base = f"{RESOURCES[one.subject]}/{subject.pk}"
        method, route = "post", f"{base}/{one.path.replace('_', '-')}/"
        body = parameters(one, case)
    return getattr(Client(), method)(
        f"/api/{route}",
        orjson.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Token {Token.objects.create(user=user).key}"},
    )


def command_line(one, subject, given):
    """The arguments after `manage.py action`."""
    names = {
        Project: lambda: [subject.uid],
        ModelVersion: lambda: [subject.project.uid, subject.label],
    }
    words = names.get(one.subject, lambda: [str(subject.pk)])()
    return [one.name, *words, *(w for name, value in given.items() for w in (f"--{name}", value))]


def run_command(*args):
    out = io.StringIO()
    call_command("action", *args, stdout=out)
    return out.getvalue()


def assert_logged(one, case, subject, actor):
    """Exactly the entry that the action promises; none where it writes none."""
    found = list(AuditEntry.objects.filter(actor=actor))
    if one.verb is None:
        assert found == []
        return
    (entry,) = found
    assert entry.verb == one.verb
    expected = {"reason": WHY} | case.entry(subject)
    assert {name: getattr(entry, name) for name in expected} == expected
    assert "a-secret" not in str(entry.numbers)


# The permission


@each(has_button)
def test_a_button_is_refused_to_who_lacks_the_permission(one):
    case = CASES[key_of(one)]
    subject = case.ready()
    page = Admin(user_with(but=one.permission))
    assert not page.has_button(one, subject)
    assert page.client.get(page.dialog_url(one, subject)).status_code == 403
    assert page.post(one, subject, parameters(one, case)).status_code == 403
    assert not AuditEntry.objects.filter(actor="ada").exists()


@each(has_route)
def test_a_route_is_refused_to_who_lacks_the_permission(one):
    case = CASES[key_of(one)]
    answer = ask_rest(user_with(but=one.permission), one, case.ready(), case)
    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "permission_denied"
    assert not AuditEntry.objects.filter(actor="ada").exists()


# Whether it is available, and why not


@each(has_button)
def test_an_available_action_has_its_button_and_its_dialog_says_what_will_change(one):
    subject = CASES[key_of(one)].ready()
    page = Admin(user_with())
    assert one.unavailable(subject) is None
    assert page.has_button(one, subject)
    dialog = page.dialog(one, subject)
    assert one.title in dialog
    for change in one.changes(subject):
        assert change.what in dialog
        assert change.then in dialog
    for text in one.form.texts:
        assert f'name="{text.name}"' in dialog


@each(has_button, can_be_unavailable)
def test_an_unavailable_action_has_no_button_and_its_dialog_says_why(one):
    subject = CASES[key_of(one)].unavailable()
    page = Admin(user_with())
    reason = one.unavailable(subject)
    assert not page.has_button(one, subject)
    assert f"{reason.message} {reason.hint}".strip() in page.dialog(one, subject)


@each(can_be_unavailable, lambda one: CASES[key_of(one)].refuses)
def test_an_unavailable_action_is_refused_with_the_reason_that_is_shown(one):
    case = CASES[key_of(one)]
    subject = case.unavailable()
    reason = one.unavailable(subject)
    with pytest.raises(EvalsError) as raised:
        one.execute(subject, parameters(one, case), Caller("ada", Via.ADMIN))
    told = (raised.value.code, raised.value.message, raised.value.hint)
    assert told == (reason.code, reason.message, reason.hint)
    assert not AuditEntry.objects.filter(actor="ada").exists()


@each(has_button, can_be_unavailable, lambda one: CASES[key_of(one)].refuses)
def test_the_admin_tells_the_reason_of_a_refusal(one):
    case = CASES[key_of(one)]
    subject = case.unavailable()
    reason = one.unavailable(subject)
    answer = Admin(user_with()).post(one, subject, parameters(one, case))
    told = [str(message) for message in get_messages(answer.wsgi_request)]
    assert told == [f"{reason.message} {reason.hint}".strip()]


@each(has_route, can_be_unavailable, lambda one: CASES[key_of(one)].refuses)
def test_rest_tells_the_reason_of_a_refusal(one):
    case = CASES[key_of(one)]
    subject = case.unavailable()
    reason = one.unavailable(subject)
    answer = ask_rest(user_with(), one, subject, case)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (reason.status, reason.code)
    assert (error["message"], error["hint"]) == (reason.message, reason.hint)


@each(has_subcommand, can_be_unavailable, lambda one: CASES[key_of(one)].refuses)
def test_a_command_tells_the_reason_of_a_refusal(one):
    case = CASES[key_of(one)]
    subject = case.unavailable()
    reason = one.unavailable(subject)
    with pytest.raises(CommandError) as raised:
        run_command(*command_line(one, subject, parameters(one, case)))
    assert str(raised.value) == f"{reason.message} {reason.hint}".strip()


def test_a_version_that_does_not_serve_is_not_rolled_back_from():
    was = earlier(second_champion())
    rolled_back = next(one for one in actions() if key_of(one) == (ModelVersion, "roll_back"))
    assert rolled_back.unavailable(was).message == f"{was.label} is not the champion."


def test_a_project_without_a_pipeline_is_not_offered_a_training():
    project = make.ProjectFactory(pipeline="", unserved_reason="No control fits.")
    train = next(one for one in actions() if one.name == "train")
    reason = train.unavailable(project)
    assert "No pipeline serves" in reason.message
    assert reason.hint == "No control fits."


# What it does, and its audit entry


@each(has_button)
def test_the_admin_does_it_and_it_is_logged(one):
    case = CASES[key_of(one)]
    subject = case.ready()
    answer = Admin(user_with()).post(one, subject, parameters(one, case))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    (told,) = get_messages(answer.wsgi_request)
    assert told.level_tag == "success", str(told)
    assert_logged(one, case, subject, "ada")


@each(has_route)
def test_rest_does_it_and_it_is_logged(one):
    case = CASES[key_of(one)]
    subject = case.ready()
    answer = ask_rest(user_with(), one, subject, case)
    makes_one = one.answers_with_new_row or one.name == "new_key"
    assert answer.status_code == (201 if makes_one else 200), answer.content
    assert_logged(one, case, subject, "ada")


@each(has_subcommand)
def test_a_command_does_it_and_it_is_logged(one):
    case = CASES[key_of(one)]
    subject = case.ready()
    printed = run_command(*command_line(one, subject, parameters(one, case)), "--json")
    assert_logged(one, case, subject, getpass.getuser())
    assert json.loads(printed)["audit_entry"] == AuditEntry.objects.get(actor=getpass.getuser()).pk


# An action is one file

TOY = '''
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

    def execute(self, subject, given, caller: Caller):
        if refusal := self.unavailable(subject):
            raise refusal
        base.update_row(subject, {"note": f"polished with {given['cloth']}"})
        entry = base.record(
            self.name,
            actor=caller.name,
            project=subject.project,
            version=subject,
            reason=given["reason"],
        )
        return Result(f"{subject.label} shines.", entry)
'''


@pytest.fixture
def toy(monkeypatch, settings, tmp_path):
    """The file is in the folder of actions, and the server has started with it."""
    (tmp_path / "polish.py").write_text(TOY)
    monkeypatch.setattr(action, "_registered", dict(action._registered))
    monkeypatch.setattr(operator, "__path__", [*operator.__path__, str(tmp_path)])
    operator.load()
    monkeypatch.setitem(sys.modules, "urls_with_toy", started_anew())
    settings.ROOT_URLCONF = "urls_with_toy"
    yield next(one for one in actions() if one.name == "polish")
    del sys.modules["registry.actions.operator.polish"]


def started_anew():
    """The URLs of an admin and of a resource that are made now, as when a process starts."""
    site = type(admin.site)(name="admin")
    for model, page in admin.site._registry.items():
        site.register(model, type(page))

    class VersionsNow(Versions):
        """Its routes are those of the actions that there are now."""

    router = DefaultRouter(use_regex_path=False)
    router.include_format_suffixes = False
    router.register("versions", VersionsNow, basename="versions")
    urls = ModuleType("urls_with_toy")
    urls.urlpatterns = [path("admin/", site.urls), path("api/", include(router.urls))]
    return urls


TOY_CASE = Case(version, {"cloth": "silk"}, entry=lambda v: {"version": v})


def test_a_new_file_has_its_button_dialog_and_entry(toy):
    subject = version()
    page = Admin(user_with())
    assert page.has_button(toy, subject)
    dialog = page.dialog(toy, subject)
    for shown in ("Makes the version shine.", "bright", 'name="cloth"', 'name="reason"'):
        assert shown in dialog
    answer = page.post(toy, subject, {"cloth": "silk", "reason": WHY})
    assert [str(m) for m in get_messages(answer.wsgi_request)] == [f"{subject.label} shines."]
    assert_logged(toy, TOY_CASE, subject, "ada")
    assert not page.has_button(toy, subject)
    assert "It shines already." in page.dialog(toy, subject)


def test_a_new_file_has_its_route(toy):
    subject = version()
    answer = ask_rest(user_with(), toy, subject, TOY_CASE)
    assert (answer.status_code, answer.json()["note"]) == (200, "polished with silk")
    assert_logged(toy, TOY_CASE, subject, "ada")
    User.objects.all().delete()
    again = ask_rest(user_with(), toy, subject, TOY_CASE)
    assert (again.status_code, again.json()["error"]["message"]) == (409, "It shines already.")
    User.objects.all().delete()
    refused = ask_rest(user_with(but=toy.permission), toy, version(), TOY_CASE)
    assert refused.status_code == 403


def test_a_new_file_has_its_command(toy):
    subject = version()
    line = command_line(toy, subject, {"cloth": "wool", "reason": WHY})
    assert run_command(*line) == f"{subject.label} shines.\n"
    assert_logged(toy, TOY_CASE, subject, getpass.getuser())
    with pytest.raises(CommandError, match="It shines already"):
        run_command(*line)
    with pytest.raises(CommandError, match="--cloth"):
        run_command(*command_line(toy, version(), {"reason": WHY}))
