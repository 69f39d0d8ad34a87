"""The role that each route requires: the URL configuration beside one table.

A new route has no row, and fails the first test until someone decides who may use it.
"""

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success
from rest_framework.authtoken.models import Token

from registry.actions import tokens
from registry.models import Project
from tests import factories as make

pytestmark = pytest.mark.django_db

# Each may what those before it may; `stranger` has a login, and no group.
ROLES = ["anonymous", "stranger", "viewer", "lead", "admin", "superuser"]
NOBODY = "nobody"
# What a row leaves out is open to nobody.
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def admin_model(name, look="viewer", change=NOBODY, add=NOBODY, delete=NOBODY):
    """The pages that Django gives to each model: list, page, history, and where they lead."""
    base = f"admin/{name}/"
    page = f"{base}<path:object_id>/"
    return {
        base: {"GET": look, "POST": look},  # posted: the actions on marked rows, and there are none
        f"{base}add/": {"GET": add, "POST": add},
        f"{page}change/": {"GET": look, "POST": change},
        f"{page}history/": {"GET": look, "POST": look},
        f"{page}delete/": {"GET": delete, "POST": delete},
        page: {"GET": "viewer", "POST": "viewer"},  # leads to the page, which asks
    }


def dialogs(path, **roles):
    """Dialogs of actions: to open one needs what doing it needs."""
    return {f"{path}{action}/": {"GET": role, "POST": role} for action, role in roles.items()}


_LOGIN = {"GET": "anonymous", "POST": "anonymous"}
_STAFF = {"GET": "viewer", "POST": "viewer"}
_READ = {"GET": "viewer"}
_VERSION = "admin/registry/modelversion/<path:object_id>/"
_PROJECT = "admin/registry/project/<path:object_id>/"
_WEBHOOK = "admin/registry/webhook/<path:object_id>/"
_RUN = "admin/registry/trainingrun/<path:object_id>/"

