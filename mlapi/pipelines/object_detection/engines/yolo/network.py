"""Builds a network of a model definition that the package ultralytics has.

The package reads its settings when it is imported: it is told to stay offline, to install nothing
and to write nothing into the home folder.
"""

import os
import tempfile
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

DEFINITION = "yolo11n"
# The gains of its loss: box, class, and distribution of the sides, as the package has them.
_GAINS = SimpleNamespace(box=7.5, cls=0.5, dfl=1.5, epochs=1)
_ENVIRONMENT = {
    "YOLO_OFFLINE": "true",
    "YOLO_AUTOINSTALL": "false",
    "YOLO_VERBOSE": "false",
}


def build(definition: str, n_labels: int) -> nn.Module:
    """The network with random weights. Raises ValueError for a definition that is not known."""
    if definition != DEFINITION:
        raise ValueError(f"There is no model definition {definition!r}.")
    network = _tasks().DetectionModel(f"{definition}.yaml", nc=n_labels, verbose=False)
    network.args = _GAINS
    return network


@lru_cache(maxsize=1)
def _tasks() -> Any:
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ.update(_ENVIRONMENT)
    os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="evals-yolo-"))
    count = torch.get_num_threads()
    from ultralytics.nn import tasks

    # It sets both for the whole process.
    torch.set_num_threads(count)
    if threads is None:
        os.environ.pop("OMP_NUM_THREADS", None)
    return tasks


def prepared(images: Tensor) -> Tensor:
    """(n, height, width, 3) uint8 RGB as the network reads it."""
    return (images.permute(0, 3, 1, 2).float() / 255).contiguous()


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


def found(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Of one prepared image: (n, 4) boxes in pixels of the input, and (n, labels) probabilities."""
    out = network(images)
    out = out[0] if isinstance(out, tuple | list) else out
    places = out[0].T
    half = places[:, 2:4] / 2
    return torch.cat([places[:, :2] - half, places[:, :2] + half], dim=1), places[:, 4:]
