"""Health of one of our processes, for the supervisor and for containers' health checks."""

import http.client
import socket

from django.conf import settings


def web_answers(timeout_s: float = 2.0) -> bool:
    """Whether `/health` on HOST:PORT answers 200. Raises OSError, HTTPException."""
    host = settings.HOST
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104
        host = "::1" if host == "::" else "127.0.0.1"
    connection = http.client.HTTPConnection(host, settings.PORT, timeout=timeout_s)
    try:
        connection.request("GET", "/health", headers={"Host": _own_name()})
        return connection.getresponse().status == http.HTTPStatus.OK
    finally:
        connection.close()


def worker_is_live(cluster: str) -> bool:
    """Whether a worker of the cluster has sent a heartbeat from this machine lately."""
    from registry.models import Worker

    return Worker.objects.live().filter(cluster=cluster, hostname=socket.gethostname()).exists()


def _own_name() -> str:
    """A Host header that ALLOWED_HOSTS allows; `.example.com` allows `example.com`, `*` any."""
    name = settings.ALLOWED_HOSTS[0] if settings.ALLOWED_HOSTS else "localhost"
    return "localhost" if name == "*" else name.lstrip(".")
