"""What the annotations of a task amount to: at most one usable label per target."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mlapi.domain import TargetSpec
from mlapi.labelstudio.label_config import label_of
from mlapi.labelstudio.response_schemas import moment

Labels = dict[str, str | list[str]]

NEVER_ADDED: Mapping[str, str] = {}
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def usable(
    annotations: Iterable[Mapping[str, Any]],
    targets: Sequence[TargetSpec],
    since: Mapping[str, str] = NEVER_ADDED,
) -> tuple[Labels, list[str]]:
    """The consensus of the annotators, by control name, and the controls on which they are tied.

    Each annotator has one vote, their latest annotation that was not skipped. A `single`
    label is the one with the most votes. A `multiple` label is the sorted list of those that
    more than half chose, and may be empty; it is tied if exactly half chose one of them.
    Labels that a target does not allow (today) are no votes. `since` says when a control
    joined the config, where it joined it later.
    """
    votes = _votes(annotations)
    labels: Labels = {}
    ties: list[str] = []
    for target in targets:
        answers = [a for a in (answer(v, target, since) for v in votes) if a is not None]
        if not answers:
            continue
        consensus = _most(answers) if target.kind == "single" else _each(answers)
        if consensus is None:
            ties.append(target.name)
        else:
            labels[target.name] = consensus
    return labels, ties


def answer(
    annotation: Mapping[str, Any],
    target: TargetSpec,
    since: Mapping[str, str] = NEVER_ADDED,
) -> tuple[str, ...] | None:
    """What one annotation says about a target, sorted; None if it says nothing that is allowed.

    Of a submitted annotation nothing chosen is the valid empty set for `multiple`, if the
    control was there to choose from; and no label for `single`. Nor are two labels, left
    over from a time when the control took several.
    """
    said = _said(annotation.get("result"), target)
    allowed = sorted(said & set(target.labels)) if target.labels else sorted(said)
    if target.kind == "single":
        return tuple(allowed) if len(allowed) == 1 else None
    if not said and _is_before(annotation, since.get(target.name)):
        return None
    return None if said and not allowed else tuple(allowed)


def is_submitted(annotation: Mapping[str, Any]) -> bool:
    """Whether an annotator submitted it; a skipped one is a vote for nothing."""
    return not annotation.get("was_cancelled")


def _votes(annotations: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The latest submitted annotation of each annotator; an unknown one speaks for itself."""
    latest: dict[Any, Mapping[str, Any]] = {}
    for annotation in sorted(filter(is_submitted, annotations), key=_age):
        annotator = annotation.get("completed_by")
        known = isinstance(annotator, int | str)
        voter = annotator if known else ("id", annotation.get("id"))
        latest[voter] = annotation
    return list(latest.values())


def _age(annotation: Mapping[str, Any]) -> tuple[datetime, int]:
    when = moment(annotation.get("updated_at")) or moment(annotation.get("created_at"))
    return when or _LONG_AGO, int(annotation.get("id") or 0)


def _is_before(annotation: Mapping[str, Any], since: str | None) -> bool:
    joined = moment(since)
    return joined is not None and _age(annotation)[0] < joined


def _said(result: Any, target: TargetSpec) -> set[str]:
    """What the regions of the target's control hold, as labels."""
    read = READERS.get(target.control_tag, _choices)
    said: set[str] = set()
    for region in result if isinstance(result, list) else ():
        if isinstance(region, dict) and region.get("from_name") == target.name:
            value = region.get("value")
            said.update(read(value) if isinstance(value, dict) else ())
    return said


def _choices(value: Mapping[str, Any]) -> list[str]:
    return _texts(value.get("choices"))


def _words(value: Mapping[str, Any]) -> list[str]:
    """What someone wrote, as one label whatever the white space."""
    words = " ".join(" ".join(_texts(value.get("text"))).split())
    return [words] if words else []


def _paths(value: Mapping[str, Any]) -> list[str]:
    paths = value.get("taxonomy")
    listed = paths if isinstance(paths, list) else []
    return [label_of(path) for path in listed if isinstance(path, list) and _texts(path)]


def _texts(value: Any) -> list[str]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [text for text in listed if isinstance(text, str)]


READERS: Mapping[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "Choices": _choices,
    "TextArea": _words,
    "Taxonomy": _paths,
}


def _most(answers: list[tuple[str, ...]]) -> str | None:
    ranked = Counter(label for (label,) in answers).most_common(2)
    return None if len(ranked) == 2 and ranked[0][1] == ranked[1][1] else ranked[0][0]


def _each(answers: list[tuple[str, ...]]) -> list[str] | None:
    counts = Counter(label for chosen in answers for label in chosen)
    if any(2 * n == len(answers) for n in counts.values()):
        return None
    return sorted(label for label, n in counts.items() if 2 * n > len(answers))
