"""Enqueues jobs by dotted name: with engine.py the registry's only way to mlapi."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

EVENTS = "events"
TRAINING = "training"
# The first key of the advisory lock that a job holds while it processes a project's events.
PROCESSING_LOCK = 0x4C54


def _enqueue(job: str, *args, cluster: str, on_commit: bool = True) -> None:
    def enqueue() -> None:
        async_task(f"mlapi.jobs.{job}", *args, cluster=cluster)

    if on_commit:
        transaction.on_commit(enqueue)
    else:
        enqueue()


def process_events(project_id: int, *, on_commit: bool = True) -> None:
    """Apply the project's received events in order; see `actions.events.request_processing`.

    Not `on_commit`, the job is a row of the caller's own transaction.
    """
    _enqueue("process_events", project_id, cluster=EVENTS, on_commit=on_commit)


def waiting_projects(job: str) -> set[int]:
    """The projects for which such a job waits in the events cluster: no worker has taken it yet."""
    waiting = OrmQ.objects.filter(key=EVENTS, lock__lte=timezone.now())
    return {each.args()[0] for each in waiting if each.func() == f"mlapi.jobs.{job}"}


def others_wait() -> bool:
    """Whether the events cluster has more jobs than workers, to one of its jobs."""
    workers = settings.EVENT_WORKERS
    return len(OrmQ.objects.filter(key=EVENTS).values_list("pk")[: workers + 1]) > workers


def sync(project_id: int, reason: str) -> None:
    """Reconcile the mirror with Label Studio."""
    _enqueue("sync", project_id, reason, cluster=EVENTS)


def train(run_id: int) -> None:
    """Claim and carry out the run."""
    _enqueue("train", run_id, cluster=TRAINING)


def fall_back(project_id: int, version_id: int, error: str) -> None:
    """The version did not load in a serving process: move the champion to one that does."""
    _enqueue("fall_back", project_id, version_id, error, cluster=EVENTS)


def convert(version_id: int) -> None:
    """Convert the version's artifact, which has an old format, or train in its place."""
    _enqueue("convert", version_id, cluster=EVENTS)


def push_to_mlflow(version_id: int) -> None:
    """Register the new champion's export in MLflow, where one is configured.

    The job is a row of the caller's own transaction.
    """
    if settings.MLFLOW_TRACKING_URI:
        _enqueue("push_to_mlflow", version_id, cluster=TRAINING, on_commit=False)


def score(version_id: int) -> None:
    """Let the champion score unlabelled tasks, least sure first to be labelled next.

    The job is a row of the caller's own transaction, which stores that it is queued.
    """
    _enqueue("score", version_id, cluster=EVENTS, on_commit=False)


def deliver(cluster: str = EVENTS) -> None:
    """Send the deliveries of webhooks that are due."""
    _enqueue("deliver", cluster=cluster)
