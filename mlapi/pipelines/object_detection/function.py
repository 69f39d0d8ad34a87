"""The EvaDB function of an object detection version: images in, their boxes out."""

from pathlib import Path
from typing import Any

import pandas as pd

from mlapi.domain import InputError
from mlapi.eva.functions import Column, ModelFunction, columns_of
from mlapi.images.decoding import read_or_error
from mlapi.images.features import SizedImage
from mlapi.pipelines.models import load_model
from mlapi.pipelines.object_detection.model import DetectionModel


class DetectObjects(
    ModelFunction,
    kind="ObjectDetection",
    inputs=[Column("image", "any"), Column("number", "int64")],
    outputs=[Column("target", "int64"), Column("found", "str")],
):
    """An image, or the path of its file, and the number of a target.

    `detectors` says which of the version's is that of each target, as comma-separated numbers; -1
    for one that it has not learned. What is found is JSON: `{"size", "boxes"}`, the boxes as their
    label type has them, or `{"code", "message"}` of what is no image.
    """

    def setup(self, model_path: str = "", sha256: str = "", detectors: str = "") -> None:
        super().setup(model_path, sha256)
        listed = str(detectors)
        self.detectors = [int(number) for number in listed.split(",")] if listed else None

    @staticmethod
    def load(path: str, sha256: str) -> DetectionModel:
        return load_model(path, sha256)

    def evaluate(self, frame: pd.DataFrame) -> dict[str, list[Any]]:
        images, numbers = columns_of(frame)
        found = [
            self.model.found(self._image(image), self._detector(int(number)))
            for image, number in zip(images, numbers, strict=True)
        ]
        return {"target": numbers, "found": found}

    def _detector(self, number: int) -> int:
        return number if self.detectors is None else self.detectors[number]

    def _image(self, image: Any) -> SizedImage | InputError:
        if isinstance(image, SizedImage):
            return image
        return read_or_error(Path(image), self.model.input.max_side)
