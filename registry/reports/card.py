"""A version's card: metrics, classes, mistakes, comparison and lineage, as JSON and Markdown."""

from dataclasses import asdict
from typing import Any

from registry.models import ModelVersion, Outcome, TrainingRun
from registry.reports.card_markdown import card_markdown
from registry.reports.confusion import confusion
from registry.reports.exemplars import LabelExemplars, exemplars
from registry.reports.metrics import per_class, whole_metrics
from registry.reports.proportions import version_proportions
from registry.reports.series import learning_curves
from registry.reports.tasks import mistakes
from registry.reports.version_history import champion_before, version_history
from registry.statistics import Proportion

__all__ = ["card", "card_markdown", "training_card"]

MISTAKES = 10
LABELS, EXAMPLES = 30, 5  # of so many labels, with so many tasks each


def card(version: ModelVersion) -> dict[str, Any]:
    """The version's card as JSON values; twelve queries, and one for each target.

    Mistakes have their task's id and page, not its text, which may be confidential.
    """
    project, run = version.project, version.run
    targets = list(version.targets.all())
    previous = champion_before(version)
    classes = per_class(version, previous)
    labels = exemplars(version, limit=EXAMPLES, most=LABELS, classes=classes)
    return {
        "version": version.label,
        "number": version.number,
        "state": version.state.value,
        "note": version.note,
        "created_at": _time(version.created_at),
        "project": {"id": project.pk, "uid": project.uid, "title": project.title},
        "pipeline": version.pipeline,
        "recipe": version.recipe,
        "primary_metric": version.primary_metric,
        "primary": version.primary_value,
        "primary_interval": version.primary_interval,
        "primary_n": version.primary_n,
        "targets": [_target(target) for target in targets],
        "metrics": [asdict(row) for row in whole_metrics(version, previous)],
        "previous_champion": previous.label if previous else None,
        "per_class": [asdict(row) for row in classes],
        "labels": [_label(one) for one in labels],
        "confusion": [asdict(confusion(version, t)) for t in targets if t.trained],
        "learning_curves": [
            {**asdict(curve), "sentence": curve.sentence} for curve in learning_curves(version)
        ],
        "after_training": _proportions(version),
        "mistakes": _mistakes(version),
        "comparison": run.comparison if run else {},
        "lineage": _lineage(version, run),
        "audit_entries": _audit_entries(version),
    }


def training_card(version: ModelVersion) -> dict[str, Any]:
    """The card as it is from the training on, without what changes while the version serves.

    Labels have today's names.
    """
    targets, run = list(version.targets.all()), version.run
    return {
        "version": version.label,
        "note": "",
        "created_at": _time(version.created_at),
        "project": {"id": version.project.pk, "uid": version.project.uid, "title": ""},
        "pipeline": version.pipeline,
        "recipe": version.recipe,
        "primary_metric": version.primary_metric,
        "targets": [_target(target) for target in targets],
        "metrics": [asdict(row) for row in whole_metrics(version)],
        "per_class": [asdict(row) for row in per_class(version, None)],
        "confusion": [asdict(confusion(version, t)) for t in targets if t.trained],
        "lineage": _lineage(version, run),
        **{name: [] for name in ("labels", "learning_curves", "mistakes", "audit_entries")},
        "after_training": {},
    }


def _target(target: Any) -> dict[str, Any]:
    names = ["name", "object_name", "object_tag", "field", "kind", "pipeline", "labels"]
    names += ["trained", "untrained_reason", "decision"]
    return {name: getattr(target, name) for name in names}


def _proportions(version: ModelVersion) -> dict[str, dict[str, dict[str, Any]]]:
    sources = [Outcome.Source.PREQUENTIAL.value, Outcome.Source.SHOWN.value]
    return {
        source: {target: _proportion(proportion) for target, proportion in by_target.items()}
        for source, by_target in version_proportions(version, sources).items()
    }


def _proportion(proportion: Proportion) -> dict[str, Any]:
    """Share and interval are None below 20 outcomes."""
    interval = list(proportion.interval) if proportion.interval else None
    return {"n": proportion.n, "share": proportion.share, "interval": interval}


def _label(one: LabelExemplars) -> dict[str, Any]:
    return {
        "target": one.target,
        "label": one.label,
        "n": one.n,
        "by_humans": one.by_humans,
        "tasks": [example.task.labelstudio_id for example in one.examples],
    }


def _mistakes(version: ModelVersion) -> list[dict[str, Any]]:
    return [
        {
            "target": m.target,
            "task": m.task.labelstudio_id,
            "url": m.task.url,
            "human": m.human,
            "predicted": m.predicted,
            "human_classes": m.human_classes,
            "predicted_classes": m.predicted_classes,
            "score": m.score,
        }
        for m in mistakes(version, limit=MISTAKES)
    ]


def _lineage(version: ModelVersion, run: TrainingRun | None) -> dict[str, Any]:
    return {
        "fingerprint": version.fingerprint,
        "features": version.extractor,
        "artifact": {
            "key": version.artifact,
            "bytes": version.artifact_bytes,
            "sha256": version.artifact_sha256,
        },
        "environment": version.environment,
        "run": _run(run) if run else None,
    }


def _run(run: TrainingRun) -> dict[str, Any]:
    return {
        "id": run.pk,
        "trigger": run.trigger,
        "actor": run.actor,
        "created_at": _time(run.created_at),
        "started_at": _time(run.started_at),
        "ended_at": _time(run.ended_at),
        "parameters": run.parameters,
        "dataset_fingerprint": run.dataset_fingerprint,
        "dataset_counts": run.dataset_counts,
        "candidates": run.candidates,
        "statements": run.statements,
        "phases": run.phases,
    }


def _audit_entries(version: ModelVersion) -> list[dict[str, Any]]:
    """The audit entries of the version, oldest first; one query."""
    audit_entries = (
        version_history(version).select_related("from_version", "to_version").order_by("id")
    )
    return [
        {
            "at": _time(entry.at),
            "verb": entry.verb,
            "from": entry.from_version.label if entry.from_version else None,
            "to": entry.to_version.label if entry.to_version else None,
            "actor": entry.actor,
            "reason": entry.reason,
            "numbers": entry.numbers,
        }
        for entry in audit_entries
    ]


def _time(at: Any) -> str | None:
    return at.isoformat() if at else None
