"""Where this server listens, as its last start has recorded it, and the URLs of its paths."""

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import get_script_prefix

if TYPE_CHECKING:  # a health check needs no rest_framework
    from django.db.models import Model
    from django.http import HttpRequest
    from rest_framework.request import Request

EVERY_ADDRESS = {"0.0.0.0", "::", ""}  # noqa: S104


@dataclass(frozen=True)
class Server:
    """Where a server listens, and its PUBLIC_URL; "" for none."""

    host: str
    port: int
    public_url: str

    @property
    def local_host(self) -> str:
        """The host under which this machine reaches it, in brackets where it is an IPv6 address."""
        host = {"::": "::1"}.get(self.host, self.host)
        host = "127.0.0.1" if host in EVERY_ADDRESS else host
        return f"[{host}]" if ":" in host else host

    @property
    def url(self) -> str:
        """Its URL without a slash at its end."""
        return self.public_url or f"http://{self.local_host}:{self.port}"


def record() -> None:
    """Record where this server listens, for commands whose environment may say otherwise."""
    draft = _recorded_in().with_suffix(".draft")
    draft.write_text(json.dumps(asdict(_of_settings())))
    draft.replace(_recorded_in())


def server() -> Server:
    """The server of this DATA_DIR as it was started last; before its first start by the settings.

    A PUBLIC_URL of the environment goes before one that was recorded.
    """
    try:
        recorded = Server(**json.loads(_recorded_in().read_text()))
    except (OSError, ValueError, TypeError):
        return _of_settings()
    return replace(recorded, public_url=settings.PUBLIC_URL or recorded.public_url)


def absolute_url(request: "HttpRequest | Request", path: str) -> str:
    """A path's URL with PUBLIC_URL if it is set, else with this request's host and base path."""
    if settings.PUBLIC_URL:
        return f"{settings.PUBLIC_URL}{path}"
    return request.build_absolute_uri(get_script_prefix().rstrip("/") + path)


def page_url(row: "Model") -> str:
    """The URL of a row's page in the admin.

    Without the URL configuration, which a worker does not load.
    """
    meta = row._meta
    return f"{server().url}/admin/{meta.app_label}/{meta.model_name}/{row.pk}/change/"


def _of_settings() -> Server:
    return Server(settings.HOST, settings.PORT, settings.PUBLIC_URL)


def _recorded_in() -> Path:
    return settings.DATA_DIR / "server.json"
