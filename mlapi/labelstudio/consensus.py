"""Derives a task's labels from its annotations: at most one per target, by majority."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mlapi import label_types
from mlapi.domain import TargetSpec
from mlapi.label_types.regions import choice_labels, path_labels
from mlapi.labelstudio import visibility
from mlapi.labelstudio.response_schemas import parse_datetime
from registry.label_renames import NO_RENAMES, Renames

NEVER_ADDED: Mapping[str, str] = {}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def consensus(
    annotations: Iterable[Mapping[str, Any]],
    targets: Sequence[TargetSpec],
    since: Mapping[str, str] = NEVER_ADDED,
    renames: Renames = NO_RENAMES,
) -> tuple[dict[str, Any], list[str]]:
    """The annotators' consensus by control name, as JSON, and the names of controls with a tie.

    Each annotator has one vote, their latest annotation that was not skipped; what they agree on
    is the label type's. Labels that the target does not allow are not counted. A control that an
    annotation hides has no vote in it, and one that the consensus hides has no label. `since` is
    when a control was added to the config, for those that were added later. A label that was
    renamed counts as what it is called today.
    """
    votes = [annotation_labels(vote, targets, since, renames) for vote in _votes(annotations)]
    labels: dict[str, Any] = {}
    chosen: dict[str, Iterable[str]] = {}
    ties: list[str] = []
    for target in targets:
        label_type = label_types.of(target)
        values = [vote[target.name] for vote in votes if target.name in vote]
        if not values:
            continue
        agreed = label_type.consensus(values)
        if agreed is None:
            ties.append(target.name)
            chosen[target.name] = {label for one in values for label in label_type.classes(one)}
        else:
            labels[target.name] = label_type.to_json(agreed)
            chosen[target.name] = label_type.classes(agreed)
    visible = visibility.visible_controls(
        targets, {name: set(classes) for name, classes in chosen.items()}
    )
    return (
        {name: label for name, label in labels.items() if name in visible},
        [name for name in ties if name in visible],
    )


def labels_by_annotator(
    annotations: Iterable[Mapping[str, Any]],
    targets: Sequence[TargetSpec],
    since: Mapping[str, str] = NEVER_ADDED,
    renames: Renames = NO_RENAMES,
) -> dict[int, dict[str, Any]]:
    """The votes of `consensus` by annotator and control, as JSON; of known annotators only."""
    found = {}
    for vote in _votes(annotations):
        annotator = vote.get("completed_by")
        if isinstance(annotator, int):
            values = annotation_labels(vote, targets, since, renames)
            found[annotator] = {
                target.name: label_types.of(target).to_json(values[target.name])
                for target in targets
                if target.name in values
            }
    return found


def annotation_labels(
    annotation: Mapping[str, Any],
    targets: Sequence[TargetSpec],
    since: Mapping[str, str] = NEVER_ADDED,
    renames: Renames = NO_RENAMES,
) -> dict[str, Any]:
    """One annotation's values by control name; none of a control that it does not show."""
    at = _changed_at(annotation)[0]
    regions = _regions(annotation.get("result"))
    chosen = {
        name: {renames.today(name, label, at) for label in labels} if renames else labels
        for name, labels in _choices(regions).items()
    }
    visible = visibility.visible_controls(targets, chosen)
    values = {
        t.name: _value(annotation, _with_shapes(regions, t.name), t, since, renames)
        for t in targets
        if t.name in visible
    }
    return {name: value for name, value in values.items() if value is not None}


def _value(
    annotation: Mapping[str, Any],
    regions: Sequence[Mapping[str, Any]],
    target: TargetSpec,
    since: Mapping[str, str],
    renames: Renames,
) -> Any | None:
    """The value of a target in its regions of one annotation; None without an allowed one.

    That there is nothing is a value for some label types, if the annotation is not older than the
    control.
    """
    label_type = label_types.of(target)
    names = _names(annotation, target, renames) if renames else {}
    known = replace(target, labels=(*target.labels, *names)) if names else target
    value = label_type.read(regions, known)
    if names and value is not None:
        value = label_type.renamed(value, names)
    if value is None or label_type.classes(value):
        return value
    return None if _predates(annotation, since.get(target.name)) else value


def _names(annotation: Mapping[str, Any], target: TargetSpec, renames: Renames) -> dict[str, str]:
    """Which of the target's labels those mean that the annotation calls otherwise."""
    names = renames.names(target.name, _changed_at(annotation)[0], target.labels)
    return {old: new for old, new in names.items() if new in target.labels}


def labels_in(annotation: Mapping[str, Any], control: str) -> set[str]:
    """The labels of a control in one annotation, as they stand there."""
    return _choices(_regions(annotation.get("result"))).get(control, set())


def is_submitted(annotation: Mapping[str, Any]) -> bool:
    """Whether the annotation was submitted, not skipped."""
    return not annotation.get("was_cancelled")


def _votes(annotations: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The latest submitted annotation of each annotator, and each without an annotator."""
    latest: dict[Any, Mapping[str, Any]] = {}
    for annotation in sorted(filter(is_submitted, annotations), key=_changed_at):
        annotator = annotation.get("completed_by")
        known = isinstance(annotator, int | str)
        voter = annotator if known else ("id", annotation.get("id"))
        latest[voter] = annotation
    return list(latest.values())


def _changed_at(annotation: Mapping[str, Any]) -> tuple[datetime, int]:
    updated, created = (parse_datetime(annotation.get(n)) for n in ("updated_at", "created_at"))
    return updated or created or _LONG_AGO, int(annotation.get("id") or 0)


def _predates(annotation: Mapping[str, Any], since: str | None) -> bool:
    added = parse_datetime(since)
    return added is not None and _changed_at(annotation)[0] < added


def _regions(result: Any) -> dict[str, list[Mapping[str, Any]]]:
    """The regions of a result that have a value, by control."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for region in result if isinstance(result, list) else ():
        name = region.get("from_name") if isinstance(region, dict) else None
        if isinstance(name, str) and isinstance(region.get("value"), dict):
            found.setdefault(name, []).append(region)
    return found


def _with_shapes(
    regions: Mapping[str, Sequence[Mapping[str, Any]]], name: str
) -> list[Mapping[str, Any]]:
    """The control's regions, each with what other results of its id have: a label with its shape.

    A label that is stored without the shape that it is of has the shape in a result of another
    control.
    """
    own = regions.get(name, ())
    ids = {_id(region) for region in own} - {None}
    shapes: dict[str | None, Mapping[str, Any]] = {}
    for region in (r for other, found in regions.items() if other != name for r in found):
        region_id = _id(region)
        if region_id in ids:
            shapes[region_id] = _joined(shapes.get(region_id), region)
    return [_joined(shapes.get(_id(region)), region) for region in own]


def _id(region: Mapping[str, Any]) -> str | None:
    """The region's id; None for one that is no text."""
    found = region.get("id")
    return found if isinstance(found, str) else None


def _joined(shape: Mapping[str, Any] | None, region: Mapping[str, Any]) -> Mapping[str, Any]:
    if shape is None:
        return region
    return {**shape, **region, "value": {**shape["value"], **region["value"]}}


def _choices(regions: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, set[str]]:
    """What is chosen in every control of a result, served or not."""
    return {
        name: {
            label
            for region in of_control
            for label in (*choice_labels(region["value"]), *path_labels(region["value"]))
        }
        for name, of_control in regions.items()
    }
