"""Recognises the addresses of files that Label Studio serves or signs, and requests them there.

Measured with Label Studio 1.23.2: uploads are `/data/upload/<project>/<8 hex>-<name>`, whose
content never changes; local files are `/data/local-files/?d=<path>`; with LABEL_STUDIO_HOST set
both are absolute, and with a path in that, below it. What lies in a cloud (`s3://`, `gs://`,
`azure-blob://`) it resolves at `/projects/<id>/resolve/?fileuri=<base64>`, for which no task is
needed: with a 303 to a signed address, or by passing the file on where its storage is set so.

Which file of a route it may serve is for Label Studio to decide, which knows its storages: on
Windows it writes `?d=dir%5Cname.png`. Here is decided that the token goes to its origin and to
these routes only.
"""

import base64
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, unquote

import httpx

from mlapi.domain import InputError
from mlapi.labelstudio.client import LabelStudio
from mlapi.labelstudio.credentials import candidates, open_project
from mlapi.labelstudio.errors import (
    CertificateUntrusted,
    Forbidden,
    LabelStudioError,
    LegacyTokenDisabled,
    Missing,
    NoCredentials,
    ProjectMismatch,
    Redirected,
    TimedOut,
    TokenInvalid,
)
from mlapi.media import addresses, fetch
from mlapi.media.addresses import AddressRefused, IPAddress, WebAddress
from mlapi.media.allowlist import is_public
from mlapi.media.download import HEADERS, REDIRECTS, Deadline, Response
from mlapi.media.fetch import AddressPolicy
from registry.models import Project

_CLOUD = re.compile(r"(?P<scheme>s3|gs|azure-blob)://(?P<bucket>[A-Za-z0-9._-]{1,255})/(?P<key>.+)")
_RESOLVED = re.compile(r"/(?:tasks|projects)/[0-9]+/(?:resolve|presign)/?")
_UPLOAD = "/data/upload/"
# The clouds' own hosts, to which Label Studio signs addresses. Only labels of letters and digits
# may stand around `s3`, so that nothing is matched in two ways.
_CLOUD_HOSTS = re.compile(
    r"(?:[a-z0-9._-]+\.)?s3(?:[.-][a-z0-9]+)*\.amazonaws\.com(?:\.cn)?"
    r"|(?:[a-z0-9._-]+\.)?storage\.googleapis\.com"
    r"|[a-z0-9-]+\.blob\.core\.(?:windows\.net|usgovcloudapi\.net|chinacloudapi\.cn)"
)
_NOT_SET = "There is no token to request files of Label Studio with. Set one on the project."
_NOT_TAKEN = "Label Studio does not accept the token. Set another one on the project."
_ANOTHER = "The token does not open this project in Label Studio."
_UNTRUSTED = "Label Studio's certificate is not trusted. Check the project's connection."
_MOVED = "Label Studio redirects to another address. Set its URL to that one."
# The reasons shown with a task. The errors' own messages may contain the query of an address.
_REASONS: dict[type[LabelStudioError], tuple[str, str]] = {
    NoCredentials: ("media_no_credentials", _NOT_SET),
    TokenInvalid: ("media_forbidden", _NOT_TAKEN),
    LegacyTokenDisabled: ("media_forbidden", _NOT_TAKEN),
    Forbidden: ("media_forbidden", _ANOTHER),
    Missing: ("media_forbidden", _ANOTHER),
    ProjectMismatch: ("media_forbidden", _ANOTHER),
    Redirected: ("media_redirected", _MOVED),
    TimedOut: ("media_timeout", "Label Studio took too long."),
    CertificateUntrusted: ("media_certificate", _UNTRUSTED),
}
_OTHER_REASON = ("media_unreachable", "Label Studio cannot be reached, or fails.")


@dataclass(frozen=True)
class LabelStudioPath:
    """The path below Label Studio's URL at which it serves a file.

    `origin` is that of an absolute address.
    """

    path: str
    is_immutable: bool = False
    origin: tuple[str, str, int] | None = None


