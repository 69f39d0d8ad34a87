"""The schema: its snapshot, its docs, and every route held to it by schemathesis."""

from pathlib import Path

import pytest
import schemathesis
import yaml
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from hypothesis import HealthCheck, Phase
from hypothesis import settings as bounded
from schemathesis.checks import not_a_server_error
from schemathesis.generation.hypothesis.builder import (
    HypothesisTestConfig,
    HypothesisTestMode,
    create_test,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests import factories as make
from tests.registry.reports.records import clusters
from tests.wsgi import open_connection

from .conftest import code

__all__ = ["open_connection"]

SNAPSHOT = Path(settings.BASE_DIR) / "docs" / "openapi.yaml"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
DOCUMENT = yaml.load(SNAPSHOT.read_text(encoding="utf-8"), yaml.CSafeLoader)
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
SCHEMA.app = get_wsgi_application()
OPERATIONS = {one.ok().label: one.ok() for one in SCHEMA.get_all_operations()}
each_operation = pytest.mark.parametrize("operation", OPERATIONS)


def test_the_snapshot_is_the_schema():
    drawn = OpenApiYamlRenderer().render(SchemaGenerator().get_schema(public=True), {})
    assert drawn.decode() == SNAPSHOT.read_text(encoding="utf-8"), "make openapi, and read the diff"


def test_the_schema_is_served_to_who_is_known(viewer, anonymous_caller):
    assert viewer.get("schema/").content.decode() == SNAPSHOT.read_text(encoding="utf-8")
    assert code(anonymous_caller.get("schema/")) == "credentials_missing"


def test_the_docs_fetch_nothing_from_elsewhere(client, django_user_model):
    assert client.get("/api/docs/").url == "/admin/login/?next=/api/docs/"
    client.force_login(django_user_model.objects.create_user("vic"))
    page = client.get("/api/docs/").content.decode()
    assert "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js" in page
    assert "http://" not in page.replace("http://testserver", "")
    assert "https://" not in page


@pytest.fixture
def rows(project, version):
    """The ids of a few rows of every resource."""
    newer = make.ModelVersionFactory(project=project)
    task = make.TaskFactory(project=project, labelled="Positive")
    answers = [
        make.OutcomeFactory(version=one, task=task, predicted=predicted, source="holdout")
        for one, predicted in ((version, "Positive"), (newer, "Negative"))
    ]
    failed = make.TrainingRunFactory(project=project, state="failed")
    waiting = make.TrainingRunFactory(project=make.ProjectFactory())
    return {
        "projects": [project.pk, waiting.project_id],
        "versions": [version.pk, newer.pk, clusters(project, {"cats": 3}).pk],
        "runs": [failed.pk, waiting.pk],
        "tasks": [
            task.pk,
            *(one.pk for one in make.ImageTaskFactory.create_batch(2, project=project)),
        ],
        "metrics": [metric.pk for metric in version.metrics.all()],
        "outcomes": [answer.pk for answer in answers],
        "events": [make.EventFactory(project=project).pk],
        "audit-entries": [entry.pk for entry in project.audit_entries.all()],
        "access-keys": [make.AccessKeyFactory(project=project).pk for _ in range(2)],
        "webhooks": [make.WebhookFactory(project=project).pk for _ in range(2)],
        "webhook-deliveries": [make.WebhookDeliveryFactory().pk for _ in range(2)],
    }


def use_existing_ids(case, rows):
    """Makes most ids those of existing rows, since every other id answers the same 404."""
    resource = case.operation.path.split("/")[2]
    for place, name, ids in (
        (case.path_parameters, "id", rows[resource]),
        (case.query, "with", rows["versions"]),
        (case.query, "version", rows["versions"]),
        (case.query, "project", rows["projects"]),
        (case.query, "task", rows["tasks"]),
        (case.body, "project", rows["projects"]),
        (case.body, "to", rows["versions"]),
    ):
        value = place.get(name) if isinstance(place, dict) else None
        if type(value) is int and value % 4:
            place[name] = ids[value % len(ids)]


def check_operation(operation, caller, rows, *, random: int, bounds: bool) -> None:
    """Make random requests of the operation; with `bounds` some 50 more, one for each bound of a
    parameter.

    Not by the schema's own `parametrize`, which makes them when tests are collected: in each
    worker, and also those of the night.
    """

    def answer(case) -> None:
        use_existing_ids(case, rows)
        case.call_and_validate(headers=caller.headers, checks=CHECKS)

    modes = [HypothesisTestMode.FUZZING]
    if bounds:
        modes += [HypothesisTestMode.EXAMPLES, HypothesisTestMode.COVERAGE]
    limits = bounded(
        max_examples=random,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )
    config = HypothesisTestConfig(
        project=SCHEMA.config, modes=modes, explicit_settings=limits, settings=limits
    )
    create_test(operation=OPERATIONS[operation], test_func=answer, config=config)()


@each_operation
def test_every_answer_is_in_the_schema(operation, admin, rows, open_connection):
    check_operation(operation, admin, rows, random=5, bounds=False)


@each_operation
def test_every_answer_to_a_viewer_is_in_the_schema(operation, viewer, rows, open_connection):
    check_operation(operation, viewer, rows, random=3, bounds=False)


@pytest.mark.nightly
@pytest.mark.parametrize("who", ["admin", "viewer"])
@each_operation
def test_a_hundred_answers_of_each_route_are_in_the_schema(
    operation, who, rows, open_connection, request
):
    caller = request.getfixturevalue(who)
    check_operation(operation, caller, rows, random=100, bounds=True)


def test_every_operation_has_a_short_summary_and_the_first_tags_are_the_main_ones():
    operations = [op for path in DOCUMENT["paths"].values() for op in path.values()]
    assert all(0 < len(operation["summary"]) <= 130 for operation in operations)
    assert [tag["name"] for tag in DOCUMENT["tags"][:3]] == ["projects", "versions", "runs"]
    assert {tag for op in operations for tag in op["tags"]} == {t["name"] for t in DOCUMENT["tags"]}
