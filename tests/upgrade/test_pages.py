"""Every page and every REST list of what stands opens, for those for whom it did."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse

import evals_backend.urls  # noqa: F401 - registers the admin's pages
from registry.actions import webhooks
from registry.models import Task
from tests.registry.test_access_table import METHODS, ROLES, TABLE, filled, is_refused, request

pytestmark = pytest.mark.django_db

# Whose pages differ most: all are opened. Of the others a few.
ALL = {"project", "modelversion", "trainingrun"}
FEW = 3


@pytest.fixture(autouse=True)
def newer_than_the_dump(db):
    """A row of the models that the dump does not have."""
    url = "https://hooks.example.com/"
    made, _ = webhooks.new_webhook(
        "newer", url=url, topics=["run_failed"], format="json", actor="tester"
    )
    webhooks.send_test(made, actor="tester")


@pytest.fixture
def rows():
    """A row of every model, by the part of the path that it stands in."""
    ids = {m._meta.model_name: m._default_manager.first().pk for m in admin.site._registry}
    # A task of which there is an image without a fetch, and features.
    inline = Task.objects.get(data__image__startswith="data:", project=5)
    rest = {
        "versions": ids["modelversion"],
        "runs": ids["trainingrun"],
        "other": ids["modelversion"] + 1,
        "metrics": ids["metric"],
        "outcomes": ids["outcome"],
        "tasks": inline.pk,
        "projects": inline.project_id,
        "events": ids["event"],
        "audit-entries": ids["auditentry"],
        "access-keys": ids["accesskey"],
        "webhooks": ids["webhook"],
        "webhook-deliveries": ids["webhookdelivery"],
    }
    return ids | rest


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda m: m._meta.model_name)
def test_the_admins_lists_and_pages_open(log_in, model):
    client = log_in("root")
    base = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"{base}_changelist")).status_code == 200
    shown = list(model._default_manager.order_by("pk"))
    assert shown
    step = 1 if model._meta.model_name in ALL else max(1, len(shown) // FEW)
    for row in shown[::step]:
        assert client.get(reverse(f"{base}_change", args=[row.pk])).status_code == 200, row


def rest_lists() -> list[str]:
    return [r for r in TABLE if re.fullmatch(r"api/[\w-]+/", r) and r != "api/docs/"]


@pytest.mark.parametrize("route", rest_lists())
def test_the_rest_list_opens_with_everything_in_it(log_in, route):
    client = log_in("root")
    answer = client.get(f"/{route}")
    if answer.status_code == 400:  # it asks for a project or a version first
        answers = [client.get(f"/{route}", {name: 1}) for name in ("project", "version")]
        answer = next(a for a in answers if a.status_code == 200)
    assert answer.status_code == 200
    for row in answer.json().get("results", []) if route != "api/schema/" else []:
        assert client.get(f"/{route}{row['id']}/").status_code == 200


DATASET = "api/versions/<int:pk>/dataset/"


@pytest.mark.parametrize(
    "role", ["lead", *(pytest.param(r, marks=pytest.mark.nightly) for r in ("viewer", "admin"))]
)
def test_rest_answers_each_role_as_before(log_in, role, rows):
    client = log_in(role)
    wrong = []
    for route, row in TABLE.items():
        if not route.startswith("api/"):
            continue
        for method in METHODS:
            least = row.get(method, "nobody")
            may = least != "nobody" and ROLES.index(role) >= ROLES.index(least)
            answer = request(client, method, filled(route, rows))
            if route == DATASET and may and answer.status_code == 404:
                continue  # of a version of before the files are not here
            if answer.status_code >= 500 or is_refused(answer) == may:
                wrong.append(f"{method} /{route}: {answer.status_code}, {may=}")
    assert not wrong, "\n".join(wrong)
