"""The interfaces that offer the operator actions: admin, REST and command line."""

import io

import orjson
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from registry.actions import tokens
from registry.models import AccessKey, ModelVersion, Project, TrainingRun, Webhook

from .cases import REASON

RESOURCES = {Project: "projects", ModelVersion: "versions", TrainingRun: "runs"} | {
    AccessKey: "access-keys",
    Webhook: "webhooks",
}


def user_with(*, but=None):
    """A user with the permissions of an admin, except for one."""
    user = User.objects.create_user("ada", is_staff=True)
    held = Permission.objects.filter(group=Group.objects.get(name="admin"))
    user.user_permissions.set(held)
    if but:
        app, codename = but.split(".")
        user.user_permissions.remove(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user


def parameters(action, case):
    """The case's values, with a reason where the action has that parameter."""
    has_reason = "reason" in [text.name for text in action.form.texts]
    return ({"reason": REASON} if has_reason else {}) | case.values


class Admin:
    """The pages and dialogs of the admin, for a user."""

    def __init__(self, user):
        self.client = Client()
        self.client.force_login(user)

    def dialog_url(self, action, subject):
        name = f"registry_{action.subject._meta.model_name}_{action.button.path or action.path}"
        return reverse(f"admin:{name}", args=[subject.pk])

    def has_button(self, action, subject):
        name = f"admin:registry_{action.subject._meta.model_name}_change"
        page = self.client.get(reverse(name, args=[subject.pk]))
        assert page.status_code == 200
        return f'"{self.dialog_url(action, subject)}"' in page.content.decode()

    def dialog(self, action, subject):
        answer = self.client.get(self.dialog_url(action, subject))
        assert answer.status_code == 200
        return answer.content.decode()

    def post(self, action, subject, values):
        return self.client.post(
            self.dialog_url(action, subject), {"_form_submitted": "True", **values}
        )


def call_rest(user, action, subject, case):
    """Call the action's route with a token."""
    if case.own_route:
        method, route, body = case.own_route(subject)
    else:
        base = f"{RESOURCES[action.subject]}/{subject.pk}"
        method, route = "post", f"{base}/{action.path.replace('_', '-')}/"
        body = parameters(action, case)
    return getattr(Client(), method)(
        f"/api/{route}",
        orjson.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Token {tokens.new_token(user)}"},
    )


def command_line(action, subject, values):
    """The arguments after `manage.py action`."""
    names = {
        Project: lambda: [subject.uid],
        ModelVersion: lambda: [subject.project.uid, subject.label],
    }
    words = names.get(action.subject, lambda: [str(subject.pk)])()
    return [
        action.name,
        *words,
        *(w for name, value in values.items() for w in (f"--{name}", value)),
    ]


def run_command(*args):
    out = io.StringIO()
    call_command("action", *args, stdout=out)
    return out.getvalue()
