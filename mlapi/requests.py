"""The request bodies of Label Studio's routes: validated and never coerced."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from mlapi.errors import TooManyTasks
from mlapi.labelstudio.response_schemas import parse_datetime
from registry.errors import BodyInvalid
from registry.json_http import loads

_UID = re.compile(r"[0-9]{1,18}\.[0-9]{1,18}")
TASKS_MAX = 10_000
_ACTION_MAX = 64  # characters; Label Studio's longest has 27


def as_object(data: Any) -> dict[str, Any]:
    """The body as a JSON object."""
    if not isinstance(data, dict):
        raise BodyInvalid("The body is not a JSON object.")
    return data


def _text(body: dict[str, Any], name: str) -> str:
    """A string, "" for null or a missing one. `name` is ours, so the message may say it."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BodyInvalid(f'"{name}" is not a string.', hint="Send it as Label Studio does.")
    return value


def project_uid(project: Any) -> str | None:
    """`<id>.<created>` of a project as `/setup` names it (a string) or a webhook does (an object).

    None where it names none: some of Label Studio's webhooks have no `created_at`.
    """
    if isinstance(project, dict):
        number, at = project.get("id"), parse_datetime(project.get("created_at"))
        if not isinstance(number, int) or at is None:
            return None
        project = f"{number}.{int(at.timestamp())}"
    if isinstance(project, str) and _UID.fullmatch(project):
        return project
    return None


def _required_uid(body: dict[str, Any]) -> str:
    """The project's uid. Raises BodyInvalid."""
    uid = project_uid(body.get("project"))
    if uid is None:
        raise BodyInvalid('"project" is not <id>.<created>.', hint="Send it as Label Studio does.")
    return uid


@dataclass(frozen=True)
class SetupBody:
    """POST /setup."""

    uid: str
    label_config: str
    hostname: str
    token: str
    extra_params: Any

    @classmethod
    def read(cls, data: Any) -> "SetupBody":
        """Raises BodyInvalid."""
        body = as_object(data)
        uid = _required_uid(body)
        return cls(
            uid=uid,
            label_config=_text(body, "schema"),
            hostname=_hostname(_text(body, "hostname")),
            token=_text(body, "access_token"),
            extra_params=_extra_params(body.get("extra_params")),
        )


def _hostname(text: str) -> str:
    """Label Studio's own address; "" for anything else, also for an address with a password:
    addresses are displayed and logged.
    """
    text = text.strip().rstrip("/")
    try:
        parts = urlsplit(text)
        is_address = parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:  # half an IPv6 address, or no number for a port
        return ""
    return text if is_address and parts.scheme in ("http", "https") and len(text) <= 500 else ""


def _extra_params(value: Any) -> Any:
    """Label Studio's text field sends a string for everything; JSON in it is read."""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return None
    try:
        return loads(value)
    except BodyInvalid:
        return value


@dataclass(frozen=True)
class PredictBody:
    """POST /predict. `uid` is None for what names no project."""

    uid: str | None
    label_config: str
    tasks: list[Any]
    context: Any

    @classmethod
    def read(cls, data: Any) -> "PredictBody":
        """Raises BodyInvalid or TooManyTasks, but not for a task's content: a bad task gets an
        empty entry.
        """
        body = as_object(data)
        tasks, params = body.get("tasks"), body.get("params")
        if not isinstance(tasks, list):
            raise BodyInvalid('"tasks" is not a list.', hint="Send the tasks to predict as a list.")
        if len(tasks) > TASKS_MAX:
            raise TooManyTasks
        if params is not None and not isinstance(params, dict):
            raise BodyInvalid('"params" is not an object.', hint="Leave it out, or send an object.")
        return cls(
            uid=project_uid(body.get("project")),
            label_config=_text(body, "label_config"),
            tasks=tasks,
            context=(params or {}).get("context"),
        )


@dataclass(frozen=True)
class WebhookBody:
    """POST /webhook. `uid` is None where the event names no project."""

    action: str
    uid: str | None
    title: str
    payload: dict[str, Any]

    @classmethod
    def read(cls, data: Any) -> "WebhookBody":
        """Raises BodyInvalid if there is no action."""
        body = as_object(data)
        action = body.get("action")
        if not isinstance(action, str) or not action.strip() or len(action) > _ACTION_MAX:
            raise BodyInvalid('"action" is not the name of an event.')
        project = body.get("project")
        title = project.get("title") if isinstance(project, dict) else None
        return cls(
            action=action.strip(),
            uid=project_uid(project),
            title=title if isinstance(title, str) else "",
            payload=body,
        )


@dataclass(frozen=True)
class TrainBody:
    """POST /train, the form of Label Studio's first ML protocol: tasks with their annotations."""

    uid: str
    tasks: list[Any]
    payload: dict[str, Any]

    @classmethod
    def read(cls, data: Any) -> "TrainBody":
        """Raises BodyInvalid."""
        body = as_object(data)
        uid = _required_uid(body)
        tasks = body.get("annotations")
        if tasks is not None and not isinstance(tasks, list):
            raise BodyInvalid(
                '"annotations" is not a list.', hint="Send annotated tasks as a list."
            )
        return cls(uid=uid, tasks=tasks or [], payload=body)


def job_id(data: Any) -> int | None:
    """The run that `{"job"}` names; None if it cannot be one. Raises BodyInvalid without a job."""
    job = as_object(data).get("job")
    if isinstance(job, bool) or not isinstance(job, str | int):
        raise BodyInvalid('"job" is missing.', hint="Send the id that /train answered.")
    text = str(job)
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None


def label_config(data: Any) -> str:
    """The text of `{"config"}`. Raises BodyInvalid."""
    config = as_object(data).get("config")
    if not isinstance(config, str):
        raise BodyInvalid('"config" is not a string.', hint="Send the label config as text.")
    return config
