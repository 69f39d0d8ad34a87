"""Trains a YOLO network on variations of the examples, from random or from given weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from mlapi.pipelines.object_detection.engines import inputs
from mlapi.pipelines.object_detection.engines.augmentation import varied
from mlapi.pipelines.object_detection.engines.base import DetectionExample
from mlapi.pipelines.object_detection.engines.inputs import Objects
from mlapi.pipelines.object_detection.engines.yolo import network as networks
from mlapi.pipelines.object_detection.engines.yolo.detector import YoloDetector

_LEAST_STEPS = 20
_BATCH = 8
_DECAY = 0.995  # of the mean of the weights, which is what is stored


@dataclass(frozen=True)
class Schedule:
    """`steps` in inputs of 320 x 320; of larger ones fewer, so that a training takes as long."""

    steps: int
    rate: float


RANDOM, GIVEN = Schedule(600, 2e-3), Schedule(300, 5e-4)  # by the weights that it begins with


def train(
    examples: Sequence[DetectionExample],
    labels: Sequence[str],
    *,
    start: YoloDetector | None,
    known: Mapping[str, str],
    seed: int,
    deadline: Callable[[], None],
) -> YoloDetector:
    """See `base.Engine`. From a start the labels begin as the classes that are `known` as them.

    Raises ValueError if no box has an area inside its image.
    """
    objects, side = inputs.scaled(examples, labels)
    rng = np.random.default_rng(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        definition, network = _initial_network(labels, start, known)
        mean = torch.optim.swa_utils.AveragedModel(
            network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(_DECAY)
        )
        schedule = RANDOM if start is None else GIVEN
        _fit(network, mean, objects, side, schedule, rng, deadline)
        network.load_state_dict(mean.module.state_dict())
    return YoloDetector(tuple(labels), side, definition, network)


def _initial_network(
    labels: Sequence[str], start: YoloDetector | None, known: Mapping[str, str]
) -> tuple[dict[str, Any], nn.Module]:
    """Its definition, and the network with random weights or those of the start."""
    if start is None:
        definition = networks.default_definition(len(labels))
        return definition, networks.build(definition)
    # Built anew: a network that was trained holds on to a loss for the labels that it had then.
    network = networks.build(start.definition)
    networks.relabel(network, [None] * len(start.labels))
    networks.load_weights(network, start.weights())
    sources = {known[name]: n for n, name in reversed([*enumerate(start.labels)]) if name in known}
    networks.relabel(network, [sources.get(label) for label in labels])
    return start.definition, network


def _fit(
    network: nn.Module,
    mean: torch.optim.swa_utils.AveragedModel,
    objects: Sequence[Objects],
    side: int,
    schedule: Schedule,
    rng: np.random.Generator,
    deadline: Callable[[], None],
) -> None:
    steps = max(_LEAST_STEPS, round(schedule.steps * (320 / side) ** 2))
    optimizer = torch.optim.AdamW(network.parameters(), lr=schedule.rate, weight_decay=1e-3)
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, schedule.rate, total_steps=steps, pct_start=0.1
    )
    network.train()
    for _ in range(steps):
        deadline()
        chosen = [objects[int(n)] for n in rng.integers(len(objects), size=_BATCH)]
        batch = [varied(one, objects, side, rng) for one in chosen]
        images = networks.prepared(torch.from_numpy(np.stack([one.image for one in batch])))
        boxes = [torch.from_numpy(one.boxes.astype(np.float32)) for one in batch]
        numbers = [torch.from_numpy(one.labels) for one in batch]
        found = networks.loss(network, images, boxes, numbers)
        optimizer.zero_grad()
        found.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 10.0)
        optimizer.step()
        rates.step()
        mean.update_parameters(network)
    _copy_statistics(network, mean.module)


def _copy_statistics(source: nn.Module, target: nn.Module) -> None:
    """Those of batch norms, which are running means already."""
    for own, other in zip(target.buffers(), source.buffers(), strict=True):
        own.copy_(other)
