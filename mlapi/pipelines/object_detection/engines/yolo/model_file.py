"""Weights in a safetensors file of the operator's, and the YAML file beside it that defines them.

The YAML file is a definition as the package has them, with the names of the classes (`names`) and
the longer side of the images that the network was trained on (`imgsz`, 640 without one).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlapi.pipelines.object_detection.engines.yolo import definition as definitions

SUFFIX = ".safetensors"
_MOST_BYTES, _MOST_TEXT = 500_000_000, 1_000_000
_SIDES = range(32, 2_049)
DEFAULT_SIDE = 640


@dataclass(frozen=True)
class YoloModelFile:
    """`classes` in the order of the network's outputs, and the longer side of its inputs."""

    definition: dict[str, Any]
    classes: tuple[str, ...]
    side: int
    weights: bytes


def read(path: Path) -> YoloModelFile:
    """The file of weights, and the one beside it. Raises OSError or ValueError."""
    beside = path.with_suffix(".yaml")
    if not beside.is_file():
        raise ValueError(f"Its definition, {beside.name}, is not beside it.")
    if path.stat().st_size > _MOST_BYTES or beside.stat().st_size > _MOST_TEXT:
        raise ValueError(f"It is larger than {_MOST_BYTES // 1_000_000} MB, or its definition is.")
    found = _parsed(beside)
    classes = _classes(found.get("names"))
    if found.get("nc", len(classes)) != len(classes):
        raise ValueError(f"{beside.name} has {found['nc']} classes (nc), and {len(classes)} names.")
    try:
        definition = definitions.checked(found, len(classes))
    except ValueError as error:
        raise ValueError(f"{beside.name}: {error}") from error
    side = found.get("imgsz", DEFAULT_SIDE)
    if not isinstance(side, int) or side not in _SIDES:
        raise ValueError(f"{beside.name} has no size of images (imgsz) from 32 to 2,048.")
    return YoloModelFile(definition, classes, side, path.read_bytes())


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.name} is no YAML file.") from error
    if not isinstance(found, dict):
        raise ValueError(f"{path.name} is no definition of a network.")
    return found


def _classes(names: Any) -> tuple[str, ...]:
    """Of a dictionary by number, or a list."""
    if isinstance(names, dict):
        names = [names.get(number) for number in range(len(names))]
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise ValueError("Its definition has no names of classes (names).")
    return tuple(names)
