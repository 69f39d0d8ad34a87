"""Detects a training whose result equals the champion, of which no version is made."""

from collections.abc import Iterable
from typing import Any

from registry.models import AuditEntry, ModelVersion, Project, TrainingRun
from registry.training_result import TargetRow, TrainingResult
from registry.verified import ARTIFACT_FORMAT


def same_champion(run: TrainingRun, result: TrainingResult) -> ModelVersion | None:
    """The project's champion where the result has its artifact, targets and options; else None.

    None too where the label config has changed since the champion learned, also back to what it
    was: only a new version string makes Label Studio request its tasks' predictions again.
    """
    project = Project.objects.select_related("champion__run").get(pk=run.project_id)
    champion = project.champion
    if champion is None or champion.load_failed_at:
        return None
    is_same = (
        champion.artifact_sha256 == result.artifact_sha256
        and champion.artifact_format == ARTIFACT_FORMAT
        and champion.fingerprint == run.parameters.get("fingerprint")
        and _options(champion.run) == _options(run)
        and _contents(champion.targets.all()) == _contents(result.targets)
        and not _config_changed_since(champion)
    )
    return champion if is_same else None


def _options(run: TrainingRun | None) -> Any:
    return run.parameters.get("options") if run else None


def _contents(targets: Iterable[Any | TargetRow]) -> list[tuple[Any, ...]]:
    """What each target fills, reads and predicts, in the order of their names."""
    names = ("name", "object_name", "object_tag", "field", "kind", "labels", "trained")
    return sorted(tuple(getattr(target, name) for name in names) for target in targets)


def _config_changed_since(version: ModelVersion) -> bool:
    changes = AuditEntry.objects.filter(project=version.project_id, verb="config_changed")
    return changes.filter(at__gt=version.learned_at).exists()
