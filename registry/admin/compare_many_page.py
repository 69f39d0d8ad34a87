"""The context of the page that shows many versions of a project in one table."""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import Http404, QueryDict
from django.utils.text import capfirst

from registry.formatting import metric_value
from registry.metrics import Direction, Measure, metric_info, title
from registry.models import ModelVersion, Project
from registry.permissions import may_view
from registry.reports import shown_models
from registry.reports.version_table import VersionRow, version_table

from .markup import ago, version_badge
from .navigation import link

_CHOICES = 100  # versions that can be ticked, the newest
_FIRST = 5  # of which so many are ticked before one is chosen


def context(user: AbstractBaseUser | AnonymousUser, query: QueryDict) -> dict[str, Any]:
    """`?project=&v=&v=&metric=&metric=`: ids of versions, and measures as `measure_key` has them.

    Without `v` the newest ones, without `metric` all. Raises Http404 for an unknown project.
    """
    project = _project(query.get("project", ""))
    newest = ModelVersion.objects.filter(project=project).defer("environment").order_by("-number")
    choices = list(newest[:_CHOICES])
    for version in choices:  # its champion decides their states
        version.project = project
    ticked = set(query.getlist("v")) or {str(version.pk) for version in choices[:_FIRST]}
    table = version_table([version for version in choices if str(version.pk) in ticked])
    known = {measure_key(measure): measure for measure in table.measures}
    chosen = {key: known[key] for key in query.getlist("metric") if key in known} or known
    return {
        "title": "Compare versions",
        "project": project,
        "project_link": link(project, project.name),
        "may_compare": may_view(user, *shown_models.COMPARISON),
        "choices": [
            {"version": version, "ticked": str(version.pk) in ticked} for version in choices
        ],
        "metrics": [
            {"key": key, "name": _name(measure), "ticked": key in chosen}
            for key, measure in known.items()
        ],
        "columns": [_column(measure) for measure in chosen.values()],
        "rows": [_row(row, chosen) for row in table.rows],
    }


def _project(number: str) -> Project:
    project = Project.objects.filter(pk=number).first() if number.isdecimal() else None
    if project is None:
        raise Http404("This project does not exist.")
    return project


def measure_key(measure: Measure) -> str:
    """A measure as the form has it: `primary`, `macro_f1 of label`, `precision_at_k (5) of is`."""
    k = f" ({measure.k})" if measure.k else ""
    metric = f" {measure.metric}" if measure.name == "primary" else ""
    return f"{measure.name}{metric}{k}{f' of {measure.target}' if measure.target else ''}"


def _name(measure: Measure) -> str:
    of = f" of {measure.target}" if measure.target else ""
    return f"{capfirst(title(measure.name, measure.metric, measure.k))}{of}"


def _column(measure: Measure) -> dict[str, Any]:
    return {
        "name": _name(measure),
        "lower": metric_info(measure.metric).direction == Direction.LOWER,
    }


def _row(row: VersionRow, chosen: Mapping[str, Measure]) -> dict[str, Any]:
    version = row.version
    return {
        "link": link(version),
        "state": version_badge(version),
        "tags": version.tags,
        "values": [_value(measure, row) for measure in chosen.values()],
        "recipe": version.recipe,
        "tasks": ", ".join(f"{n:,} {split}" for split, n in row.tasks.items()),
        "options": ", ".join(f"{name} {value}" for name, value in row.options.items()),
        "seconds": "–" if row.seconds is None else f"{row.seconds:.1f} s",
        "created": ago(version.created_at),
        "note": version.note,
    }


def _value(measure: Measure, row: VersionRow) -> dict[str, Any]:
    value, n = row.values.get(measure, (None, 0))
    return {"value": metric_value(measure.name, value), "n": n if value is not None else None}
