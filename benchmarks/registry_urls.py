"""What `benchmarks/registry.py` asks for: every page and route, in every way that each offers."""

from collections.abc import Iterator
from typing import Any


def sample_rows() -> dict[str, Any]:
    """For each model a row that has much: the first project has most events."""
    from registry.actions import webhooks
    from registry.models import (
        AccessKey,
        AuditEntry,
        Event,
        Metric,
        ModelVersion,
        Outcome,
        Project,
        Target,
        Task,
        Webhook,
        WebhookDelivery,
        Worker,
    )

    project = Project.objects.order_by("pk").first()
    champion = project.champion
    before = ModelVersion.objects.filter(project=project).exclude(pk=champion.pk).first()
    if not Webhook.objects.exists():
        url = "https://hooks.example.com/"
        made, _ = webhooks.new_webhook(
            "seeded", url=url, topics=["run_failed"], format="json", actor="benchmark"
        )
        webhooks.send_test(made, actor="benchmark")
    Worker.objects.get_or_create(cluster="events", hostname="h", defaults={"heartbeat_at": _now()})
    return {
        "project": project,
        "modelversion": champion,
        "before": before,
        "trainingrun": champion.run,
        "target": Target.objects.filter(version=champion).first(),
        "metric": Metric.objects.filter(version=champion).first(),
        "outcome": Outcome.objects.filter(version=champion).first(),
        "task": Task.objects.filter(project=project).first(),
        "event": Event.objects.filter(project=project).first(),
        "auditentry": AuditEntry.objects.filter(project=project).first(),
        "accesskey": AccessKey.objects.filter(project=project).first(),
        "webhook": Webhook.objects.first(),
        "webhookdelivery": WebhookDelivery.objects.first(),
        "worker": Worker.objects.first(),
    }


def _now() -> Any:
    from django.utils import timezone

    return timezone.now()


def admin_urls() -> Iterator[str]:
    """The home page, and each model's list, in every way that it can be asked for, and page."""
    from django.contrib import admin

    import evals_backend.urls  # noqa: F401 - registers the admin's pages

    rows = sample_rows()
    yield "/admin/"
    for model, page in admin.site._registry.items():
        if model._meta.app_label != "registry":
            continue
        base = f"/admin/registry/{model._meta.model_name}/"
        yield base
        yield base + "?p=100" if model._meta.model_name in {"metric", "event"} else base
        narrow = _narrowed(model, rows)
        for column in range(1, len(page.list_display) + 1):
            yield f"{base}?o={column}"
            if narrow:
                yield f"{base}?{narrow}&o={column}"
        for word in _words(rows):
            yield f"{base}?q={word}"
        for query in _filters(page, rows):
            yield f"{base}?{query}"
        row = rows.get(model._meta.model_name) or model._base_manager.first()
        if row is not None:
            yield f"{base}{row.pk}/change/"
            for item in page._extract_action_names(page.actions_detail):
                yield f"{base}{row.pk}/{item}/"
    version, before = rows["modelversion"].pk, rows["before"].pk
    yield f"/admin/registry/modelversion/compare/?a={version}&b={before}"
    yield f"/admin/registry/trainingrun/{rows['trainingrun'].pk}/progress/"
    yield f"/admin/registry/project/{rows['project'].pk}/connect/"
    for model, field in (("event", "project"), ("outcome", "version")):
        query = f"?app_label=registry&model_name={model}&field_name={field}"
        yield f"/admin/autocomplete/{query}"
        yield f"/admin/autocomplete/{query}&term={'Project' if field == 'project' else 'v7'}"


def _narrowed(model: Any, rows: dict[str, Any]) -> str:
    fields = {f.name for f in model._meta.fields}
    if "project" in fields:
        return f"project__id__exact={rows['project'].pk}"
    if "version" in fields:
        return f"version__id__exact={rows['modelversion'].pk}"
    return ""


def _words(rows: dict[str, Any]) -> list[str]:
    """What may be typed into a search box: what is there often, once, and never."""
    return [
        "Project",
        "17",
        rows["modelversion"].label,
        rows["event"].request_id,
        "out_of_memory",
        "ANNOTATION_CREATED",
        "policy",
        "nothing-is-called-this",
    ]


