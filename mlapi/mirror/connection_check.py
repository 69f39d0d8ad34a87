"""Tries each step between us and Label Studio, and names the one that fails and its cure."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.credentials import Credentials, candidates, no_credentials, open_project
from mlapi.labelstudio.errors import LabelStudioError
from mlapi.mirror import webhook_repair
from registry.actions import projects as project_actions
from registry.models import Project

SOURCES = {
    "project": "The project's own token",
    "environment": "LABEL_STUDIO_API_KEY",
    "setup": "The token from /setup",
}
# What Label Studio serves itself, and only with a token.
_OWN_MEDIA = ("/data/", "/storage-data/", "/tasks/")


@dataclass(frozen=True)
class Step:
    """One step of a check: what was seen, and what to do where it failed."""

    step: str
    ok: bool
    detail: str
    cure: str = ""

    @classmethod
    def failed(cls, error: LabelStudioError, at: str) -> "Step":
        return cls(error.step or at, False, error.message, error.hint)


def check(project: Project, fix: bool = False) -> dict[str, Any]:
    """Try the steps; without the first three there are no others, the others stand alone.

    Returns and stores `{"ok", "steps": [{"step", "ok", "detail", "cure"}], "failed",
    "source", "url"}`. With `fix` the project's webhook is created or repaired.
    """
    pairs = candidates(project)
    if not pairs:
        return _record(project, [Step.failed(no_credentials(project), "token")], None)
    steps = [_reach(pairs[0])]
    if steps[-1].ok:
        steps.append(_token(pairs[0]))
    if not steps[-1].ok:
        return _record(project, steps, pairs[0])
    try:
        labelstudio, pair, found = open_project(project)
    except LabelStudioError as error:
        steps.append(Step.failed(error, "project"))
        return _record(project, steps, pairs[0])
    with labelstudio:
        if pair != pairs[0]:  # its own first pair leads to another Label Studio
            steps = [_reach(pair), _token(pair)]
        steps.append(Step("project", True, found.get("title") or project.uid))
        steps.append(_tried("webhook", lambda: webhook_repair.check(labelstudio, project, fix=fix)))
        steps.append(_tried("export", lambda: _export(labelstudio, project)))
        steps.append(_tried("media", lambda: _media(labelstudio, project)))
    return _record(project, steps, pair)


def record_failure(project: Project, error: LabelStudioError, source: str = "") -> None:
    """Keep an error that was met outside of a check as the failed step that it is."""
    pair = next((c for c in candidates(project) if not source or c.source == source), None)
    _record(project, [Step.failed(error, "export")], pair)


def _record(project: Project, steps: list[Step], pair: Credentials | None) -> dict[str, Any]:
    failed = next((step.step for step in steps if not step.ok), None)
    report = {
        "ok": failed is None,
        "steps": [asdict(step) for step in steps],
        "failed": failed,
        "source": pair.source if pair else "",
        "url": pair.url if pair else "",
    }
    project_actions.record_connection(project, report)
    return report


def _tried(name: str, attempt: Callable[[], str]) -> Step:
    """The step's outcome: `attempt` returns what it saw, or raises a LabelStudioError."""
    try:
        return Step(name, True, attempt())
    except LabelStudioError as error:
        return Step(name, False, error.message, error.hint)


def _reach(pair: Credentials) -> Step:
    def attempt() -> str:
        with LabelStudio(pair.url, pair.key) as labelstudio:
            labelstudio.health()
        return f"{pair.url} answers"

    return _tried("reach", attempt)


def _token(pair: Credentials) -> Step:
    def attempt() -> str:
        with LabelStudio(pair.url, pair.key) as labelstudio:
            return f"{SOURCES[pair.source]}: user {labelstudio.whoami().get('email')}"

    return _tried("token", attempt)


def _export(labelstudio: LabelStudio, project: Project) -> str:
    """One task is read as the first sync reads them all."""
    first = next(labelstudio.all_tasks(project.labelstudio_id), [])[:1]
    if not first:
        return "The project has no tasks yet"
    read = list(labelstudio.export(project.labelstudio_id, [first[0]["id"]]))
    return f"Task {read[0]['id']} was read" if read else "Its tasks can be listed"


def _media(labelstudio: LabelStudio, project: Project) -> str:
    """The first file that a task names and Label Studio serves is asked for its first byte."""
    page = next(labelstudio.all_tasks(project.labelstudio_id), [])
    for task in page[:20]:
        for value in task["data"].values():
            if isinstance(value, str) and value.startswith(_OWN_MEDIA):
                with labelstudio.open(value, headers={"Range": "bytes=0-0"}) as response:
                    return f"{value[:80]} answers {response.status_code}"
    return "Its tasks name no files of Label Studio"
