"""Derives a task's labels from its annotations: at most one per target, by majority."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.labelstudio import visibility
from mlapi.labelstudio.elements import label_of
from mlapi.labelstudio.response_schemas import parse_datetime

Labels = dict[str, str | list[str]]

NEVER_ADDED: Mapping[str, str] = {}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def consensus(
    annotations: Iterable[Mapping[str, Any]],
    targets: Sequence[TargetSpec],
    since: Mapping[str, str] = NEVER_ADDED,
) -> tuple[Labels, list[str]]:
    """The annotators' consensus by control name, and the names of controls with a tie.

    Each annotator has one vote, their latest annotation that was not skipped. A `single`
    label is the one with the most votes. A `multiple` label is the sorted list of the labels that
    more than half chose, and may be empty; it is tied if exactly half chose one of them.
    Labels that the target does not allow are not counted. A control that an annotation hides has
    no vote in it, and one that the consensus hides has no label. `since` is when a control was
    added to the config, for those that were added later.
    """
    votes = [annotation_labels(vote, targets, since) for vote in _votes(annotations)]
    labels: Labels = {}
    ties: list[str] = []
    for target in targets:
        chosen = [vote[target.name] for vote in votes if target.name in vote]
        if not chosen:
            continue
        label = _majority_label(chosen) if target.kind == "single" else _majority_set(chosen)
        if label is None:
            ties.append(target.name)
        else:
            labels[target.name] = label
    tied = {name: {label for vote in votes for label in vote.get(name, ())} for name in ties}
    shown = visibility.shown(targets, {**chosen_in(labels), **tied})
    return (
        {name: label for name, label in labels.items() if name in shown},
        [name for name in ties if name in shown],
    )


def annotation_labels(
    annotation: Mapping[str, Any],
    targets: Sequence[TargetSpec],
    since: Mapping[str, str] = NEVER_ADDED,
) -> dict[str, tuple[str, ...]]:
    """One annotation's labels by control name, sorted; none of a control that it does not show."""
    shown = visibility.shown(targets, _region_choices(annotation.get("result")))
    found = {t.name: annotation_label(annotation, t, since) for t in targets if t.name in shown}
    return {name: labels for name, labels in found.items() if labels is not None}


def chosen_in(labels: Mapping[str, str | Sequence[str]]) -> dict[str, Sequence[str]]:
    """What is chosen in each control, by their labels."""
    return {name: [value] if isinstance(value, str) else value for name, value in labels.items()}


def annotation_label(
    annotation: Mapping[str, Any],
    target: TargetSpec,
    since: Mapping[str, str] = NEVER_ADDED,
) -> tuple[str, ...] | None:
    """The labels of a target in one annotation, sorted; None without an allowed one.

    For `multiple`, a submitted annotation without a choice is the valid empty set, if it is
    not older than the control. For `single` it is None, and so are two labels, which remain
    from a time when the control took several.
    """
    chosen = _region_labels(annotation.get("result"), target)
    allowed = sorted(chosen & set(target.labels)) if target.labels else sorted(chosen)
    if target.kind == "single":
        return tuple(allowed) if len(allowed) == 1 else None
    if not chosen and _predates(annotation, since.get(target.name)):
        return None
    return None if chosen and not allowed else tuple(allowed)


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


def _region_labels(result: Any, target: TargetSpec) -> set[str]:
    """The labels in the regions of the target's control."""
    read = READERS.get(target.control_tag, _choice_labels)
    labels: set[str] = set()
    for region in result if isinstance(result, list) else ():
        if isinstance(region, dict) and region.get("from_name") == target.name:
            value = region.get("value")
            labels.update(read(value) if isinstance(value, dict) else ())
    return labels


def _region_choices(result: Any) -> dict[str, set[str]]:
    """What is chosen in every control of a result, served or not."""
    chosen: dict[str, set[str]] = {}
    for region in result if isinstance(result, list) else ():
        if not isinstance(region, dict):
            continue
        name, value = region.get("from_name"), region.get("value")
        if isinstance(name, str) and isinstance(value, dict):
            chosen.setdefault(name, set()).update(_choice_labels(value), _path_labels(value))
    return chosen


def _choice_labels(value: Mapping[str, Any]) -> list[str]:
    """The choices; of a control with `allowNested` each is a path."""
    choices = value.get("choices")
    paths = choices if isinstance(choices, list) else ()
    return [*_strings(choices), *(label_of(_strings(p)) for p in paths if isinstance(p, list))]


def _text_labels(value: Mapping[str, Any]) -> list[str]:
    """The written text as one label, with its white space normalised."""
    words = " ".join(" ".join(_strings(value.get("text"))).split())
    return [words] if words else []


def _path_labels(value: Mapping[str, Any]) -> list[str]:
    paths = value.get("taxonomy")
    listed = paths if isinstance(paths, list) else []
    return [label_of(_strings(path)) for path in listed if isinstance(path, list) and path]


def _rating_labels(value: Mapping[str, Any]) -> list[str]:
    """The stars; none is no rating."""
    rating = value.get("rating")
    is_number = isinstance(rating, int | float) and not isinstance(rating, bool)
    return [f"{rating:g}"] if is_number and rating else []


def _selected_labels(value: Mapping[str, Any]) -> list[str]:
    return _strings(value.get("selected"))


def _strings(value: Any) -> list[str]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [text for text in listed if isinstance(text, str)]


READERS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "Choices": _choice_labels,
    "TextArea": _text_labels,
    "Taxonomy": _path_labels,
    "Rating": _rating_labels,
    "Pairwise": _selected_labels,
}


def _majority_label(chosen: list[tuple[str, ...]]) -> str | None:
    ranked = Counter(label for (label,) in chosen).most_common(2)
    return None if len(ranked) == 2 and ranked[0][1] == ranked[1][1] else ranked[0][0]


def _majority_set(chosen: list[tuple[str, ...]]) -> list[str] | None:
    counts = Counter(label for labels in chosen for label in labels)
    if any(2 * n == len(chosen) for n in counts.values()):
        return None
    return sorted(label for label, n in counts.items() if 2 * n > len(chosen))
