"""Says which acts an object's state has room for, so that no other is offered.

The acts themselves refuse what is not possible; this only saves people the try.
"""

from collections.abc import Callable
from typing import Any

from django.db.models import Model

from registry.acts.champion import previous_champion
from registry.models import AccessKey, ModelVersion, Project, TrainingRun
from registry.models.run import ACTIVE_STATES, RunState


def possible(act: str, shown: Model) -> bool:
    """Whether the act can be done on the object as it is now; an act without a rule always can."""
    rule = _RULES.get(act)
    return rule is None or rule(shown)


def _can_train(project: Project) -> bool:
    active = TrainingRun.objects.filter(project=project, state__in=ACTIVE_STATES)
    return bool(project.pipeline) and not active.exists()


def _can_roll_back(shown: Project | ModelVersion) -> bool:
    """On a version's page it is the champion that one rolls back from."""
    if isinstance(shown, ModelVersion):
        return _is_champion(shown) and previous_champion(shown.project) is not None
    return previous_champion(shown) is not None


def _can_confirm_hostname(project: Project) -> bool:
    return bool(project.other_hostname or (project.hostname and not project.hostname_confirmed))


def _can_promote(version: ModelVersion) -> bool:
    fit = version.archived_at is None and version.load_failed_at is None
    return fit and not _is_champion(version)


def _can_archive(version: ModelVersion) -> bool:
    return version.archived_at is None and not _is_champion(version)


def _is_champion(version: ModelVersion) -> bool:
    return version.project.champion_id == version.pk


def _can_unarchive(version: ModelVersion) -> bool:
    return version.archived_at is not None


def _can_clear_load_failure(version: ModelVersion) -> bool:
    return version.load_failed_at is not None


def _can_cancel(run: TrainingRun) -> bool:
    return run.is_active and not run.cancel_requested


def _can_retry(run: TrainingRun) -> bool:
    return run.state in {RunState.FAILED, RunState.CANCELLED}


def _can_revoke(key: AccessKey) -> bool:
    return key.revoked_at is None


_RULES: dict[str, Callable[[Any], bool]] = {
    "train": _can_train,
    "roll_back": _can_roll_back,
    "confirm_hostname": _can_confirm_hostname,
    "promote": _can_promote,
    "archive": _can_archive,
    "unarchive": _can_unarchive,
    "clear_load_failure": _can_clear_load_failure,
    "cancel": _can_cancel,
    "retry": _can_retry,
    "revoke_key": _can_revoke,
}
