"""The labels in the values of Label Studio's regions, by the control tag that they are of."""

from collections.abc import Iterable, Mapping
from typing import Any

_PATH = " / "  # between the words of a path


def label_of(path: Iterable[str]) -> str:
    """A path of choices as one label."""
    return _PATH.join(path)


def words_of(label: str) -> list[str]:
    """The words of the path that a label may be of."""
    return label.split(_PATH)


def choice_labels(value: Mapping[str, Any]) -> list[str]:
    """The choices; of a control with `allowNested` each is a path."""
    choices = value.get("choices")
    paths = choices if isinstance(choices, list) else ()
    return [*_strings(choices), *(label_of(_strings(p)) for p in paths if isinstance(p, list))]


def path_labels(value: Mapping[str, Any]) -> list[str]:
    """The paths of a Taxonomy."""
    paths = value.get("taxonomy")
    listed = paths if isinstance(paths, list) else []
    return [label_of(_strings(path)) for path in listed if isinstance(path, list) and path]


def text_labels(value: Mapping[str, Any]) -> list[str]:
    """The written text as one label, with its white space normalised."""
    words = " ".join(" ".join(_strings(value.get("text"))).split())
    return [words] if words else []


def rating_labels(value: Mapping[str, Any]) -> list[str]:
    """The stars; none is no rating."""
    rating = value.get("rating")
    is_number = isinstance(rating, int | float) and not isinstance(rating, bool)
    return [f"{rating:g}"] if is_number and rating else []


def selected_labels(value: Mapping[str, Any]) -> list[str]:
    """The side of a Pairwise."""
    return _strings(value.get("selected"))


def _strings(value: Any) -> list[str]:
    listed = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [text for text in listed if isinstance(text, str)]
