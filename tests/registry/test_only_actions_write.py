"""Rows of the registry are written by `registry/actions` and nowhere else."""

import ast
from pathlib import Path

import pytest

from registry import models

ROOT = Path(__file__).parents[2]
ACTIONS = ROOT / "registry" / "actions"
MODELS = set(models.__all__)
RELATED = {
    "annotations",
    "audit_entries",
    "events",
    "exemplars",
    "features",
    "keys",
    "metrics",
    "outcomes",
    "runs",
    "targets",
    "tasks",
    "versions",
}
WRITES = {
    "acreate",
    "adelete",
    "asave",
    "aupdate",
    "bulk_create",
    "bulk_update",
    "create",
    "delete",
    "get_or_create",
    "save",
    "update",
    "update_or_create",
}
SOURCES = sorted(
    path
    for package in ("registry", "mlapi", "evals_backend")
    for path in (ROOT / package).rglob("*.py")
    if ACTIONS not in path.parents and "migrations" not in path.parts
)


def writes(tree: ast.AST) -> list[str]:
    """Calls that write a registry model: through its manager, a related manager, or `save()`.

    `.update()` and `.delete()` count only on something that begins with a model's manager:
    dicts, sets and hashes have an `update` too.
    """
    found = []
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr not in WRITES:
            continue
        source = ast.unparse(node.func.value)
        names = {n.id for n in ast.walk(node.func.value) if isinstance(n, ast.Name)}
        attributes = {n.attr for n in ast.walk(node.func.value) if isinstance(n, ast.Attribute)}
        on_a_manager = names & MODELS and attributes & {"objects", "_base_manager"}
        on_related = isinstance(node.func.value, ast.Attribute) and attributes & RELATED
        # A row's save() takes no positional argument; super().save() is a model's own method.
        saves_a_row = node.func.attr in {"save", "asave"} and not node.args and source != "super()"
        if on_a_manager or on_related or saves_a_row:
            found.append(f"line {node.lineno}: {source}.{node.func.attr}()")
    return found


def test_only_actions_write_rows_of_the_registry():
    offenders = [
        f"{path.relative_to(ROOT)}, {write}"
        for path in SOURCES
        for write in writes(ast.parse(path.read_text()))
    ]
    assert not offenders, "\n".join(offenders)


@pytest.mark.parametrize(
    "code",
    [
        "Project.objects.create(uid='1.1')",
        "Project.objects.filter(pk=1).update(champion=None)",
        "models.TrainingRun.objects.filter(pk=1).update(state='failed')",
        "run.state = 'failed'\nrun.save()",
        "Task.objects.bulk_create([])",
        "project.runs.create()",
        "Event.objects.all().delete()",
    ],
)
def test_such_a_write_would_be_found(code):
    found = writes(ast.parse(code.replace("models.TrainingRun", "TrainingRun")))
    assert found


def test_the_check_finds_the_writes_of_actions():
    assert writes(ast.parse((ACTIONS / "champion.py").read_text()))
