"""Recognises this backend's URLs among those that Label Studio has for a project.

The URL of a request says less: a proxy may cut off a path, send another Host, or end TLS. So a URL
is also recognised by an access key of this database in it, and by the setting PUBLIC_URL.
"""

from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from mlapi.labelstudio.client import LabelStudio
from registry.actions import keys
from registry.models import AccessKey, Project


def known_bases(project: Project) -> list[str]:
    """The URLs of this backend without a key: PUBLIC_URL, and the one of the last /setup."""
    return [url.rstrip("/") for url in (settings.PUBLIC_URL, project.backend_url) if url]


def connected_backends(labelstudio: LabelStudio, project: Project) -> list[dict[str, Any]]:
    """The ML backends of the project in Label Studio that are this one.

    Where none can be recognised, the only one at the host and port of the last /setup: a proxy
    has cut off its path.
    """
    backends = labelstudio.ml_backends(project.labelstudio_id)
    bases = known_bases(project)
    own = [b for b in backends if key_of(b["url"]) or is_own(webhook_of(b["url"]), bases)]
    if own:
        return own
    host = _host(_parts(project.backend_url))
    beside = [b for b in backends if host and _host(_parts(b["url"])) == host]
    return beside if len(beside) == 1 else []


def is_own(url: str, bases: list[str]) -> bool:
    """Whether the URL is the /webhook, with or without a key, of one of these bases."""
    return any(_is_below(_parts(url), _parts(base)) for base in bases)


def _is_below(url: SplitResult, base: SplitResult) -> bool:
    if not _host(base) or _host(base) != _host(url):
        return False
    # Where TLS is ended in front of this server, its requests look like http.
    if base.scheme != url.scheme and (base.scheme, url.scheme) != ("http", "https"):
        return False
    if not url.path.startswith(f"{base.path}/"):
        return False
    inner = url.path.removeprefix(base.path)
    return inner == "/webhook" or (inner.startswith("/k/") and inner.endswith("/webhook"))


def _parts(url: str) -> SplitResult:
    """The parts of a URL; none of one that cannot be read, which people may have typed there."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # read when it is asked for
        return parts
    except ValueError:
        return SplitResult("", "", "", "", "")


def _host(parts: SplitResult) -> str:
    """Host and port as a Host header has them: in lower case, without the scheme's own port."""
    own_port = {"http": 80, "https": 443}.get(parts.scheme)
    port = "" if parts.port in (None, own_port) else f":{parts.port}"
    return f"{parts.hostname}{port}" if parts.hostname else ""


def webhook_of(url: str) -> str:
    """The webhook's URL as Label Studio derives it from the backend's URL."""
    return f"{url.rstrip('/')}/webhook"


def base_of(url: str) -> str:
    """The URL of a backend without its access key."""
    return url.rstrip("/").rpartition("/k/")[0] if key_in(url) else url.rstrip("/")


def key_in(url: str) -> str:
    """The access key in a URL's path, as the last one opens the routes; "" without one."""
    parts = _parts(url).path.split("/")
    if "k" not in parts[:-1]:
        return ""
    return parts[len(parts) - parts[::-1].index("k")]


def key_of(url: str) -> AccessKey | None:
    """The access key of this database, valid or revoked, that a URL has in its path."""
    plain = key_in(url)
    return AccessKey.objects.filter(digest=keys.digest(plain)).first() if plain else None
