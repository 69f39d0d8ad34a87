"""The part of a version that finds the objects in images."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlapi.domain import InputError, TargetSpec
from mlapi.images.features import SizedImage
from mlapi.pipelines.object_detection.model import DetectionModel
from mlapi.pipelines.object_detection.predictor import DetectionPredictor
from mlapi.pipelines.parts import Parts
from mlapi.standalone.image_files import ImagePart
from mlapi.standalone.model import DESCRIPTION


def part(parts: Parts, folder: Path) -> ImagePart:
    """The part as it is in the artifact, served as the label config says."""
    model = DetectionModel.from_parts(parts)

    def evaluate(
        images: Sequence[SizedImage | InputError], numbers: Sequence[int]
    ) -> list[list[Any]]:
        """As `DetectObjects`, of images that are there."""
        found = [model.found(image, n) for image, n in zip(images, numbers, strict=True)]
        return [list(numbers), found]

    predictor = DetectionPredictor(model, evaluate)
    served = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))["served"]
    return ImagePart(predictor, [_served(spec, served) for spec in predictor.targets])


def _served(spec: TargetSpec, served: Mapping[str, Any]) -> TargetSpec:
    """The target with the labels and attributes of the label config; as learned without it."""
    found = served.get(spec.name)
    if found is None:
        return spec
    attributes = tuple((label, name, value) for label, name, value in found["attributes"])
    return replace(spec, labels=tuple(found["labels"]), attributes=attributes)
