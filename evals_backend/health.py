"""Health of one of our processes, for the supervisor and for containers' health checks."""

import http.client
import socket

from django.conf import settings

from registry.server import server


def web_answers(timeout_s: float = 2.0) -> bool:
    """Whether `/health` answers 200 where the server listens. Raises OSError, HTTPException."""
    known = server()
    host = known.local_host.strip("[]")
    connection = http.client.HTTPConnection(host, known.port, timeout=timeout_s)
    try:
        connection.request("GET", "/health", headers={"Host": _own_name()})
        return connection.getresponse().status == http.HTTPStatus.OK
    finally:
        connection.close()


def web_address() -> str:
    """The address that `web_answers` tries."""
    known = server()
    return f"http://{known.local_host}:{known.port}/health"


def worker_is_live(cluster: str) -> bool:
    """Whether a worker of the cluster has sent a heartbeat from this machine lately."""
    from registry.models import Worker

    return Worker.objects.live().filter(cluster=cluster, hostname=socket.gethostname()).exists()


def _own_name() -> str:
    """A Host header that ALLOWED_HOSTS allows; `.example.com` allows `example.com`, `*` any."""
    name = settings.ALLOWED_HOSTS[0] if settings.ALLOWED_HOSTS else "localhost"
    return "localhost" if name == "*" else name.lstrip(".")
