"""The jobs that django-q calls by dotted name, and in `maintenance` what it does not do itself.

django-q has no heartbeat, no uniqueness and no detection of lost jobs: `maintenance` requeues
and reaps, `mlapi.training.heartbeat` keeps a run alive, `mlapi.worker` knows of a shutdown.
Imports mirror, conversion, training and all below. Imported by commands.
"""

import structlog

from mlapi.worker import worker_name
from registry.models import ModelVersion, Project

log = structlog.get_logger(__name__)

# Each job imports what it needs: a worker of one cluster does not load the other's modules.


def process_events(project_id: int) -> None:
    """Applies the project's received events in order, then the training policy."""
    from mlapi.mirror.process_events import take_turn
    from mlapi.training import policy

    if take_turn(project_id):
        policy.consider(Project.objects.get(pk=project_id))


def sync(project_id: int, reason: str) -> None:
    """Reconciles the mirror with Label Studio.

    Without a free reading slot it returns, and is queued again when one is free.
    """
    from mlapi.locks import reading_slot
    from mlapi.mirror.sync import sync as reconcile
    from registry.actions import projects

    project = Project.objects.filter(pk=project_id).first()
    with reading_slot() as is_free:
        if project is None or not is_free:
            return
        try:
            if reconcile(project, reason).is_busy:
                return
        except Exception:
            projects.mark_sync_failed(project)
            raise
    projects.requeue_syncs()


def train(run_id: int) -> None:
    """Carries out the run; queues its challenger, or what the labels since then call for."""
    from mlapi.training import policy
    from mlapi.training.run import carry_out, challenge

    run = carry_out(run_id, worker_name())
    if run is not None and policy.consider(run.project) is None:
        challenge(run)


def fall_back(project_id: int, version_id: int, error: str) -> None:
    """Moves the champion, which did not load in a serving process, to a version that loads.

    If it loads here, it stays: that serving process is at fault, and tries again by itself.
    """
    from mlapi.training.load_check import loads_in_a_fresh_process
    from registry.actions import champion

    version = ModelVersion.objects.select_related("project").get(
        pk=version_id, project_id=project_id
    )
    if loads_in_a_fresh_process(version):
        champion.keep(version, actor="serving", reason=f"It loads in a worker. {error}")
        return
    goal = champion.fall_back(
        version.project,
        version,
        actor="serving",
        error=error,
        loads=loads_in_a_fresh_process,
    )
    log.error("fell back", version=version.label, to=goal.label if goal else None, error=error)


def convert(version_id: int) -> None:
    """Converts the version's artifact of an old format, or queues a run to replace a champion."""
    from mlapi.conversion.converting import convert_or_train

    convert_or_train(ModelVersion.objects.select_related("project").get(pk=version_id))


def score(version_id: int) -> None:
    """Scores unlabelled tasks with the champion."""
    from mlapi.training import scoring

    scoring.score(version_id)


def push_to_mlflow(version_id: int) -> None:
    """Registers the champion's export in MLflow; not that of a version that is none any more."""
    from mlapi.exports.mlflow_registry import push

    version = ModelVersion.objects.select_related("project").get(pk=version_id)
    if version.project.champion_id == version.pk:
        pushed = push(version)
        log.info("pushed to MLflow", version=version.label, name=pushed.name, number=pushed.number)


def deliver() -> None:
    """Sends what is due to webhooks."""
    from mlapi.notifications.delivery import send_due

    send_due()


def tick() -> None:
    """Every half minute: starts what is due, and finds what was lost."""
    from mlapi.jobs import maintenance

    maintenance.tick()


def hourly() -> None:
    """Every hour: reconciles, and deletes what is expired."""
    from mlapi.jobs import maintenance

    maintenance.hourly()