TABLE = {
    "admin/": _STAFF,
    "admin/login/": _LOGIN,
    "admin/logout/": {"POST": "anonymous"},
    "admin/password_change/": _STAFF,
    "admin/password_change/done/": _READ,
    "admin/autocomplete/": _READ,
    "admin/search/": _STAFF,
    "admin/jsi18n/": _READ,
    "admin/r/<path:content_type_id>/<path:object_id>/": {},
    "admin/^(?P<app_label>auth|authtoken|django_q|registry)/$": _STAFF,
    "admin/(?P<url>.*)$": {},
    # The registry
    **admin_model("registry/project", change="admin"),
    **dialogs(
        _PROJECT,
        train_now="lead",
        check_connection="lead",
        roll_back="lead",
        archive="lead",
        unarchive="lead",
        label_next_tab="lead",
        set_credentials="admin",
        confirm_hostname="admin",
        rename_label="admin",
        undo_rename="admin",
    ),
    f"{_PROJECT}connect/": {"GET": "viewer", "POST": "admin"},
    f"{_PROJECT}suspect_labels/": _STAFF,
    f"{_PROJECT}annotators/": _STAFF,
    "admin/registry/project/archive-gone/": {"GET": "lead", "POST": "lead"},
    **admin_model("registry/modelversion"),
    **dialogs(
        _VERSION,
        promote="lead",
        roll_back="lead",
        write_note="lead",
        write_tags="lead",
        archive="lead",
        unarchive="lead",
        clear_load_failure="lead",
    ),
    "admin/registry/modelversion/compare/": _STAFF,
    "admin/registry/modelversion/compare-many/": _STAFF,
    "admin/registry/modelversion/<int:version_id>/download/": _STAFF,
    "admin/registry/modelversion/<int:version_id>/export/": _STAFF,
    **admin_model("registry/trainingrun"),
    **dialogs(_RUN, cancel="lead", retry="lead"),
    "admin/registry/trainingrun/<int:run_id>/progress/": _STAFF,
    **admin_model("registry/target"),
    **admin_model("registry/metric"),
    **admin_model("registry/outcome"),
    **admin_model("registry/task"),
    **admin_model("registry/event"),
    **admin_model("registry/auditentry"),
    **admin_model("registry/worker"),
    **admin_model("registry/accesskey", look="admin", add="admin"),
    **dialogs("admin/registry/accesskey/<path:object_id>/", revoke="admin"),
    "admin/registry/accesskey/<int:key_id>/used/": {"GET": "admin", "POST": "admin"},
    **admin_model("registry/webhook", look="admin", add="admin"),
    **dialogs(_WEBHOOK, disable="admin", enable="admin", send_test="admin"),
    f"{_WEBHOOK}new_secret/": {"GET": "admin", "POST": "admin"},
    **admin_model("registry/webhookdelivery", look="admin"),
    # Accounts and jobs
    **admin_model("auth/user", look="admin", change="admin", add="admin", delete="admin"),
    "admin/auth/user/<id>/password/": {"GET": "admin", "POST": "admin"},
    **admin_model("auth/group", look="admin", change="admin", add="admin", delete="admin"),
    **admin_model(
        "authtoken/tokenproxy", look="admin", change="admin", add="admin", delete="admin"
    ),
    **admin_model("django_q/success", look="admin", change="superuser", delete="superuser"),
    **admin_model("django_q/failure", look="admin", change="superuser", delete="superuser"),
    **admin_model("django_q/ormq", look="admin", change="superuser", delete="superuser"),
    **admin_model("django_q/schedule", look="admin"),
    # REST
    "api/": {"GET": "stranger"},
    "api/schema/": {"GET": "stranger"},
    "api/docs/": {"GET": "stranger"},
    "api/projects/": _READ,
    "api/projects/<int:pk>/": {"GET": "viewer", "PATCH": "admin"},
    "api/projects/<int:pk>/auto-accept/": _READ,
    "api/projects/<int:pk>/label-next/": _READ,
    "api/projects/<int:pk>/metrics/": _READ,
    "api/projects/<int:pk>/prequential/": _READ,
    "api/projects/<int:pk>/roll-back/": {"POST": "lead"},
    "api/projects/<int:pk>/archive/": {"POST": "lead"},
    "api/projects/<int:pk>/unarchive/": {"POST": "lead"},
    "api/projects/<int:pk>/label-next-tab/": {"POST": "lead"},
    "api/projects/<int:pk>/check-connection/": {"POST": "lead"},
    "api/projects/<int:pk>/set-credentials/": {"POST": "admin"},
    "api/projects/<int:pk>/confirm-hostname/": {"POST": "admin"},
    "api/projects/<int:pk>/rename-label/": {"POST": "admin"},
    "api/projects/<int:pk>/undo-rename/": {"POST": "admin"},
    "api/projects/<int:pk>/similar/": _READ,
    "api/projects/<int:pk>/suspect-labels/": _READ,
    "api/projects/<int:pk>/annotators/": _READ,
    "api/versions/": _READ,
    "api/versions/<int:pk>/": _READ,
    "api/versions/<int:pk>/artifact/": _READ,
    "api/versions/<int:pk>/card/": _READ,
    "api/versions/<int:pk>/card/markdown/": _READ,
    "api/versions/<int:pk>/compare/": _READ,
    "api/versions/<int:pk>/dataset/": _READ,
    "api/versions/<int:pk>/exemplars/": _READ,
    "api/versions/<int:pk>/export/": _READ,
    "api/versions/<int:pk>/mistakes/": _READ,
    "api/versions/<int:pk>/promote/": {"POST": "lead"},
    "api/versions/<int:pk>/archive/": {"POST": "lead"},
    "api/versions/<int:pk>/unarchive/": {"POST": "lead"},
    "api/versions/<int:pk>/note/": {"POST": "lead"},
    "api/versions/<int:pk>/tags/": {"POST": "lead"},
    "api/versions/<int:pk>/clear-load-failure/": {"POST": "lead"},
    "api/runs/": {"GET": "viewer", "POST": "lead"},
    "api/runs/<int:pk>/": _READ,
    "api/runs/<int:pk>/cancel/": {"POST": "lead"},
    "api/runs/<int:pk>/retry/": {"POST": "lead"},
    "api/tasks/": _READ,
    "api/tasks/<int:pk>/": _READ,
    "api/tasks/<int:pk>/thumbnail/": _READ,
    "api/metrics/": _READ,
    "api/metrics/<int:pk>/": _READ,
    "api/outcomes/": _READ,
    "api/outcomes/<int:pk>/": _READ,
    "api/events/": _READ,
    "api/events/<int:pk>/": _READ,
    "api/audit-entries/": _READ,
    "api/audit-entries/<int:pk>/": _READ,
    "api/access-keys/": {"GET": "admin", "POST": "admin"},
    "api/access-keys/<int:pk>/": {"GET": "admin"},
    "api/access-keys/<int:pk>/revoke/": {"POST": "admin"},
    "api/webhooks/": {"GET": "admin", "POST": "admin"},
    "api/webhooks/<int:pk>/": {"GET": "admin"},
    "api/webhooks/<int:pk>/disable/": {"POST": "admin"},
    "api/webhooks/<int:pk>/enable/": {"POST": "admin"},
    "api/webhooks/<int:pk>/test/": {"POST": "admin"},
    "api/webhooks/<int:pk>/new-secret/": {"POST": "admin"},
    "api/webhook-deliveries/": {"GET": "admin"},
    "api/webhook-deliveries/<int:pk>/": {"GET": "admin"},
}
# Label Studio's routes: whose token opens them, beside every access key. tests/mlapi/protocol has
# more of them.
PROTOCOL = {
    "^$": "anonymous",
    "^health/?$": "anonymous",
    "^ready/?$": "anonymous",  # without details
    **{
        f"^{route}/?$": "viewer"
        for route in ("is_training", "job_status", "versions", "metrics", "validate")
    },
    **{f"^{route}/?$": "admin" for route in ("setup", "predict", "webhook", "train")},
}


