"""The context of a version's page: metrics, mistakes and lineage."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat

from registry.engine import LabelType, engine
from registry.formatting import (
    answer_text,
    format_3dp,
    interval_and_n,
    metric_value,
    share_interval,
    signed,
)
from registry.metrics import Direction, metric_info, title
from registry.models import AuditEntry, Metric, ModelVersion, Outcome, Target
from registry.permissions import may_view
from registry.reports import shown_models
from registry.reports.metrics import (
    CombinedMetric,
    WholeMetric,
    per_class,
    whole_and_combined,
)
from registry.reports.proportions import version_proportions
from registry.reports.reliability import reliability
from registry.reports.series import TargetCurve, learning_curves, may_have_curve
from registry.reports.tasks import Mistake, least_agreeing, mistakes, why_no_link
from registry.reports.version_history import champion_before, entry_summary, version_history
from registry.statistics import Proportion

from . import run_page, version_charts
from .images import excerpt, exemplars_of_labels, outlined
from .markup import ago, version_badge
from .navigation import link, list_url, page_url

_MISTAKES = 10
_OTHERS = 50


def context(
    user: AbstractBaseUser | AnonymousUser, version: ModelVersion, query: QueryDict
) -> dict[str, Any]:
    """The context of the page. `?target=` selects the target of confusion, curve and mistakes.

    One target at a time, so that the number of queries does not grow with the targets.
    """
    targets = list(version.targets.all())
    trained = [t for t in targets if t.trained]
    chosen = next((t for t in trained if t.name == query.get("target")), None)
    chosen = chosen or (trained[0] if trained else None)
    previous = champion_before(version)
    rows, combined = whole_and_combined(version, previous)
    return {
        "version": version,
        "state": version_badge(version),
        "project": link(version.project),
        "previous": previous,
        "previous_link": link(previous) if previous else "",
        "facts": _facts(version, rows, combined, previous),
        "metrics": [_metric(row) for row in rows],
        "metrics_url": list_url(Metric, version__id__exact=version.pk),
        "targets": targets,
        "trained": trained,
        "chosen": chosen,
        **(_of_target(user, version, chosen, previous, rows, query) if chosen else {}),
        "may_compare": may_view(user, *shown_models.COMPARISON),
        "may_export": may_view(user, *shown_models.EXPORT),
        "others": ModelVersion.objects.filter(project=version.project_id)
        .exclude(pk=version.pk)
        .only("label", "number", "project")[:_OTHERS],
        "lineage": _lineage(version),
        "packages": sorted(version.environment.items()),
        "audit_entries": _audit_entries(version) if may_view(user, AuditEntry) else [],
        "audit_entries_url": list_url(AuditEntry, version__id__exact=version.pk),
        "outcomes_url": list_url(Outcome, version__id__exact=version.pk),
        **_of_run(version),
    }


def proportion_text(proportion: Proportion) -> str:
    """The share with its interval and n; below 20 outcomes n only."""
    if proportion.share is None:
        return f"too few to tell (n = {proportion.n})"
    interval = share_interval(proportion.interval)
    return f"{format_3dp(proportion.share)} ({interval}, n = {proportion.n})"


def _facts(
    version: ModelVersion,
    rows: list[WholeMetric],
    combined: CombinedMetric | None,
    previous: ModelVersion | None,
) -> list[dict[str, Any]]:
    primary = next((row for row in rows if (row.target, row.name) == ("", "primary")), None)
    metric = title(version.primary_metric)
    sources = [Outcome.Source.PREQUENTIAL, Outcome.Source.SHOWN]
    after, shown = version_proportions(version, sources).values()
    facts = [
        {
            "name": f"Primary metric ({metric})",
            "value": format_3dp(primary.value)
            if primary and primary.value is not None
            else "not evaluated",
            "note": _beside(version, primary) if primary else "",
        },
        *(
            [
                {
                    "name": "Holdout and out of fold",
                    "value": format_3dp(combined.value),
                    "note": f"95 % {share_interval(combined.interval)}, n = {combined.n}",
                }
            ]
            if combined
            else []
        ),
        {
            "name": "Previous champion",
            "value": format_3dp(primary.previous) if previous and primary else "none",
            "note": _champion_before(version, previous, primary),
            "href": page_url(previous) if previous else "",
        },
    ]
    for name, found in (
        ("Predicted before the human label", after),
        ("Pre-annotations accepted", shown),
    ):
        one = next(iter(found.values())) if len(found) == 1 else None
        facts.append(
            {
                "name": name,
                "value": "–" if not one or one.share is None else format_3dp(one.share),
                "note": "; ".join(f"{target}: {proportion_text(s)}" for target, s in found.items())
                or "no new label since it became champion",
            }
        )
    return facts


def _beside(version: ModelVersion, primary: WholeMetric) -> str:
    baseline = f"baseline {format_3dp(primary.baseline)}"
    return f"{baseline}, {interval_and_n(version.primary_interval, primary.n)}"


def _champion_before(
    version: ModelVersion, previous: ModelVersion | None, primary: WholeMetric | None
) -> str:
    if not previous or not primary:
        return "no earlier champion"
    if previous.primary_metric != version.primary_metric:
        return f"{previous.label}, evaluated by its {title(previous.primary_metric)}"
    return f"{previous.label}, on its own holdout, n = {primary.previous_n}"


def _metric(row: WholeMetric) -> dict[str, Any]:
    """A row of the table: colour and sign show better and worse."""
    metric = metric_info(row.metric)
    change = gain = None
    counted = metric.direction == Direction.NEITHER
    if row.value is not None and row.previous is not None and not counted:
        change, gain = row.value - row.previous, metric.gain(row.value, row.previous)
    return {
        "target": row.target or "all targets",
        "name": title(row.name, row.metric, row.k),
        "lower": metric.direction == Direction.LOWER,
        "value": metric_value(row.name, row.value),
        "interval": share_interval(row.interval) if row.interval else "",
        "n": row.n,
        "baseline": format_3dp(row.baseline),
        "below_baseline": row.beats_baseline is False and row.name != "ece",
        "previous": metric_value(row.name, row.previous),
        "previous_n": row.previous_n,
        "change": signed(change),
        "css": "" if not gain or abs(gain) < 0.0005 else "better" if gain > 0 else "worse",
    }


def _of_target(
    user: AbstractBaseUser | AnonymousUser,
    version: ModelVersion,
    target: Target,
    previous: ModelVersion | None,
    rows: list[WholeMetric],
    query: QueryDict,
) -> dict[str, Any]:
    """The values of one target; without the tasks' content for who may not view it."""
    classes = [row for row in per_class(version, previous) if row.target == target.name]
    label_type = engine().label_type(str(target.kind))
    may_view_mistakes = may_view(user, *shown_models.MISTAKES)
    worst = _worst(version, target, label_type) if may_view_mistakes else []
    return {
        "per_class": [version_charts.class_row(row) for row in classes if row.by_humans],
        "exemplars": exemplars_of_labels(version, target, classes, query)
        if may_view(user, *shown_models.EXEMPLARS)
        else None,
        "confusion": version_charts.confusion_chart(version, target),
        "of_objects": label_type.localized,
        "precision_recall": version_charts.precision_recall_chart(version, target)
        if label_type.localized
        else None,
        **_curve(version, target),
        **_calibration(version, target, rows),
        "may_view_mistakes": may_view_mistakes,
        "mistakes": [
            {
                "content": outlined(m.task, label_type, m.human, m.predicted)
                if label_type.localized
                else excerpt(m.task),
                "human": answer_text(m.human_classes),
                "predicted": answer_text(m.predicted_classes),
                "score": "–" if m.score is None else f"{m.score:.0%}",
                "url": m.task.url,
                "page": page_url(Outcome(pk=m.outcome)),
                "task": m.task.labelstudio_id,
            }
            for m in worst
        ],
        "no_link": why_no_link(m.task for m in worst),
        "mistakes_url": list_url(
            Outcome,
            version__id__exact=version.pk,
            target=target.name,
            source__exact="holdout",
            correct__exact=0,
        ),
    }


