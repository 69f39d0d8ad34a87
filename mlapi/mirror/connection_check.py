"""Checks the connection to Label Studio step by step: which step fails, why, and the cure."""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.credentials import Credentials, candidates, no_credentials, open_project
from mlapi.labelstudio.errors import LabelStudioError, Missing, Rejected, ServerError
from mlapi.labelstudio.http import READ_S
from mlapi.labelstudio.interruptible import Checkpoint, within
from mlapi.media import addresses
from mlapi.media.addresses import AddressRefused
from mlapi.media.labelstudio import LabelStudioMedia
from mlapi.mirror import webhook_repair
from registry.actions import projects as project_actions
from registry.errors import Overloaded, Refused
from registry.formatting import unreadable_tasks_text
from registry.models import Project

_FILES_TRIED = 5
# Of a check that a request waits for: less than the minute that clients and proxies wait.
_FOR_REQUEST_S = 45.0
_for_request = threading.Lock()
SOURCES = {
    "project": "The project's own token",
    "environment": "LABEL_STUDIO_API_KEY",
    "setup": "The token from /setup",
}


class AnotherCheck(Overloaded):
    """This process checks another connection at this moment."""

    retry_after_s = 60


@dataclass(frozen=True)
class Step:
    """One step of a check: its outcome, and the code and the cure of a failure."""

    step: str
    ok: bool
    detail: str
    cure: str = ""
    code: str = ""

    @classmethod
    def failed(cls, error: LabelStudioError, at: str) -> "Step":
        return cls(error.step or at, False, error.message, error.hint, error.code)


def check(
    project: Project, fix: bool = False, checkpoint: Checkpoint = lambda: None
) -> dict[str, Any]:
    """Run the steps: the first three stop at a failure, the others are independent.

    Returns and stores `{"ok", "steps": [{"step", "ok", "detail", "cure"}], "failed",
    "source", "url"}`. With `fix` the project's webhook is created or repaired. `checkpoint` is
    called while Label Studio is waited for, and may raise. Nothing is stored where the credentials
    are set meanwhile.
    """
    report = _try_steps(project, fix, checkpoint)
    project_actions.record_connection(project, report)
    return report


def check_for_request(project: Project) -> dict[str, Any]:
    """As `check`, within 45 s; the steps that did not end by then have failed.

    One at a time in a process, because it holds one of few threads that answer pages. Raises
    AnotherCheck beside another, and Refused where the credentials were set meanwhile.
    """
    if not _for_request.acquire(blocking=False):
        raise AnotherCheck("Another connection is being checked.", hint="Repeat it in a minute.")
    message = f"Label Studio took longer than the {_FOR_REQUEST_S:g} s of a check"
    try:
        report = _try_steps(project, checkpoint=within(_FOR_REQUEST_S, message))
    finally:
        _for_request.release()
    if not project_actions.record_connection(project, report):
        raise Refused("The credentials were set while they were checked: check them again.")
    return report


def record_failure(project: Project, error: LabelStudioError, source: str = "") -> None:
    """Record an error that was raised outside of a check as a failed step."""
    pair = next((c for c in candidates(project) if not source or c.source == source), None)
    report = _report([Step.failed(error, "export")], pair)
    project_actions.record_connection(project, report)


def _try_steps(
    project: Project, fix: bool = False, checkpoint: Checkpoint = lambda: None
) -> dict[str, Any]:
    pairs = candidates(project)
    if not pairs:
        return _report([Step.failed(no_credentials(project), "token")], None)
    steps = [_reach(pairs[0], checkpoint)]
    if steps[-1].ok:
        steps.append(_token(pairs[0], checkpoint))
    if not steps[-1].ok:
        return _report(steps, pairs[0])
    try:
        labelstudio, pair, data = open_project(project, checkpoint=checkpoint)
    except LabelStudioError as error:
        steps.append(Step.failed(error, "project"))
        return _report(steps, pairs[0])
    with labelstudio:
        if pair != pairs[0]:  # the first pair is of another Label Studio
            steps = [_reach(pair, checkpoint), _token(pair, checkpoint)]
        steps.append(Step("project", True, data.get("title") or project.uid))
        steps.append(
            _run_step("webhook", lambda: webhook_repair.check(labelstudio, project, fix=fix))
        )
        steps.append(_run_step("export", lambda: _export(labelstudio, project)))
        steps.append(_run_step("media", lambda: _media(labelstudio, project)))
    return _report(steps, pair)