# The admin's apps, which it has in the order in which their pages were imported.
_APPS = re.compile(r"(?<=<app_label>)[^)]+")


def routes(resolver=None, prefix=""):
    """Every route of the URL configuration, as it is written there, but apps by name."""
    for pattern in (resolver or get_resolver()).url_patterns:
        written = _APPS.sub(lambda m: "|".join(sorted(m[0].split("|"))), str(pattern.pattern))
        path = prefix + written
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, path)
        elif isinstance(pattern, URLPattern):
            yield path


def test_every_route_has_a_row_and_every_row_a_route():
    written = set(routes())
    known = set(TABLE) | set(PROTOCOL)
    assert not written - known, "who may use these? Give them rows"
    assert not known - written


@pytest.fixture
def rows():
    """A row of every model, by the part of the path that it stands in."""
    version = make.ModelVersionFactory()
    project = version.project
    make.promote(version)
    other = make.ModelVersionFactory(project=project)
    outcome = make.OutcomeFactory(version=version)
    someone = User.objects.create_user("someone")
    now = timezone.now()
    done = {"name": "n", "func": "f", "started": now, "stopped": now}
    return {
        "project": project.pk,
        "projects": project.pk,
        "modelversion": version.pk,
        "versions": version.pk,
        "other": other.pk,
        "trainingrun": version.run_id,
        "runs": version.run_id,
        "target": version.targets.first().pk,
        "metric": version.metrics.first().pk,
        "metrics": version.metrics.first().pk,
        "outcome": outcome.pk,
        "outcomes": outcome.pk,
        "task": outcome.task_id,
        "tasks": make.ImageTaskFactory(project=project).pk,
        "event": (event := make.EventFactory(project=project)).pk,
        "events": event.pk,
        "auditentry": project.audit_entries.first().pk,
        "audit-entries": project.audit_entries.first().pk,
        "worker": make.WorkerFactory().pk,
        "accesskey": (key := make.AccessKeyFactory()).pk,
        "access-keys": key.pk,
        "webhook": (webhook := make.WebhookFactory()).pk,
        "webhooks": webhook.pk,
        "webhookdelivery": (delivery := make.WebhookDeliveryFactory()).pk,
        "webhook-deliveries": delivery.pk,
        "user": someone.pk,
        "group": Group.objects.create(name="some group").pk,
        "tokenproxy": Token.objects.create(user=someone).user_id,
        "success": Success.objects.create(id="1" * 32, success=True, **done).pk,
        "failure": Failure.objects.create(id="2" * 32, success=False, **done).pk,
        "ormq": OrmQ.objects.create(key="events", payload="x", lock=now).pk,
        "schedule": Schedule.objects.create(func="f").pk,
    }


