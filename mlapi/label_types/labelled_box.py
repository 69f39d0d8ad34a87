"""A labelled box: an object of an image, as annotators draw it and models find it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mlapi.label_types.geometry import Rectangle

Size = tuple[int, int]


@dataclass(frozen=True)
class LabelledBox:
    """An object: its label, its place in percent of the upright image, and the image's size.

    `size` is (width, height) in pixels, None where it is unknown. A model's box has a `score`; one
    that is a `candidate` only is below the threshold of its label, and is not served.
    """

    label: str
    place: Rectangle
    size: Size | None = None
    score: float | None = None
    candidate: bool = False

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"class": self.label, **self.place._asdict()}
        if self.size is not None:
            found["size"] = list(self.size)
        if self.score is not None:
            found["score"] = round(self.score, 4)
        return {**found, "candidate": True} if self.candidate else found

    @classmethod
    def from_json(cls, stored: Any) -> "LabelledBox | None":
        if not isinstance(stored, dict) or not isinstance(stored.get("class"), str):
            return None
        sides = (stored.get(name) for name in Rectangle._fields)
        numbers = [float(side) for side in sides if isinstance(side, int | float)]
        size, score = stored.get("size"), stored.get("score")
        if len(numbers) != len(Rectangle._fields):
            return None
        return cls(
            stored["class"],
            Rectangle(*numbers),
            (size[0], size[1]) if isinstance(size, list) and len(size) == 2 else None,
            score if isinstance(score, int | float) else None,
            bool(stored.get("candidate")),
        )


def boxes_from_json(stored: Iterable[Any]) -> list[LabelledBox]:
    """The boxes of a list, without entries that are none."""
    return [box for one in stored if (box := LabelledBox.from_json(one)) is not None]
