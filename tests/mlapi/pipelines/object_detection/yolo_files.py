"""Definitions of small YOLO networks, and the files of an operator's model."""

from pathlib import Path
from typing import Any

import yaml


def definition(**changed: Any) -> dict[str, Any]:
    """The definition of a network of five layers, whose second layer has `width` channels."""
    width = changed.pop("width", 32)
    found = {
        "backbone": [
            [-1, 1, "Conv", [16, 3, 2]],
            [-1, 1, "Conv", [width, 3, 2]],
            [-1, 1, "Conv", [64, 3, 2]],
            [-1, 1, "Conv", [64, 3, 2]],
        ],
        "head": [[[2, 3], 1, "Detect", ["nc"]]],
    }
    return {**found, **changed}


def written(folder: Path, weights: bytes, name: str = "inks", **changed: Any) -> Path:
    """The file of weights in the folder, with its definition beside it."""
    described = {"names": ["red", "blue"], "imgsz": 160, **definition(**changed)}
    path = folder / f"{name}.safetensors"
    path.write_bytes(weights)
    path.with_suffix(".yaml").write_text(yaml.safe_dump(described))
    return path