QUERIES = {
    "admin/autocomplete/": "?app_label=registry&model_name=event&field_name=project",
    "admin/registry/modelversion/compare/": "?a={modelversion}&b={other}",
    "admin/registry/modelversion/compare-many/": "?project={project}",
    "api/versions/<int:pk>/compare/": "?with={other}",
    "api/projects/<int:pk>/metrics/": "?name=primary",
    "api/projects/<int:pk>/similar/": "?task={tasks}",
}


def filled(route, rows):
    """The route as a path that can be requested, with an existing row."""
    if route.startswith("admin/^"):
        return "/admin/registry/"
    if route == "admin/(?P<url>.*)$":
        return "/admin/no/such/page/"
    if route.startswith("admin/r/"):
        return "/admin/r/1/1/"
    path = re.sub(r"([\w-]+)/<[^>]+>", lambda m: f"{m[1]}/{rows[m[1]]}", route)
    return "/" + path + QUERIES.get(route, "").format(**rows)


def logged_in(role):
    client = Client(raise_request_exception=False)
    if role == "anonymous":
        return client
    if role == "superuser":
        client.force_login(User.objects.create_superuser("root"))
        return client
    user = User.objects.create_user(role, is_staff=role != "stranger")
    if role != "stranger":
        user.groups.add(Group.objects.get(name=role))
    client.force_login(user)
    return client


def is_refused(response):
    """Whether the response is a redirect to the login, or 401, 403, 404 or 405."""
    to_login = response.status_code == 302 and "/login/" in response.url
    return to_login or response.status_code in {401, 403, 404, 405}


def request(client, method, path):
    """Sends an empty body, so that no state changes: an allowed request is answered as invalid."""
    return client.generic(
        method, path, "{}" if path.startswith("/api/") else "", "application/json"
    )


def requests_with_least_role():
    """Each request, and the index of the least role that may make it; of NOBODY it is past all.

    Without the one that would end the login.
    """
    for route, row in TABLE.items():
        if route == "admin/logout/":
            continue
        for method in METHODS if route.startswith("api/") else ("GET", "POST"):
            least = row.get(method, NOBODY)
            yield route, method, len(ROLES) if least == NOBODY else ROLES.index(least)


def wrong_answers(role, rows, is_requested=lambda place, least: True):
    """A line for each request that the role may make and is refused, or may not and gets."""
    client, place = logged_in(role), ROLES.index(role)
    wrong = []
    for route, method, least in requests_with_least_role():
        if not is_requested(place, least):
            continue
        may = place >= least
        response = request(client, method, filled(route, rows))
        if response.status_code >= 500 or is_refused(response) == may:
            wrong.append(f"{method} /{route}: {response.status_code}, {may=}")
    return "\n".join(wrong)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_is_first_allowed_to_it_and_not_what_is_first_allowed_to_the_next(
    role, rows
):
    """So each row is requested on both sides of its border, and all of them without a login.

    A role holds what those before it hold: `test_permissions` compares them.
    """
    wrong = wrong_answers(
        role, rows, lambda place, least: place == 0 or least in (place, place + 1)
    )
    assert not wrong, wrong