def _filters(page: Any, rows: dict[str, Any]) -> Iterator[str]:
    """Every filter of a list with every value that it offers."""
    from django.test import RequestFactory

    for given in page.list_filter:
        if isinstance(given, tuple) and given[0] in {"project", "version"}:
            row = rows["project" if given[0] == "project" else "modelversion"]
            yield f"{given[0]}__id__exact={row.pk}"
        elif isinstance(given, tuple):
            yield f"{given[0]}__isempty=0"
            yield f"{given[0]}__isempty=1"
        elif isinstance(given, str):
            field = page.model._meta.get_field(given)
            values = [v for v, _ in field.choices] if field.choices else [0, 1]
            yield from (f"{given}__exact={value}" for value in values)
        else:
            made = given(RequestFactory().get("/"), {}, page.model, page)
            choices = getattr(made, "lookup_choices", [])
            yield from (f"{made.parameter_name}={value}" for value, _ in choices)


def rest_urls() -> Iterator[str]:
    """Every GET of the schema; each parameter with every value that it may have, or a likely one.

    Each is asked for in all rows, and within a project or version. Long lists refuse the former.
    """
    from drf_spectacular.generators import SchemaGenerator

    rows = sample_rows()
    ids = {
        "access-keys": rows["accesskey"],
        "audit-entries": rows["auditentry"],
        "events": rows["event"],
        "metrics": rows["metric"],
        "outcomes": rows["outcome"],
        "projects": rows["project"],
        "runs": rows["trainingrun"],
        "tasks": rows["task"],
        "versions": rows["modelversion"],
        "webhook-deliveries": rows["webhookdelivery"],
        "webhooks": rows["webhook"],
    }
    likely = _likely(rows)
    for path, methods in SchemaGenerator().get_schema(request=None, public=True)["paths"].items():
        if "get" not in methods or path.endswith(_NOT_OUR_ROWS):
            continue
        filled = path.replace("{id}", str(ids[path.split("/")[2]].pk))
        parameters = [p for p in methods["get"].get("parameters", []) if p["in"] == "query"]
        needed = [f"{p['name']}={likely[p['name']]}" for p in parameters if p.get("required")]
        within = [f"{p['name']}={likely[p['name']]}" for p in parameters if p["name"] in _WITHIN]
        yield _joined(filled, needed)
        for narrow in ([], *([one] for one in within)):
            yield _joined(filled, needed + narrow)
            for parameter in parameters:
                for value in _values(parameter, likely):
                    yield _joined(filled, [*needed, *narrow, f"{parameter['name']}={value}"])


_WITHIN = {"project", "version"}
# Files, and what the engine knows of images: the seeded projects have neither.
_NOT_OUR_ROWS = ("/artifact/", "/thumbnail/", "/similar/")


_MOMENTS = ("at", "created", "received", "labels_changed")


def _joined(path: str, query: list[str]) -> str:
    names = dict(part.split("=", 1) for part in query)
    return path + ("?" + "&".join(f"{k}={v}" for k, v in names.items()) if names else "")


def _values(parameter: dict[str, Any], likely: dict[str, Any]) -> list[Any]:
    schema = parameter["schema"]
    if "enum" in schema:
        return schema["enum"]
    if schema.get("type") == "boolean":
        return ["true", "false"]
    return [likely[parameter["name"]]] if parameter["name"] in likely else []


def _likely(rows: dict[str, Any]) -> dict[str, Any]:
    """A value for each parameter, by its name."""
    project, version, event = rows["project"], rows["modelversion"], rows["event"]
    moment = event.received_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "project": project.pk,
        "version": version.pk,
        "run": version.run_id,
        "task": rows["task"].pk,
        "with": rows["before"].pk,
        "actor": "policy",
        "number": 7,
        "step": 56,
        "days": 90,
        "limit": 50,
        "offset": 100,
        "page_size": 500,
        "name": "primary",
        "target": "label",
        "label": "Class 1",
        "human": "Class 1",
        "predicted": "Class 1",
        "split": "holdout",
        "action": event.action,
        "request_id": event.request_id,
        "verb": "promote",
        "error_code": "out_of_memory",
        "pipeline": version.pipeline,
        "recipe": version.recipe,
        "hostname": project.hostname,
        "labelstudio_id": rows["task"].labelstudio_id,
        "uid": project.uid,
        "search": "Project",
        **{f"{name}_after": moment for name in _MOMENTS},
        **{f"{name}_before": moment for name in _MOMENTS},
    }


def urls() -> list[str]:
    """All of them, each once."""
    return list(dict.fromkeys([*admin_urls(), *rest_urls()]))
