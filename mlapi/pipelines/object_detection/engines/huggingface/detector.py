"""A detection model of transformers. Imports torch and transformers."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModelForObjectDetection
from transformers.utils import logging

from mlapi import huggingface_files
from mlapi.domain import TrainingFailed, first_line
from mlapi.huggingface_files import OF_IMAGES
from mlapi.pipelines.object_detection.engines import geometry
from mlapi.pipelines.object_detection.engines.base import Box, Detector
from mlapi.pipelines.object_detection.engines.candidates import USUAL, candidates

logging.set_verbosity_error()
logging.disable_progress_bar()

# These models learn to find each object once, so only boxes that are nearly equal are one object.
_SUPPRESSION = replace(USUAL, most_iou=0.8)
_THREADS = 4
_THINNEST = 8


class HuggingFaceDetector(Detector):
    """See `base.Detector`. One thread at a time is inside the model.

    `name` is what follows `hf:`, and `digest` the SHA-256 of the model's files.
    """

    def __init__(self, name: str, digest: str, model: Any, processor: Any) -> None:
        self.name = name
        self.digest = digest
        names = model.config.id2label
        self.labels = tuple(str(names.get(n, n)) for n in range(model.config.num_labels))
        self._model = model
        self._processor = processor
        self._lock = threading.Lock()

    def detect(self, image: np.ndarray) -> list[Box]:
        """All candidates after non-maximum suppression, best first."""
        height, width = image.shape[:2]
        padded = _not_too_thin(image)
        inputs = self._processor(
            images=padded, return_tensors="pt", input_data_format="channels_last"
        )
        with self._lock, torch.inference_mode():
            outputs = self._model(**inputs)
            (found,) = self._processor.post_process_object_detection(
                outputs, threshold=_SUPPRESSION.least_score, target_sizes=[padded.shape[:2]]
            )
        boxes = geometry.within(found["boxes"].float().numpy(), width, height)
        scores = np.zeros((len(boxes), len(self.labels)), np.float32)
        scores[np.arange(len(boxes)), found["labels"].numpy()] = found["scores"].float().numpy()
        return candidates(self.labels, boxes, scores, _SUPPRESSION)

    def header(self) -> dict[str, Any]:
        return {"name": self.name, "digest": self.digest}

    def arrays(self) -> dict[str, np.ndarray]:
        """None: the weights stay in the model's files."""
        return {}

    @property
    def nbytes(self) -> int:
        tensors = [*self._model.parameters(), *self._model.buffers()]
        return sum(t.numel() * t.element_size() for t in tensors)


def load(folder: Path, name: str) -> HuggingFaceDetector:
    """The model in a folder that lacks nothing. No code that comes with a model is run.

    Raises TrainingFailed with model_broken.
    """
    torch.set_num_threads(min(_THREADS, torch.get_num_threads()))
    local: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        # Without use_fast=False the pixels would depend on whether torchvision is installed.
        processor = AutoImageProcessor.from_pretrained(folder, use_fast=False, **local)
        config = AutoConfig.from_pretrained(folder, **local)
        if getattr(config, "use_pretrained_backbone", False):
            config.use_pretrained_backbone = False  # its weights are in the file, not on the hub
        model, info = AutoModelForObjectDetection.from_pretrained(
            folder, config=config, use_safetensors=True, output_loading_info=True, **local
        )
        model = model.float().eval()
    except Exception as error:  # transformers raises whatever lies in the way
        raise _broken(f"{folder} is no detection model that loads: {first_line(error)}") from error
    # What the file lacks is made up at random.
    lacking = sorted(info["missing_keys"])
    if lacking:
        raise _broken(f"{folder} has no weights for {lacking[0]} ({len(lacking)} are lacking).")
    digest = huggingface_files.digest(folder, OF_IMAGES)
    try:
        made = HuggingFaceDetector(name, digest, model, processor)
        made.detect(np.full((64, 64, 3), 127, np.uint8))
    except Exception as error:  # a processor of another kind of model
        raise _broken(f"{folder} finds no objects in images: {first_line(error)}") from error
    return made


def _broken(message: str) -> TrainingFailed:
    return TrainingFailed("model_broken", f"engine hf: {message}")


def _not_too_thin(image: np.ndarray) -> np.ndarray:
    """At most 1:8, padded below or at the right: a processor enlarges by the shorter side."""
    height, width = image.shape[:2]
    least = -(-max(height, width) // _THINNEST)
    below, right = max(0, least - height), max(0, least - width)
    if not below and not right:
        return image
    return cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_CONSTANT, value=(127,) * 3)
