"""Chooses the Label Studio and the key for a project: pairs of URL and key, never mixed."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.errors import LabelStudioError, Missing, NoCredentials, ProjectMismatch
from mlapi.labelstudio.http import READ_S
from mlapi.labelstudio.interruptible import Checkpoint
from registry.models import Project


@dataclass(frozen=True)
class Credentials:
    """A URL and the key that may be sent there; `source` is where the pair is configured."""

    url: str
    key: str
    source: str  # "project", "environment" or "setup"

    def __repr__(self) -> str:
        return f"Credentials({self.url}, from the {self.source})"


def candidates(project: Project) -> list[Credentials]:
    """The pairs that may be used for the project, in order of preference."""
    pairs = []
    if project.labelstudio_url and project.labelstudio_key:
        pairs.append(Credentials(project.labelstudio_url, project.labelstudio_key, "project"))
    if settings.LABEL_STUDIO_URL and settings.LABEL_STUDIO_API_KEY:
        pairs.append(
            Credentials(settings.LABEL_STUDIO_URL, settings.LABEL_STUDIO_API_KEY, "environment")
        )
    if project.hostname and project.setup_token and may_send_setup_token(project):
        pairs.append(Credentials(project.hostname, project.setup_token, "setup"))
    return pairs


def may_send_setup_token(project: Project) -> bool:
    """Whether an operator of this backend has confirmed the host that /setup named.

    Anyone who can call /setup can name a host, so that alone does not make it trusted.
    """
    return (
        project.hostname_confirmed
        or _same_origin(project.hostname, settings.LABEL_STUDIO_URL)
        or any(_is_listed(project.hostname, listed) for listed in settings.LABEL_STUDIO_HOSTS)
        or (_is_loopback(_host(project.hostname)) and _is_loopback(settings.HOST))
    )


def open_project(
    project: Project,
    *,
    read_timeout_s: float = READ_S,
    checkpoint: Checkpoint = lambda: None,
) -> tuple[LabelStudio, Credentials, dict[str, Any]]:
    """A client of the project's Label Studio, its credentials, and the project's data there.

    The environment's pair may be of another Label Studio, where another project has the same id:
    the first pair is used whose project has the same time of creation. Without one the error of
    the first pair is raised. The caller closes the client, which calls `checkpoint` while it waits.
    """
    first_error: LabelStudioError | None = None
    for pair in candidates(project):
        labelstudio = LabelStudio(
            pair.url, pair.key, read_timeout_s=read_timeout_s, checkpoint=checkpoint
        )
        try:
            return labelstudio, pair, fetch(labelstudio, project)
        except LabelStudioError as error:
            labelstudio.close()
            first_error = first_error or error
            # A pair of another Label Studio is skipped; one that fails is an error to be fixed.
            if not isinstance(error, ProjectMismatch | Missing):
                break
    raise first_error or no_credentials(project)


def fetch(labelstudio: LabelStudio, project: Project) -> dict[str, Any]:
    """The project's data in Label Studio; raises ProjectMismatch if it is another project."""
    data = labelstudio.project(project.labelstudio_id)
    if uid_of(data) != project.uid:
        raise ProjectMismatch(
            f"Project {project.labelstudio_id} of {labelstudio.url} is another one "
            f"({uid_of(data)}, not {project.uid})"
        )
    return data


def uid_of(data: dict[str, Any]) -> str:
    """The uid that Label Studio's /setup sends for the project: its id and time of creation."""
    return f"{data['id']}.{int(datetime.fromisoformat(data['created_at']).timestamp())}"


def no_credentials(project: Project) -> NoCredentials:
    """The error for a project without usable credentials, with its cure."""
    if project.setup_token and project.hostname:
        return NoCredentials(
            f"Label Studio gave a token for {project.hostname}, which nobody has confirmed",
            hint=f"Set LABEL_STUDIO_URL={project.hostname}, or add it to LABEL_STUDIO_HOSTS, or "
            "confirm the host on the project, or give the project a URL and a token of its own.",
        )
    return NoCredentials("There is no token to call Label Studio with")


def _is_listed(hostname: str, listed: str) -> bool:
    """LABEL_STUDIO_HOSTS may hold URLs, `host:port` or bare hosts (any port)."""
    if "://" in listed:
        return _same_origin(hostname, listed)
    return listed.lower() in (urlsplit(hostname).netloc.lower(), _host(hostname))


def _same_origin(one: str, other: str) -> bool:
    return bool(one and other) and _origin(one) == _origin(other)


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, (parts.hostname or "").lower(), port


def _host(url: str) -> str:
    return (urlsplit(url).hostname or "").lower()


def _is_loopback(host: str) -> bool:
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
