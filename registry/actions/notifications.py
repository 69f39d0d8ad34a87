"""Notifications of the changes that other actions make, written in their transactions."""

from registry import queue
from registry.metrics import metric_info, title
from registry.models import AuditEntry, ModelVersion, Project, TrainingRun, Worker
from registry.models.webhook import Topic
from registry.server import page_url
from registry.statistics import Proportion

from . import webhooks


def run_failed(run: TrainingRun) -> None:
    """A run has failed."""
    project = run.project
    webhooks.notify(
        Topic.RUN_FAILED,
        project,
        f"{project.name}: run {run.pk} failed",
        f"{run.error} {run.hint}".strip(),
        url=page_url(run),
        data={"run": run.pk, "kind": run.kind, "error_code": run.error_code},
    )


def champion_moved(entry: AuditEntry) -> None:
    """Another version serves: promoted, rolled back to, or fallen back to; or none does."""
    project, now, before = entry.project, entry.to_version, entry.from_version
    if project is None:
        return
    serves = f"{now.label} serves" if now else "nothing serves"
    data = {
        "verb": entry.verb,
        "actor": entry.actor,
        "version": now.label if now else None,
        "previous": before.label if before else None,
    }
    topic, text = Topic.VERSION_PROMOTED, entry.reason
    if entry.verb == "fall_back":
        topic = Topic.FELL_BACK
        text = f"{before.label if before else 'The champion'} did not load: {entry.reason}"
    url = page_url(now or project)
    webhooks.notify(topic, project, f"{project.name}: {serves}", text, url=url, data=data)
    if now and before:
        _metric_dropped(project, now, before, entry)


def _metric_dropped(
    project: Project, now: ModelVersion, before: ModelVersion, entry: AuditEntry
) -> None:
    """The version that serves now is worse than the one before: on one holdout, if compared."""
    numbers = entry.numbers if entry.verb == "promote" else {}
    value, previous = numbers.get("candidate"), numbers.get("champion")
    metric = numbers.get("metric") or now.primary_metric
    if value is None or previous is None:
        if now.primary_metric != before.primary_metric:
            return
        metric, value, previous = now.primary_metric, now.primary_value, before.primary_value
    if value is None or previous is None or metric_info(metric).gain(value, previous) >= 0:
        return
    webhooks.notify(
        Topic.METRIC_DROPPED,
        project,
        f"{project.name}: {title(metric)} dropped from {previous:.3f} to {value:.3f}",
        f"{now.label} serves instead of {before.label}.",
        url=page_url(now),
        data={"metric": metric, "value": value, "previous": previous, "version": now.label},
    )


def accuracy_dropped(project: Project, now: Proportion, before: Proportion) -> None:
    """The served version is right less often about new labels than it was."""
    share, previous = now.share or 0.0, before.share or 0.0
    webhooks.notify(
        Topic.METRIC_DROPPED,
        project,
        f"{project.name}: accuracy on new labels dropped from {previous:.3f} to {share:.3f}",
        f"Of {now.n} labels of the last days, and {before.n} before. "
        "The data, or how people label them, may have changed.",
        url=page_url(project),
        data={
            "metric": "prequential_accuracy",
            "value": share,
            "n": now.n,
            "previous": previous,
            "previous_n": before.n,
        },
    )


def connection_lost(project: Project) -> None:
    """A check that reached Label Studio before does not any more."""
    step = project.failed_step
    failed = step.get("step")
    webhooks.notify(
        Topic.CONNECTION_LOST,
        project,
        f"{project.name}: Label Studio is not reached",
        f"{failed}: {step.get('detail') or 'failed'} {step.get('cure') or ''}".strip(),
        url=page_url(project),
        data={"failed": failed},
    )


def worker_silent(worker: Worker, others: int) -> None:
    """A worker has sent no heartbeat for long; `others` of its cluster do.

    Where no other of the events workers does, the training worker sends it.
    """
    is_last_of_events = worker.cluster == queue.EVENTS and not others
    rest = f"{others} others of the cluster work." if others else "No other of the cluster works."
    webhooks.notify(
        Topic.WORKER_SILENT,
        None,
        f"The {worker.cluster} worker on {worker.hostname} is silent",
        f"Its last heartbeat was at {worker.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC. {rest}",
        data={"worker": worker.hostname, "of_cluster": worker.cluster, "others": others},
        cluster=queue.TRAINING if is_last_of_events else queue.EVENTS,
    )
