"""Load from wrk, the generator that is not itself the limit; latencies from it, too."""

import json
import resource
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_SCRIPT = Path(__file__).with_name("requests.lua")
_TIMEOUT_S = 30


@dataclass(frozen=True)
class Slice:
    """What one slice of load met; latencies in milliseconds, `cpu` seconds of wrk itself."""

    requests: int
    seconds: float
    errors: int
    p50: float
    p99: float
    cpu: float

    @property
    def rate(self) -> float:
        """Answered requests a second; those in error don't count."""
        return max(0, self.requests - self.errors) / self.seconds if self.seconds else 0.0


def require() -> None:
    """Raises SystemExit where wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed. On Debian: apt-get install -y wrk")


def load(
    url: str,
    method: str,
    seconds: float,
    clients: int,
    bodies: Path | None = None,
    headers: Mapping[str, str] | None = None,
) -> Slice:
    """Keep `clients` connections busy for whole seconds; each line of `bodies` is a body."""
    parts = urlsplit(url)
    extra = [word for header in (headers or {}).items() for word in header]
    before = _cpu_of_children()
    done = subprocess.run(
        [
            "wrk",
            "--threads=1",
            f"--connections={clients}",
            f"--duration={max(1, round(seconds))}s",
            f"--timeout={_TIMEOUT_S}s",
            f"--script={_SCRIPT}",
            f"{parts.scheme}://{parts.netloc}",
            "--",
            method,
            parts.path or "/",
            str(bodies or "-"),
            *extra,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"wrk: {done.stdout}{done.stderr}")
    found = json.loads(done.stdout.splitlines()[-1])
    return Slice(**found, cpu=_cpu_of_children() - before)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
