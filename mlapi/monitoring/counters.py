"""Counters of a web process. Where several serve, they count together in a folder of files."""

from prometheus_client import CollectorRegistry, Counter, Histogram

PROCESS = CollectorRegistry()
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
PREDICTED_TASKS = Counter(
    "evals_predict_tasks",
    "Tasks that were asked for, by outcome (predicted, nothing_found, or why not).",
    ["outcome"],
    registry=PROCESS,
)


def note_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one answered request."""
    REQUESTS.labels(route, method, str(status)).inc()
    SECONDS.labels(route).observe(seconds)


def note_predictions(predicted: int, nothing: int, problems: dict[str, list]) -> None:
    """Count the tasks of one answer; `nothing` are those with nothing in them, as predicted."""
    PREDICTED_TASKS.labels("predicted").inc(predicted)
    if nothing:
        PREDICTED_TASKS.labels("nothing_found").inc(nothing)
    for code, ids in problems.items():
        PREDICTED_TASKS.labels(code).inc(len(ids))