class LabelStudioMedia:
    """The files that one project's Label Studio serves. Close it, or use it in a `with`.

    Label Studio is called at the first request for a file; its token is sent to the URL that it
    is configured for only. Thread-safe.
    """

    def __init__(self, project: Project, timeout_s: float) -> None:
        self._project, self._timeout_s = project, timeout_s
        # Its own URL from /setup, and those of the credentials.
        urls = (project.hostname, *(pair.url for pair in candidates(project)))
        self._urls = [web for web in map(_web, dict.fromkeys(urls)) if web]
        self._opening = threading.Lock()
        self._client: LabelStudio | InputError | None = None

    def close(self) -> None:
        """Closes the connections."""
        with self._opening:
            if isinstance(self._client, LabelStudio):
                self._client.close()

    # Addresses

    def path_of(self, address: str) -> LabelStudioPath | None:
        """The path of the file of a clean address; None if Label Studio does not serve it.

        Raises AddressRefused for an address on Label Studio that is not one of a file.
        """
        if cloud := _CLOUD.fullmatch(address):
            return self._resolving(cloud)
        address = addresses.as_browsers_read(address)
        if not address.startswith("/"):
            return self._absolute(address)
        if address.startswith("//"):
            raise AddressRefused("The address has a host and no scheme.")
        path = self._own(address)
        if path is None:
            raise AddressRefused("The address is no file that Label Studio serves.")
        return path

    def _absolute(self, address: str) -> LabelStudioPath | None:
        web = addresses.parse(address, any_path=True)
        if web.origin not in {url.origin for url in self._urls}:
            return None
        path = self._own(web.target)
        return path and replace(path, origin=web.origin)

    def _own(self, target: str) -> LabelStudioPath | None:
        """The path for a target on Label Studio's origin, with or without its base path."""
        path, _, query = target.partition("#")[0].partition("?")
        path = addresses.without_dots(addresses.encoded(path))
        for url in self._urls:
            base = url.target.rstrip("/")
            if base and path.startswith(f"{base}/"):
                path = path.removeprefix(base)
                break
        if path.startswith(_UPLOAD) and path != _UPLOAD:
            return LabelStudioPath(path, is_immutable=True)
        if path.rstrip("/") == "/data/local-files" and (file := _parameter(query, "d")):
            return LabelStudioPath(f"/data/local-files/{addresses.encoded(f'?d={file}')}")
        if path.rstrip("/") == "/storage-data/uploaded":
            file = _parameter(query, "filepath")
            if unquote(unquote(file)).startswith("upload/"):  # avatars are served here, too
                target = addresses.encoded(f"?filepath={file}")
                return LabelStudioPath(f"/storage-data/uploaded/{target}", is_immutable=True)
        if _RESOLVED.fullmatch(path) and (cloud := _CLOUD.fullmatch(_fileuri(query))):
            return self._resolving(cloud)
        return None

    def _resolving(self, cloud: re.Match[str]) -> LabelStudioPath:
        fileuri = base64.urlsafe_b64encode(cloud[0].encode()).decode()
        return LabelStudioPath(
            f"/projects/{self._project.labelstudio_id}/resolve/?fileuri={fileuri}"
        )

    # Requests

    @contextmanager
    def get(
        self, path: LabelStudioPath, headers: dict[str, str], deadline: Deadline
    ) -> Iterator[Response]:
        """Label Studio's response, unread, redirects included. Raises InputError."""
        labelstudio = self._opened()
        own = [_web(labelstudio.url), _web(self._project.hostname)]
        if path.origin and path.origin not in [url.origin for url in own if url]:
            raise InputError("media_address_refused", "The address leads to another Label Studio.")
        try:
            with labelstudio.open_any_status(
                path.path, headers={**HEADERS, **headers}, timeout_s=deadline.left()
            ) as response:
                deadline.watch(response.extensions["network_stream"].get_extra_info("socket"))
                if response.status_code == 500 and _is_missing_upload(path, response.read()):
                    raise InputError("media_not_found", "Label Studio has no such upload.")
                yield Response(
                    "Label Studio", response.status_code, response.headers, response.iter_raw()
                )
        except LabelStudioError as error:
            raise deadline.problem() if deadline.is_over else _problem(error) from error

    def _opened(self) -> LabelStudio:
        """The project's client. It is opened once; an error is stored and raised again."""
        with self._opening:
            if self._client is None:
                try:
                    self._client, _, _ = open_project(self._project, read_timeout_s=self._timeout_s)
                except LabelStudioError as error:
                    self._client = _problem(error)
            if isinstance(self._client, InputError):
                raise InputError(self._client.code, self._client.message)
            return self._client


class StoragePolicy:
    """Allows the addresses that Label Studio signs: clouds over https, and MEDIA_ALLOWED_HOSTS.

    A signature is no proof of trust: anyone who may add a storage to a project there chooses the
    host. So another host than the clouds' own (a MinIO) must be in MEDIA_ALLOWED_HOSTS, and the
    clouds' names must resolve to public addresses.
    """

    def __init__(self, allowed: AddressPolicy) -> None:
        self._allowed = allowed

    def allows(self, address: WebAddress) -> bool:
        return _is_cloud(address) or self._allowed.allows(address)

    def may_reach(self, address: WebAddress, ip: IPAddress) -> bool:
        return (_is_cloud(address) and is_public(ip)) or self._allowed.may_reach(address, ip)


def signed_address(response: Response, policy: StoragePolicy) -> WebAddress | None:
    """The signed address to which Label Studio redirects; None if it serves the file itself.

    Raises InputError unless the policy allows that.
    """
    if response.status not in REDIRECTS:
        return None
    return fetch.redirected(response.headers.get("location", ""), policy, any_path=True)


def _is_cloud(address: WebAddress) -> bool:
    is_cloud_host = _CLOUD_HOSTS.fullmatch(address.host)
    return bool(is_cloud_host) and address.scheme == "https" and address.port == 443


def _parameter(query: str, name: str) -> str:
    """The last value of a parameter, encoded as it was written; empty without one."""
    pairs = (pair.partition("=") for pair in query.split("&"))
    values = [value for key, _, value in pairs if unquote(key) == name]
    return values[-1] if values else ""


def _fileuri(query: str) -> str:
    """The cloud's address in a query of Label Studio's; empty without one."""
    text = (parse_qs(query).get("fileuri") or [""])[-1]
    try:
        return base64.urlsafe_b64decode(text).decode()
    except ValueError:
        return unquote(text)


def _web(url: str) -> WebAddress | None:
    try:
        return addresses.parse(url)
    except AddressRefused:
        return None


def _is_missing_upload(path: LabelStudioPath, body: bytes) -> bool:
    """Whether it is Label Studio's response for a missing upload, which is a 500 instead of 404."""
    return path.is_immutable and b"has no attribute 'has_permission'" in body


def _problem(error: LabelStudioError) -> InputError:
    if isinstance(error.__cause__, httpx.RemoteProtocolError):
        return InputError("media_incomplete", "Label Studio breaks off in the middle.")
    return InputError(*_REASONS.get(type(error), _OTHER_REASON))