@pytest.mark.nightly
@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_its_row_says_and_no_more(role, rows):
    wrong = wrong_answers(role, rows)
    assert not wrong, wrong


def test_an_access_key_opens_no_page_and_no_rest_route(rows):
    key = make.AccessKeyFactory()
    client = Client(raise_request_exception=False)
    wrong = []
    for route in TABLE:
        for method in ("GET", "POST"):
            response = request(client, method, f"/k/{key.plain}{filled(route, rows)}")
            if not is_refused(response):
                wrong.append(f"{method} /{route}: {response.status_code}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("route", PROTOCOL)
def test_label_studios_routes_are_for_those_with_a_key(route):
    path = route.strip("^$").replace("/?", "")
    key = make.AccessKeyFactory()
    client = Client()
    client.force_login(User.objects.create_superuser("root"))  # a session opens none of them
    refused = {client.get(f"/{path}").status_code, client.post(f"/{path}").status_code} <= {401}
    assert refused == (PROTOCOL[route] != "anonymous")
    answers = [client.get(f"/k/{key.plain}/{path}"), client.post(f"/k/{key.plain}/{path}")]
    assert any(a.status_code not in {401, 403, 404, 405} for a in answers)


@pytest.mark.parametrize("role", ROLES)
def test_a_token_may_on_label_studios_routes_what_its_users_role_may(role):
    headers = {}
    if role != "anonymous":
        headers = {"authorization": f"Token {token_of(role)}"}
    client = Client(headers=headers)
    for route, least in PROTOCOL.items():
        path = "/" + route.strip("^$").replace("/?", "")
        answers = [client.get(path), client.post(path, "{}", "application/json")]
        may = ROLES.index(role) >= ROLES.index(least)
        opened = any(a.status_code not in {401, 403, 404, 405} for a in answers)
        assert opened == may, (route, role, [a.status_code for a in answers])
        if not may and role != "anonymous":
            codes = {a.json()["error"]["code"] for a in answers}
            assert codes <= {"route_not_permitted", "method_not_allowed"}


@pytest.mark.parametrize("role", ["stranger", "viewer", "lead"])
def test_a_token_without_the_permission_trains_nothing_and_writes_no_label(role):
    project = make.ProjectFactory()
    client = Client(headers={"authorization": f"Token {token_of(role)}"})
    stamp = {"id": int(project.uid.split(".")[0]), "created_at": created_at(project.uid)}
    task = {"id": 1, "data": {"text": "good"}, "annotations": [{"id": 1, "result": []}]}
    for path, body in [
        ("/webhook", {"action": "START_TRAINING", "project": stamp}),
        ("/webhook", {"action": "ANNOTATION_CREATED", "project": stamp, "task": task}),
        ("/train", {"project": project.uid, "annotations": [task]}),
        ("/setup", {"project": "99.1795420359", "schema": make.LABEL_CONFIG}),
        ("/predict", {"project": project.uid, "tasks": [task]}),
    ]:
        assert client.post(path, body, "application/json").status_code == 403
    assert not project.events.exists()
    assert not project.runs.exists()
    assert list(Project.objects.all()) == [project]


def token_of(role):
    """The token of a user who has the role."""
    if role == "superuser":
        user = User.objects.create_superuser("root")
    else:
        user = User.objects.create_user(role)
        user.groups.add(*Group.objects.filter(name=role))
    return tokens.new_token(user)


def created_at(uid):
    """The time in a project's uid, as webhooks have it."""
    return datetime.fromtimestamp(int(uid.split(".")[1]), UTC).isoformat()