def _report(steps: list[Step], pair: Credentials | None) -> dict[str, Any]:
    failed = next((step.step for step in steps if not step.ok), None)
    return {
        "ok": failed is None,
        "steps": [asdict(step) for step in steps],
        "failed": failed,
        "source": pair.source if pair else "",
        "url": pair.url if pair else "",
    }


def _run_step(name: str, attempt: Callable[[], str]) -> Step:
    """Run a step: `attempt` returns its detail, or raises a LabelStudioError."""
    try:
        return Step(name, True, attempt())
    except LabelStudioError as error:
        return Step(name, False, error.message, error.hint, error.code)


def _reach(pair: Credentials, checkpoint: Checkpoint) -> Step:
    def attempt() -> str:
        with LabelStudio(pair.url, pair.key, checkpoint=checkpoint) as labelstudio:
            labelstudio.health()
        return f"{pair.url} answers"

    return _run_step("reach", attempt)


def _token(pair: Credentials, checkpoint: Checkpoint) -> Step:
    def attempt() -> str:
        with LabelStudio(pair.url, pair.key, checkpoint=checkpoint) as labelstudio:
            return f"{SOURCES[pair.source]}: user {labelstudio.whoami().get('email')}"

    return _run_step("token", attempt)


def _export(labelstudio: LabelStudio, project: Project) -> str:
    """Exports one task, as the first sync exports all; else reads its page, as that sync would."""
    page = next(labelstudio.all_tasks(project.labelstudio_id), [])
    readable = [task["id"] for task in page if "data" in task][:1]
    if not page:
        return "The project has no tasks yet"
    if not readable:
        return _unreadable(project, labelstudio)
    try:
        tasks = list(labelstudio.export(project.labelstudio_id, readable))
    except LabelStudioError as error:
        next(labelstudio.tasks(project.labelstudio_id, readable), [])
        return f"Task {readable[0]} was read by its page, as the export fails: {error.message}"
    outcome = f"Task {tasks[0]['id']} was read" if tasks else "Its tasks can be listed"
    return ". ".join(filter(None, (outcome, _unreadable(project, labelstudio))))


def _unreadable(project: Project, labelstudio: LabelStudio) -> str:
    return unreadable_tasks_text([*project.unreadable_tasks, *labelstudio.unreadable])


def _media(labelstudio: LabelStudio, project: Project) -> str:
    """Requests the first byte of files of Label Studio that tasks name, until one is there.

    Raises the first one's error if none is: a single file may be gone.
    """
    media = LabelStudioMedia(project, READ_S)
    page = next(labelstudio.all_tasks(project.labelstudio_id), [])
    values = [value for task in page[:20] for value in task.get("data", {}).values()]
    paths = dict.fromkeys(path for value in values if (path := _own_path(media, value)))
    failures: list[LabelStudioError] = []
    for path in islice(paths, _FILES_TRIED):
        try:
            with labelstudio.open(path, headers={"Range": "bytes=0-0"}) as response:
                return f"{path[:80]} answers {response.status_code}"
        except (Missing, Rejected, ServerError) as error:  # 500 for an upload that is gone
            failures.append(error)
    if failures:
        raise failures[0]
    return "Its tasks name no files of Label Studio"


def _own_path(media: LabelStudioMedia, value: Any) -> str:
    """The path of a file that Label Studio serves itself, for a task's value; "" for others."""
    if not isinstance(value, str) or not value.startswith("/"):
        return ""
    try:
        path = media.path_of(addresses.clean(value))
    except AddressRefused:
        return ""
    return path.path if path else ""
