"""Features of an image by a Hugging Face model. Imports torch and transformers."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from transformers import AutoImageProcessor, AutoModel
from transformers.utils import logging

from mlapi import huggingface_files
from mlapi.domain import TrainingFailed, first_line
from mlapi.images.extractors.opencv import checked, within

logging.set_verbosity_error()
logging.disable_progress_bar()

_THREADS = 4
_BATCH = 16
_THINNEST = 4


class HuggingFaceFeatures:
    """See `mlapi.images.extractors.loading.Extractor`. One thread at a time is inside the model."""

    def __init__(self, model: Any, processor: Any, name: str, *, pooler: bool) -> None:
        self.name = name
        self.max_side = _max_side(processor)
        tensors = [*model.parameters(), *model.buffers()]
        self.nbytes = sum(t.numel() * t.element_size() for t in tensors)
        self._model = model
        self._processor = processor
        self._pooler = pooler
        self._has_class_token = any(n.endswith("cls_token") for n, _ in model.named_parameters())
        self._lock = threading.Lock()
        self.size = self._vectors([np.zeros((8, 8, 3), np.uint8)]).shape[1]

    def features(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """(n, size) float32, rows of unit length, for RGB images (h, w, 3) of uint8.

        Raises ValueError for an array that is no such image, and for features that are no
        numbers.
        """
        rows = np.empty((len(images), self.size), np.float32)
        for start in range(0, len(images), _BATCH):
            some = images[start : start + _BATCH]
            rows[start : start + _BATCH] = self._vectors([checked(image) for image in some])
        if not np.isfinite(rows).all():
            raise ValueError(f"{self.name} gives features that are not finite.")
        return _unit_rows(rows)

    def _vectors(self, images: list[np.ndarray]) -> np.ndarray:
        """The model's outputs; not padded to each other, so a row depends on one image."""
        inputs = [self._prepared(image) for image in images]
        shapes = {tuple(sorted((k, v.shape) for k, v in one.items())) for one in inputs}
        if len(shapes) > 1:
            return np.concatenate([self._run(one) for one in inputs])
        return self._run({key: torch.cat([one[key] for one in inputs]) for key in inputs[0]})

    def _prepared(self, image: np.ndarray) -> dict[str, torch.Tensor]:
        sized = _not_too_thin(within(image, self.max_side))
        return dict(
            self._processor(images=sized, return_tensors="pt", input_data_format="channels_last")
        )

    def _run(self, inputs: dict[str, torch.Tensor]) -> np.ndarray:
        with self._lock, torch.inference_mode():
            # Models of images and texts, such as CLIP, have a way of their own to an image.
            embed = getattr(self._model, "get_image_features", self._model)
            return self._pooled(embed(**inputs)).float().numpy()

    def _pooled(self, output: Any) -> torch.Tensor:
        """(n, size): the model's own pooling if it was trained, the class token, or the mean."""
        if isinstance(output, torch.Tensor):
            found = output
        elif self._pooler and getattr(output, "pooler_output", None) is not None:
            found = output.pooler_output
        else:
            found = output.last_hidden_state
            if found.ndim == 3:
                found = found[:, 0] if self._has_class_token else found.mean(dim=1)
        return found.mean(dim=(2, 3)) if found.ndim == 4 else found.flatten(1)


def load(folder: Path, label: str) -> HuggingFaceFeatures:
    """The model in a folder that lacks nothing. No code that comes with a model is run.

    Raises TrainingFailed with model_broken.
    """
    torch.set_num_threads(min(_THREADS, torch.get_num_threads()))
    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        # Without use_fast=False the pixels would depend on whether torchvision is installed.
        processor = AutoImageProcessor.from_pretrained(folder, use_fast=False, **local)
        model, info = AutoModel.from_pretrained(
            folder, use_safetensors=True, output_loading_info=True, **local
        )
        model = model.float().eval()
    except Exception as e:  # transformers raises whatever lies in the way
        raise _broken(f"{folder} is no model that loads: {first_line(e)}") from e
    # What the file lacks is made up at random. A pooler often is lacking and can be done without.
    invented = sorted(info["missing_keys"])
    needed = [key for key in invented if "pooler" not in key]
    if needed:
        raise _broken(f"{folder} has no weights for {needed[0]} ({len(needed)} are lacking).")
    name = f"hf:{label}@{huggingface_files.digest(folder, huggingface_files.OF_IMAGES)[:12]}"
    try:
        made = HuggingFaceFeatures(model, processor, name, pooler=not invented)
        image = np.arange(64 * 64 * 3, dtype=np.uint32).reshape(64, 64, 3).astype(np.uint8)
        once, again = made.features([image, image // 2]), made.features([image])
    except Exception as e:  # a model of texts, of sounds, of something else
        raise _broken(f"{folder} makes no features of images: {first_line(e)}") from e
    if not np.allclose(once[0], again[0], atol=1e-4):
        raise _broken(f"{folder} gives other features of an image each time.")
    return made


def _broken(message: str) -> TrainingFailed:
    return TrainingFailed("model_broken", f"features hf: {message}")


def _max_side(processor: Any) -> int:
    """Twice what the processor shrinks to, so that its own resizing still has what it needs."""
    sizes = [getattr(processor, name, None) for name in ("size", "crop_size")]
    numbers = [n for size in sizes if isinstance(size, dict) for n in size.values()]
    return min(1024, max(256, 2 * max((n for n in numbers if isinstance(n, int)), default=256)))


def _not_too_thin(image: np.ndarray) -> np.ndarray:
    """At most 1:4, stretched where need be: a processor enlarges by the shorter side."""
    h, w = image.shape[:2]
    least = -(-max(h, w) // _THINNEST)
    if min(h, w) >= least:
        return image
    return cv2.resize(image, (max(w, least), max(h, least)), interpolation=cv2.INTER_LINEAR)


def _unit_rows(rows: np.ndarray) -> np.ndarray:
    """Each row over its length; a row of zeros has no direction, and becomes the diagonal's."""
    rows[~rows.any(axis=1)] = 1
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)
