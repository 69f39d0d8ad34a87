"""Reads a checkpoint of ultralytics, which is a pickle, so that to read it runs the code in it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

from mlapi.pipelines.object_detection.engines.yolo import definition as definitions
from mlapi.pipelines.object_detection.engines.yolo import detector, model_file, network


def convert(path: Path, weights: Path) -> None:
    """Writes weights and definition as an operator's files have them, and reads them again.

    Raises ValueError, and whatever else the file's code raises.
    """
    network.package()
    found = torch.load(path, map_location="cpu", weights_only=False)
    model = (found.get("ema") or found.get("model")) if isinstance(found, Mapping) else None
    names, definition = getattr(model, "names", None), getattr(model, "yaml", None)
    if not isinstance(model, torch.nn.Module) or not isinstance(names, Mapping | list):
        raise ValueError("It is no checkpoint of a network of ultralytics.")
    listed = dict(names) if isinstance(names, Mapping) else dict(enumerate(names))
    described: dict[str, Any] = definitions.checked(definition, len(listed))
    weights.write_bytes(network.weights(model.float()))
    described |= {"names": listed, "imgsz": _side(found)}
    weights.with_suffix(".yaml").write_text(yaml.safe_dump(described, sort_keys=False))
    detector.of_file(model_file.read(weights))


def _side(found: Mapping[str, Any]) -> int:
    """The longer side of the images that it was trained on."""
    arguments = found.get("train_args")
    side = arguments.get("imgsz") if isinstance(arguments, Mapping) else None
    return side if isinstance(side, int) else model_file.DEFAULT_SIDE
