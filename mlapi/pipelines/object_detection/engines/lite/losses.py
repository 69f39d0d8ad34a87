"""What is minimised: the labels' varifocal loss, and the boxes' generalised IoU."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from mlapi.pipelines.object_detection.engines.lite import STRIDE
from mlapi.pipelines.object_detection.engines.lite.network import boxes_at, places

_CENTRE = 0.2  # of an object's side, from its middle: the places that are to find it
_BACKGROUND, _HARD = 0.75, 2.0  # weight of a place without an object, and its focus
_OF_BOXES = 2.0


@dataclass(frozen=True)
class Assignment:
    """The object that each place of an image is to find: (h, w) numbers of labels, -1 for none, and
    (h, w, 4) boxes.

    `weights` make an object's places count as much as another's, whatever their number.
    """

    labels: Tensor
    boxes: Tensor
    weights: Tensor


def assign(boxes: Tensor, labels: Tensor, rows: int, columns: int) -> Assignment:
    """Of an image with (n, 4) boxes and (n,) numbers of labels; the smaller of two objects wins."""
    numbers = torch.full((rows, columns), -1, dtype=torch.long)
    at_place = torch.zeros((rows, columns, 4))
    place_weights = torch.ones((rows, columns))
    centres = places(rows, columns)
    sides = boxes[:, 2:] - boxes[:, :2]
    for n in torch.argsort(-sides.prod(dim=1)).tolist():
        middle = (boxes[n, :2] + boxes[n, 2:]) / 2
        away = (centres - middle).abs()
        reach = torch.clamp(sides[n] * _CENTRE, min=STRIDE / 2)
        here = (away <= reach).all(dim=-1)
        if not here.any():
            here.view(-1)[away.sum(dim=-1).argmin()] = True
        numbers[here] = labels[n]
        at_place[here] = boxes[n]
        place_weights[here] = 4 / max(4, int(here.sum()))
    return Assignment(numbers, at_place, place_weights)


def loss(logits: Tensor, sides: Tensor, assignments: list[Assignment]) -> Tensor:
    """Of a batch, an object's mean."""
    numbers = torch.stack([a.labels for a in assignments])
    weights = torch.stack([a.weights for a in assignments])
    here = numbers >= 0
    objects = weights[here].sum().clamp(min=1)
    found, boxes = boxes_at(sides)[here], torch.stack([a.boxes for a in assignments])[here]
    overlap, enclosed = _overlaps(found, boxes)
    of_boxes = ((1 - enclosed) * weights[here]).sum()
    logits = logits.permute(0, 2, 3, 1)
    quality = torch.zeros_like(logits)
    # At least half, since a box that is not yet right is no reason not to see the object.
    quality[here] = functional.one_hot(numbers[here], logits.shape[-1]) * (
        0.5 + 0.5 * overlap.detach().clamp(0, 1)[:, None]
    )
    probabilities = logits.detach().sigmoid()
    focus = torch.where(
        quality > 0,
        quality * weights[..., None],
        _BACKGROUND * probabilities**_HARD,
    )
    entropy = functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    return ((entropy * focus).sum() + _OF_BOXES * of_boxes) / objects


def _overlaps(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (Rezatofighi and others, 2019) of each pair."""

    def area(boxes: Tensor) -> Tensor:
        return (boxes[:, 2:] - boxes[:, :2]).clamp(min=0).prod(dim=1)

    least, most = torch.minimum(a, b), torch.maximum(a, b)
    shared = area(torch.cat([most[:, :2], least[:, 2:]], dim=1))
    union = area(a) + area(b) - shared
    hull = area(torch.cat([least[:, :2], most[:, 2:]], dim=1))
    overlap = shared / union.clamp(min=1e-6)
    return overlap, overlap - (hull - union) / hull.clamp(min=1e-6)
