"""Every django-q entry point and nothing else: claim, call, record."""

import structlog

from mlapi.worker import worker_name
from registry.models import ModelVersion, Project

log = structlog.get_logger(__name__)

# What a job needs is imported in it: a worker of one cluster does not load the other's.


def drain(project_id: int) -> None:
    """Apply the project's received events in order, then ask the policy whether to train."""
    from mlapi.mirror import process_events
    from mlapi.training import policy

    process_events.process_pending_events(project_id)
    policy.consider(Project.objects.get(pk=project_id))


def sync(project_id: int, reason: str) -> None:
    """Reconcile the mirror with Label Studio."""
    from mlapi.mirror.sync import sync as reconcile
    from registry.actions import projects

    if project := Project.objects.filter(pk=project_id).first():
        try:
            reconcile(project, reason)
        except Exception:
            projects.mark_sync_failed(project)  # or nobody could ask for another for half an hour
            raise


def train(run_id: int) -> None:
    """Carry out the run, then ask the policy what came in meanwhile."""
    from mlapi.training import policy
    from mlapi.training.run import carry_out

    run = carry_out(run_id, worker_name())
    if run is not None:
        policy.consider(run.project)


def fall_back(project_id: int, version_id: int, error: str) -> None:
    """The version did not load in a serving process: move the champion to one that does.

    Unless it loads here: then that process is at fault, and tries again by itself.
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
    """The version's artifact has an old format: convert it, or train in place of a champion."""
    from mlapi.conversion.converting import convert_or_train

    convert_or_train(ModelVersion.objects.select_related("project").get(pk=version_id))


def score(version_id: int) -> None:
    """Let the champion say how sure it is of each unlabelled task."""
    from mlapi.training import scoring

    scoring.score(version_id)


def tick() -> None:
    """Every half minute: what became due, and what got lost."""
    from mlapi.jobs import maintenance

    maintenance.tick()


def hourly() -> None:
    """Every hour: reconcile, and forget what has been kept long enough."""
    from mlapi.jobs import maintenance

    maintenance.hourly()
