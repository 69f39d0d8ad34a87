"""Builds a network by the code of the package ultralytics, and reads and writes its weights."""

import copy
import math
import os
import tempfile
import threading
from collections.abc import Sequence
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from mlapi.pipelines.object_detection.engines.yolo import definition as definitions

DEFAULT = "yolo11n"
# The gains of its loss: box, class, and distribution of the sides, as the package has them.
_GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, epochs=1)
_COUNTER = "num_batches_tracked"
# It is to stay offline, to install nothing, and to say nothing.
_ENVIRONMENT = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
_building = threading.Lock()  # it keeps what a definition says in attributes of its classes


def default_definition(classes: int) -> dict[str, Any]:
    """That of YOLO11n, which the package has."""
    return definitions.checked(package().yaml_model_load(f"{DEFAULT}.yaml"), classes)


def build(definition: dict[str, Any]) -> nn.Module:
    """The network with random weights. Raises ValueError where its layers do not fit together."""
    with _building:
        try:
            network = package().DetectionModel(copy.deepcopy(definition), verbose=False)
        except (RuntimeError, TypeError, IndexError, KeyError, AssertionError) as error:
            raise ValueError("The layers of the definition do not fit together.") from error
    network.args = _GAINS
    return network.to(memory_format=torch.channels_last)


def relabel(network: nn.Module, sources: Sequence[int | None]) -> None:
    """Gives the network an output for each label: that of a class by its number, or a new one."""
    head = network.model[-1]
    for branch, stride in zip(head.cv3, head.stride.tolist(), strict=True):
        old = branch[-1]
        new = nn.Conv2d(old.in_channels, len(sources), 1)
        nn.init.constant_(new.bias, math.log(5 / len(sources) / (640 / stride) ** 2))
        with torch.no_grad():
            for number, source in enumerate(sources):
                if source is not None:
                    new.weight[number] = old.weight[source]
                    new.bias[number] = old.bias[source]
        branch[-1] = new
    head.nc, head.no = len(sources), len(sources) + 4 * head.reg_max
    network.to(memory_format=torch.channels_last)


def weights(network: nn.Module) -> bytes:
    """All that was learned, as a safetensors file has it."""
    state = {
        name: value.contiguous()
        for name, value in network.state_dict().items()
        if not name.endswith(_COUNTER)
    }
    return save(state)


def load_weights(network: nn.Module, content: bytes) -> None:
    """Raises ValueError unless these are finite weights of just this network."""
    try:
        found = load(content)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError("It is no safetensors file.") from error
    state = {name: value for name, value in found.items() if not name.endswith(_COUNTER)}
    counters = {n: v for n, v in network.state_dict().items() if n.endswith(_COUNTER)}
    try:
        network.load_state_dict({**state, **counters})
    except RuntimeError as error:
        raise ValueError("Its weights are not those of the network that is defined.") from error
    if not all(bool(value.isfinite().all()) for value in state.values()):
        raise ValueError("Its weights are not finite.")


def prepared(images: Tensor) -> Tensor:
    """(n, height, width, 3) uint8 RGB as the network reads it."""
    pixels = images.permute(0, 3, 1, 2).float() / 255
    return pixels.contiguous(memory_format=torch.channels_last)


def loss(network: nn.Module, images: Tensor, boxes: list[Tensor], labels: list[Tensor]) -> Tensor:
    """Of prepared images with (n, 4) boxes in pixels of the input and (n,) numbers of labels."""
    height, width = images.shape[2:]
    all_boxes = torch.cat(boxes)
    centres = (all_boxes[:, :2] + all_boxes[:, 2:]) / 2
    sides = all_boxes[:, 2:] - all_boxes[:, :2]
    size = torch.tensor([width, height, width, height], dtype=torch.float32)
    of_image = [torch.full((len(some),), float(n)) for n, some in enumerate(boxes)]
    batch = {
        "img": images,
        "batch_idx": torch.cat(of_image),
        "cls": torch.cat(labels).float()[:, None],
        "bboxes": torch.cat([centres, sides], dim=1) / size,
    }
    parts, _ = network.loss(batch)
    return parts.sum() / len(images)


def detections(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Of one prepared image: (n, 4) boxes in pixels of the input, and (n, labels) probabilities."""
    out = network(images)
    out = out[0] if isinstance(out, tuple | list) else out
    places = out[0].T
    half = places[:, 2:4] / 2
    return torch.cat([places[:, :2] - half, places[:, :2] + half], dim=1), places[:, 4:]


@lru_cache(maxsize=1)
def package() -> Any:
    """Its module of networks, imported without what it sets for the whole process."""
    before = dict(os.environ)
    threads, of_opencv = torch.get_num_threads(), cv2.getNumThreads()
    printed, saved = np.get_printoptions(), torch.save
    with tempfile.TemporaryDirectory(prefix="evals-yolo-") as folder:
        os.environ.update({**_ENVIRONMENT, "YOLO_CONFIG_DIR": folder})
        try:
            from ultralytics.nn import tasks
        finally:
            for name in set(os.environ) - set(before):
                del os.environ[name]
            os.environ.update(before)
    torch.set_num_threads(threads)
    cv2.setNumThreads(of_opencv)
    np.set_printoptions(**printed)
    torch.set_printoptions(profile="default")
    torch.save = saved
    return tasks
