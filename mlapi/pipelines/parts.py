"""The parts of an artifact as its models read them: each value by its name, checked."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from importlib import metadata
from typing import Any

import numpy as np

from mlapi import label_types
from mlapi.domain import InputSpec, TargetSpec
from mlapi.label_types import LABEL_TYPES, shape_of
from registry.errors import EvalsError

_WORDS: dict[type, str] = {
    dict: "a part",
    str: "a text",
    list: "a list",
    bytes: "bytes",
    np.ndarray: "an array",
}
_KINDS = {"integer": "biu", "floating": "f"}


class ArtifactInvalid(EvalsError):
    """The file is no artifact, or not one that its pipeline can read."""

    code = "artifact_invalid"


def spec_parts(spec: TargetSpec) -> dict[str, Any]:
    """A target as an artifact has it, and `Parts.spec` reads it.

    Its `kind` is the shape of its values: the control's tag tells the label type. The artifact
    names the pipeline itself.
    """
    return {
        **replace(spec, pipeline="", purpose="", attributes=()).to_dict(),
        "kind": shape_of(spec),
    }


class Parts:
    """A part of an artifact, whose values are read by name and type. Raises ArtifactInvalid."""

    def __init__(self, values: Mapping[str, Any], place: str = "") -> None:
        self._values = values
        self._place = place

    def text(self, name: str) -> str:
        return self._get(name, str)

    def texts(self, name: str) -> list[str]:
        found = self._get(name, list)
        if not all(isinstance(text, str) for text in found):
            raise self._wrong(name, "a list of texts")
        return found

    def number(self, name: str) -> float:
        found = self._values.get(name)
        is_number = isinstance(found, int | float) and not isinstance(found, bool)
        if not is_number or not math.isfinite(found):
            raise self._wrong(name, "a number")
        return float(found)

    def count(self, name: str) -> int:
        """A whole number that is not negative."""
        found = self._values.get(name)
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            raise self._wrong(name, "a count")
        return found

    def data(self, name: str) -> bytes:
        return self._get(name, bytes)

    def array(self, name: str, *shape: int | None, dtype: str = "floating") -> np.ndarray:
        """An array of this shape, where None is any length, of `floating` or `integer`."""
        found = self._get(name, np.ndarray)
        fits = found.ndim == len(shape) and all(
            expected in (None, length) for expected, length in zip(shape, found.shape, strict=True)
        )
        if not fits or found.dtype.kind not in _KINDS[dtype]:
            lengths = ", ".join("any" if length is None else str(length) for length in shape)
            raise self._wrong(name, f"an array ({lengths}) of {dtype} numbers")
        return found

    def numbers(self, name: str) -> np.ndarray:
        """An array of numbers of any shape and type."""
        return self._get(name, np.ndarray)

    def dimensions(self, name: str) -> int:
        """How many dimensions an array has."""
        return self._get(name, np.ndarray).ndim

    def places(self, name: str, most: int) -> np.ndarray:
        """(n,) of whole numbers, each from 0 to below `most`, none of them twice."""
        found = self.array(name, None, dtype="integer")
        if found.size and not (found.min() >= 0 and found.max() < most):
            raise self._wrong(name, f"numbers below {most}")
        if len(np.unique(found)) < len(found):
            raise self._wrong(name, "numbers that differ")
        return found

    def part(self, name: str) -> "Parts":
        return Parts(self._get(name, dict), self._path(name))

    def optional(self, name: str) -> "Parts | None":
        """A part, or None where the value is null."""
        return None if self._values.get(name) is None else self.part(name)

    def parts(self, name: str) -> Iterator["Parts"]:
        for i, found in enumerate(self._get(name, list)):
            if not isinstance(found, dict):
                raise self._wrong(f"{name}/{i}", "a part")
            yield Parts(found, self._path(f"{name}/{i}"))

    def only(self, name: str) -> "Parts":
        """The one part of a list of one."""
        found = list(self.parts(name))
        if len(found) != 1:
            raise self._wrong(name, "one part")
        return found[0]

    def one_of(self, name: str, known: Mapping[str, Any]) -> Any:
        """What is known under the text of that name."""
        found = self.text(name)
        if found not in known:
            raise self._wrong(name, f"one of {', '.join(sorted(known))}")
        return known[found]

    def spec(self, name: str = "spec") -> TargetSpec:
        """A target, without conditions and attributes: those of today's label config hold."""
        part = self.part(name)
        names = ("name", "object_name", "object_tag", "field", "text_key", "author_key")
        texts: dict[str, Any] = {name: part.text(name) for name in names}
        tag = part.text("control_tag")
        shapes = {t.shape: label_types.with_shape(t.shape, tag) for t in LABEL_TYPES.values()}
        return TargetSpec(
            kind=part.one_of("kind", shapes),
            labels=tuple(part.texts("labels")),
            control_tag=tag,
            inputs=tuple(one.input() for one in part.parts("inputs")) if part.has("inputs") else (),
            **texts,
        )

    def input(self) -> InputSpec:
        """An object tag of a target; the part itself."""
        texts = ("tag", "value", "encoding", "value_type", "text_key", "author_key")
        return InputSpec(**{text: self.text(text) for text in texts})

    def has(self, name: str) -> bool:
        """Whether there is a value of that name."""
        return name in self._values

    def settings(self, name: str, names: Iterable[str]) -> dict[str, str]:
        """A part of texts of these names."""
        part = self.part(name)
        return {text: part.text(text) for text in names}

    def require(self, name: str = "needs") -> None:
        """Raise ArtifactInvalid if a package that the part needs is not installed."""
        for package in self.texts(name):
            try:
                metadata.version(package)
            except (metadata.PackageNotFoundError, ValueError):
                raise ArtifactInvalid(
                    f"The artifact needs {package!r}, which is not installed.",
                    hint="Install the requirements of this release.",
                ) from None

    def wrong(self, message: str) -> ArtifactInvalid:
        """The error for parts that do not fit together."""
        return ArtifactInvalid(f"{self._place or 'The artifact'}: {message}")

    def _get(self, name: str, kind: type) -> Any:
        found = self._values.get(name)
        if not isinstance(found, kind):
            raise self._wrong(name, _WORDS[kind])
        return found

    def _path(self, name: str) -> str:
        return f"{self._place}/{name}" if self._place else name

    def _wrong(self, name: str, expected: str) -> ArtifactInvalid:
        return ArtifactInvalid(f"The artifact's {self._path(name)} is not {expected}.")
