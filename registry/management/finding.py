"""Finds the rows that a command names: a project or a version by any of its names, others by id."""

from django.core.management.base import CommandError
from django.db.models import Q

from registry.models import AccessKey, ModelVersion, Project, TrainingRun

_LARGEST_ID = 2**63 - 1


def find_project(name: str) -> Project:
    """By uid, by our id, or by Label Studio's id where only one project has it."""
    is_id = name.isascii() and name.isdecimal() and int(name) <= _LARGEST_ID
    by_id = Q(pk=int(name)) if is_id else Q(pk__in=[])
    projects = Project.objects.select_related("champion")
    for condition in (Q(uid=name), by_id, Q(uid__startswith=f"{name}.")):
        found = list(projects.filter(condition)[:2])
        if len(found) == 1:
            return found[0]
    raise CommandError(f"There is no project {name!r}; see `manage.py projects`.")


def find_version(project: Project, name: str) -> ModelVersion:
    """By label (`v7-3fa2c1`) or number (`v7`, `7`)."""
    versions = ModelVersion.objects.filter(project=project)
    number = name.removeprefix("v")
    is_number = number.isascii() and number.isdecimal() and len(number) < 10
    condition = Q(number=int(number)) if is_number else Q(label=name)
    version = versions.filter(condition).select_related("project", "run").first()
    if version is None:
        raise CommandError(
            f"{project} has no version {name!r}; see `manage.py versions {project.uid}`."
        )
    return version


def find_run(run_id: int) -> TrainingRun:
    """By id."""
    run = TrainingRun.objects.select_related("project").filter(pk=run_id).first()
    if run is None:
        raise CommandError(f"There is no run {run_id}; see `manage.py runs`.")
    return run


def find_key(key_id: int) -> AccessKey:
    """By id."""
    key = AccessKey.objects.select_related("project").filter(pk=key_id).first()
    if key is None:
        raise CommandError(f"No key has the id {key_id}; see `access_key list`.")
    return key
