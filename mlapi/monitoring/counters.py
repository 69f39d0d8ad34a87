"""Counters of a web process. Where several serve, they count together in a folder of files."""

import os
from contextlib import suppress
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

# Times at which a counter began: Prometheus knows them by itself, and several processes have many.
disable_created_metrics()

PROCESS = CollectorRegistry()
_BYTES = 2**20  # of each file: more than all routes and statuses take
REQUESTS = Counter(
    "evals_requests",
    "Requests by route, method and status.",
    ["route", "method", "status"],
    registry=PROCESS,
)
SECONDS = Histogram(
    "evals_request_seconds",
    "Time to answer, by route.",
    ["route"],
    registry=PROCESS,
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30, 100),
)
OVERLOAD_REFUSALS = Counter(
    "evals_overload_refusals",
    "Requests that were refused because too many of their kind waited, by route.",
    ["route"],
    registry=PROCESS,
)
PREDICTED_TASKS = Counter(
    "evals_predict_tasks",
    "Tasks of requests for predictions, by outcome (predicted, nothing_found, or why not).",
    ["outcome"],
    registry=PROCESS,
)
# From 0 on, so that Prometheus sees the first one as an increase.
for _route in ("health", "is_training", "other", "predict", "ready", "setup", "webhook"):
    OVERLOAD_REFUSALS.labels(_route)


def note_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    REQUESTS.labels(route, method, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def note_overload_refusal(route: str, method: str, status: int) -> None:
    """Count one request that reached no view. It has no time to answer, which would be none."""
    REQUESTS.labels(route, method, str(status)).inc()
    OVERLOAD_REFUSALS.labels(route).inc()


def note_predictions(predicted: int, nothing: int, problems: dict[str, list]) -> None:
    """Count the tasks of one answer; `nothing` are those with nothing in them, as predicted."""
    PREDICTED_TASKS.labels("predicted").inc(predicted)
    if nothing:
        PREDICTED_TASKS.labels("nothing_found").inc(nothing)
    for code, ids in problems.items():
        PREDICTED_TASKS.labels(code).inc(len(ids))


def reserve_space() -> None:
    """Takes the disk's space for this process's counters at once, before it counts anything.

    Their files are mapped into memory, and a full disk would end the process that writes to them.
    """
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return
    for kind in ("counter", "histogram"):  # as prometheus_client names its files
        with suppress(OSError), open(Path(folder) / f"{kind}_{os.getpid()}.db", "ab") as file:
            os.posix_fallocate(file.fileno(), 0, _BYTES)
