"""Downloads files from other hosts than Label Studio, at IP addresses that were checked."""

import ipaddress
import queue
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import urljoin

import httpcore
import httpx

from mlapi import certificates
from mlapi.domain import InputError
from mlapi.media import addresses
from mlapi.media.addresses import AddressRefused, IPAddress, WebAddress
from mlapi.media.download import HEADERS, REDIRECTS, Deadline, Response

MAX_REDIRECTS = 3
MAX_TRIED = 4  # of the IP addresses of one name
CONNECT_S = 5.0

# (host, port, seconds) -> addresses. Raises OSError.
Resolver = Callable[[str, int, float], list[IPAddress]]


class AddressPolicy(Protocol):
    """Decides which addresses may be requested, and from which IP addresses."""

    def allows(self, address: WebAddress) -> bool: ...

    def may_reach(self, address: WebAddress, ip: IPAddress) -> bool: ...


def resolve_host(host: str, port: int, timeout_s: float) -> list[IPAddress]:
    """The IP addresses of a name by the system's resolver. Raises OSError, or its TimeoutError.

    The system's call has no timeout, so it runs in a thread, which is abandoned at the timeout
    and ends with the call.
    """
    results: queue.SimpleQueue[list[IPAddress] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put([ipaddress.ip_address(info[4][0]) for info in infos])
        except (OSError, ValueError) as error:
            results.put(error if isinstance(error, OSError) else OSError(str(error)))

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        result = results.get(timeout=timeout_s)
    except queue.Empty:
        raise TimeoutError("The name was not resolved in time") from None
    if isinstance(result, OSError):
        raise result
    return list(dict.fromkeys(result))


@contextmanager
def get(
    address: WebAddress,
    policy: AddressPolicy,
    deadline: Deadline,
    *,
    headers: Mapping[str, str] | None = None,
    resolve: Resolver = resolve_host,
) -> Iterator[Response]:
    """The response to a GET, after at most MAX_REDIRECTS redirects, each checked like the first.

    No token, no cookie, no proxy or password of the environment: a new connection each
    time, and these headers alone. Raises InputError.
    """
    require(policy, address)
    for _ in range(MAX_REDIRECTS + 1):
        with _request(
            address, policy, deadline, {**HEADERS, **(headers or {})}, resolve
        ) as response:
            if response.status not in REDIRECTS:
                yield response
                return
            address = redirected(response.headers.get("location", ""), policy, address)
    raise InputError("media_redirected", f"More than {MAX_REDIRECTS} redirects lead on and on.")


@contextmanager
def post(
    address: WebAddress,
    policy: AddressPolicy,
    deadline: Deadline,
    content: bytes,
    headers: Mapping[str, str],
) -> Iterator[Response]:
    """The response to a POST, on a new connection. A redirect is a response: none is followed.

    Raises InputError.
    """
    require(policy, address)
    fields = {**HEADERS, **headers}
    with _request(address, policy, deadline, fields, resolve_host, content) as response:
        yield response


def require(policy: AddressPolicy, address: WebAddress) -> None:
    """Raises InputError unless the policy allows the address."""
    if not policy.allows(address):
        raise InputError(
            "media_address_refused",
            f"The host {address.authority} is not in MEDIA_ALLOWED_HOSTS.",
        )


def redirected(
    location: str,
    policy: AddressPolicy,
    base: WebAddress | None = None,
    *,
    any_path: bool = False,
) -> WebAddress:
    """The target of a redirect. Raises InputError unless the policy allows it."""
    try:
        to = urljoin(str(base), location) if base and location else location
        onward = addresses.parse(to, any_path=any_path)
    except (AddressRefused, ValueError):
        raise InputError(
            "media_redirected", "A redirect leads to what is no address of a file."
        ) from None
    if not policy.allows(onward):
        raise InputError(
            "media_redirected",
            f"A redirect leads to {onward.authority}, which is not in MEDIA_ALLOWED_HOSTS.",
        )
    return onward


@contextmanager
def _request(
    address: WebAddress,
    policy: AddressPolicy,
    deadline: Deadline,
    headers: Mapping[str, str],
    resolve: Resolver,
    content: bytes | None = None,
) -> Iterator[Response]:
    """One GET, or a POST of the content, on one new connection, without redirects."""
    url = httpcore.URL(
        scheme=address.scheme, host=address.host, port=address.port, target=address.target
    )
    limits = dict.fromkeys(("connect", "read", "write", "pool"), deadline.left())
    fields = {"Host": address.authority, "Connection": "close", **headers}
    try:
        with (
            httpcore.ConnectionPool(
                ssl_context=certificates.tls(),
                network_backend=_Network(address, policy, deadline, resolve),
            ) as pool,
            pool.stream(
                "GET" if content is None else "POST",
                url,
                headers=list(fields.items()),
                content=content,
                extensions={"timeout": limits},
            ) as response,
        ):
            yield Response(
                address.host,
                response.status,
                httpx.Headers(response.headers),
                response.iter_stream(),
            )
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException) as error:
        raise _problem(error, address, deadline) from error


def _problem(error: Exception, address: WebAddress, deadline: Deadline) -> InputError:
    if deadline.is_over or isinstance(error, httpcore.ReadTimeout | httpcore.WriteTimeout):
        return deadline.problem()
    if isinstance(error, httpcore.RemoteProtocolError):
        return InputError(
            "media_incomplete", f"{address.host} breaks off, or does not speak HTTP as it should."
        )
    if failed := certificates.untrusted(error):
        return InputError(
            "media_certificate",
            f"The certificate of {address.host} is not trusted: {certificates.reason(failed)}. "
            f"{certificates.cure(failed)}",
        )
    return InputError("media_unreachable", f"{address.host} cannot be reached.")


class _Network(httpcore.NetworkBackend):
    """Connects to an IP address that the policy has checked, so that the name is resolved once.

    TLS and the Host header use the name.
    """

    def __init__(
        self, address: WebAddress, policy: AddressPolicy, deadline: Deadline, resolve: Resolver
    ) -> None:
        self._address, self._policy, self._deadline = address, policy, deadline
        self._resolve = resolve
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError("no address")
        for ip in self._permitted()[:MAX_TRIED]:
            try:
                stream = self._sockets.connect_tcp(
                    str(ip), port, timeout=min(CONNECT_S, self._deadline.left())
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
                continue
            self._deadline.watch(stream.get_extra_info("socket"))
            return stream
        raise failure

    def _permitted(self) -> list[IPAddress]:
        literal = addresses.literal(self._address.host)
        ips = [literal] if literal is not None else self._resolved()
        permitted = [ip for ip in ips if self._policy.may_reach(self._address, ip)]
        if ips and not permitted:
            raise InputError(
                "media_address_refused",
                f"The host {self._address.host} leads to an address inside the network. Write "
                "host=network in MEDIA_ALLOWED_HOSTS if that is meant.",
            )
        return permitted

    def _resolved(self) -> list[IPAddress]:
        try:
            return self._resolve(self._address.host, self._address.port, self._deadline.left())
        except TimeoutError:
            raise self._deadline.problem() from None
        except OSError as error:
            raise InputError(
                "media_unreachable", f"The host {self._address.host} has no address."
            ) from error