def _worst(version: ModelVersion, target: Target, label_type: LabelType) -> list[Mistake]:
    if label_type.localized:
        return least_agreeing(version, target, _MISTAKES)
    return mistakes(version, target.name, _MISTAKES)


def _curve(version: ModelVersion, target: Target) -> dict[str, Any]:
    """The learning curve; {} if the target cannot have one."""
    if not may_have_curve(version, target.name):
        return {}
    curves = {curve.target: curve for curve in learning_curves(version)}
    curve = curves.get(target.name) or TargetCurve(target.name, [])
    return {
        "curve": version_charts.curve_chart(curve),
        "curve_sentence": curve.sentence if curve.points else "",
    }


def _calibration(version: ModelVersion, target: Target, rows: list[WholeMetric]) -> dict[str, Any]:
    """The reliability; {} where scores are similarities and not probabilities."""
    error = next((row for row in rows if (row.target, row.name) == (target.name, "ece")), None)
    if error is None:
        return {}
    errors = {"ece": error.value, "ece_calibrated": error.baseline}
    found = reliability(version, target.name, errors=errors)
    return {
        "reliability": version_charts.reliability_chart(found),
        "reliability_sentence": version_charts.calibration_sentence(found),
    }


def _lineage(version: ModelVersion) -> list[tuple[str, Any]]:
    size = f"{filesizeformat(version.artifact_bytes)} ({version.artifact_bytes:,} bytes)"
    return [
        ("Run", link(version.run, f"run {version.run_id}") if version.run else "–"),
        ("Created", ago(version.created_at)),
        ("Pipeline", version.pipeline),
        ("Recipe", version.recipe),
        *([("Features", version.extractor)] if version.extractor else []),
        *([("Images", counts)] if version.run and (counts := run_page.images(version.run)) else []),
        ("Label config", version.fingerprint),
        ("Artifact", version.artifact),
        ("Artifact size", size),
        ("SHA-256", version.artifact_sha256),
    ]


def _of_run(version: ModelVersion) -> dict[str, Any]:
    return run_page.training_details(version.run) if version.run else {}


def _audit_entries(version: ModelVersion) -> list[tuple[Any, AuditEntry, Any]]:
    newest = version_history(version).select_related("to_version")[:_MISTAKES]
    return [(link(entry, entry_summary(entry, version)), entry, ago(entry.at)) for entry in newest]
