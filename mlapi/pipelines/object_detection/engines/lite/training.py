"""Trains the network: first the head alone, then with it the later blocks of the backbone.

The blocks until stride 8 are never trained, so what they make of each variation of an example is
computed once, and epochs read it; while the head alone is trained, that of all blocks. An epoch of
the head takes a twelfth of one of both.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import torch
from torch import Tensor

from mlapi.pipelines.object_detection.engines import inputs
from mlapi.pipelines.object_detection.engines.augmentation import varied
from mlapi.pipelines.object_detection.engines.base import DetectionExample
from mlapi.pipelines.object_detection.engines.inputs import Objects
from mlapi.pipelines.object_detection.engines.lite import STRIDE
from mlapi.pipelines.object_detection.engines.lite.detector import LiteDetector
from mlapi.pipelines.object_detection.engines.lite.losses import Assignment, assign, loss
from mlapi.pipelines.object_detection.engines.lite.network import Network, prepared

# Of all examples, in inputs of 320 x 320; of larger ones fewer. More where examples are more, until
# that many: what a training takes is in proportion to them.
_VARIATIONS, _MOST_VARIATIONS = 360, 480
_HEAD_EPOCHS, _WHOLE_EPOCHS = 10, 2
_BATCH = 8
_HEAD_RATE, _BACKBONE_RATE = 3e-3, 4e-4
_VALIDATION, _MOST_VALIDATION = 0.15, 40  # share of the examples, and their number at most
_LEAST_TO_VALIDATE = 20  # examples; of fewer all are learned


@dataclass(frozen=True)
class _Variation:
    """The features of the early blocks, and the objects that the network is to find."""

    fine: Tensor
    assignment: Assignment


def train(
    examples: Sequence[DetectionExample],
    labels: Sequence[str],
    *,
    seed: int,
    deadline: Callable[[], None],
) -> LiteDetector:
    """See `base.Engine`. Raises ValueError if no box has an area inside its image."""
    objects, side = inputs.scaled(examples, labels)
    rng = np.random.default_rng(seed)
    validation_objects, learned = _divided(objects, rng)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(len(labels), _half_side(learned)).to(memory_format=torch.channels_last)
        network.load_backbone()
        network.eval()
        variations = []
        for example in _in_turn(learned, side, rng):
            deadline()
            variations.append(_early(network, varied(example, learned, side, rng)))
        validation = [_early(network, _square(some, side)) for some in validation_objects]
        _fit(network, variations, validation, deadline)
    return LiteDetector(tuple(labels), side, network)


def _fit(
    network: Network,
    variations: Sequence[_Variation],
    validation: Sequence[_Variation],
    deadline: Callable[[], None],
) -> None:
    """Leaves the weights with the least validation loss, of those since the head was trained."""
    head = list(network.head.parameters())
    for parameter in network.backbone.parameters():
        parameter.requires_grad_(False)
    steps = -(-len(variations) // _BATCH)
    late = [_late(network, variation, deadline) for variation in variations]
    optimizer = torch.optim.AdamW(head, lr=_HEAD_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _HEAD_RATE, total_steps=steps * _HEAD_EPOCHS, pct_start=0.15
    )

    def by_head(batch: list[int]) -> tuple[Tensor, Tensor]:
        levels = zip(*((variations[number].fine, *late[number]) for number in batch), strict=True)
        return network.head(*map(torch.cat, levels))

    for _ in range(_HEAD_EPOCHS):
        _epoch(by_head, variations, optimizer, schedule, deadline)
    late.clear()
    trained = network.backbone.late_parameters()
    for parameter in trained:
        parameter.requires_grad_(True)
    rates = [_HEAD_RATE / 2, _BACKBONE_RATE]
    optimizer = torch.optim.AdamW(
        [{"params": head}, {"params": trained}], lr=_BACKBONE_RATE, weight_decay=1e-2
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, rates, total_steps=steps * _WHOLE_EPOCHS, pct_start=0.15
    )

    def by_all(batch: list[int]) -> tuple[Tensor, Tensor]:
        return network.from_early(torch.cat([variations[number].fine for number in batch]))

    kept = [(_loss_of(network, validation), copy.deepcopy(network.state_dict()))]
    for _ in range(_WHOLE_EPOCHS):
        _epoch(by_all, variations, optimizer, schedule, deadline)
        kept.append((_loss_of(network, validation), copy.deepcopy(network.state_dict())))
    # Without a validation each loss is 0, and the last one is taken.
    network.load_state_dict(min(reversed(kept), key=lambda one: one[0])[1])


def _epoch(
    predict: Callable[[list[int]], tuple[Tensor, Tensor]],
    variations: Sequence[_Variation],
    optimizer: torch.optim.Optimizer,
    schedule: torch.optim.lr_scheduler.LRScheduler,
    deadline: Callable[[], None],
) -> None:
    """One pass over the variations; `predict` gives logits and sides of those of such numbers."""
    for batch in torch.randperm(len(variations)).split(_BATCH):
        deadline()
        numbers = batch.tolist()
        logits, sides = predict(numbers)
        found = loss(logits, sides, [variations[number].assignment for number in numbers])
        optimizer.zero_grad()
        found.backward()
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, 10.0)
        optimizer.step()
        schedule.step()


@torch.no_grad()
def _loss_of(network: Network, variations: Sequence[_Variation]) -> float:
    return sum(float(loss(*network.from_early(v.fine), [v.assignment])) for v in variations)


@torch.no_grad()
def _late(
    network: Network, variation: _Variation, deadline: Callable[[], None]
) -> tuple[Tensor, Tensor]:
    deadline()
    return network.backbone.late(variation.fine)


@torch.no_grad()
def _early(network: Network, example: Objects) -> _Variation:
    fine = network.backbone.early(prepared(torch.from_numpy(example.image)[None]))
    boxes = torch.from_numpy(example.boxes.astype(np.float32))
    rows, columns = (size // STRIDE for size in example.image.shape[:2])
    return _Variation(fine, assign(boxes, torch.from_numpy(example.labels), rows, columns))


def _square(example: Objects, side: int) -> Objects:
    image = np.full((side, side, 3), 127, np.uint8)
    height, width = example.image.shape[:2]
    image[:height, :width] = example.image
    return Objects(image, example.boxes, example.labels)


def _divided(
    objects: Sequence[Objects], rng: np.random.Generator
) -> tuple[list[Objects], list[Objects]]:
    """The examples of the validation, which may be none, and those to learn, which have a box."""
    order = rng.permutation(len(objects))
    enough = len(objects) >= _LEAST_TO_VALIDATE
    count = min(round(len(objects) * _VALIDATION), _MOST_VALIDATION) if enough else 0
    validation, learned = ([objects[i] for i in some] for some in np.split(order, [count]))
    if not any(len(some.boxes) for some in learned):
        return [], list(objects)
    return validation, learned


def _in_turn(objects: Sequence[Objects], side: int, rng: np.random.Generator) -> Iterator[Objects]:
    """Those that are varied, in a random order, if they are too many without those of no object."""
    share = 320 / side
    least, most = round(_VARIATIONS * share), round(_MOST_VARIATIONS * share)
    shuffled = [objects[place] for place in rng.permutation(len(objects))]
    taken = sorted(shuffled, key=lambda some: not len(some.boxes))[:most]
    return islice(cycle(taken), max(least, len(taken)))


def _half_side(objects: Sequence[Objects]) -> float:
    sides = np.concatenate([some.boxes[:, 2:] - some.boxes[:, :2] for some in objects])
    return float(np.exp(np.log(np.maximum(sides, 1)).mean()) / 2)
