"""The network: EfficientNet-Lite0, a pyramid of its features, and a head without anchors.

EfficientNet-Lite0 is EfficientNet-B0 (Tan and Le, 2019) without squeeze-and-excitation and with
ReLU6. The head says at each place, eight pixels apart, how likely each label is, and how far the
four sides of the object are, as FCOS does (Tian and others, 2019).
"""

import io

import torch
from torch import Tensor, nn
from torch.nn import functional

from mlapi.pipelines.object_detection.engines.lite import STRIDE, weights

_WIDTH = 64
_GROUPS = 8
_RARE = 0.01  # what a label's probability is before training

# Kernel, stride, expansion, channels, times.
_STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)
_EARLY = 5  # blocks until the features of stride 8, which are never trained
_MIDDLE = 11  # until those of stride 16


class _Convolution(nn.Conv2d):
    """Without a bias, padded as TensorFlow, where the weights are from, pads even inputs."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)
        before = (kernel - stride) // 2 if kernel > 1 else 0
        after = max(kernel - stride, 0) - before
        self._around = (before, after, before, after)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, self._around) if any(self._around) else x)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3)


class _Block(nn.Module):
    """An inverted residual block. Its parts have the names of the weights' file."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        inner = inputs * expansion
        self.expand_conv = _Convolution(inputs, inner, 1, 1) if expansion > 1 else None
        self.bn0 = _norm(inner) if expansion > 1 else None
        self.depthwise_conv = _Convolution(inner, inner, kernel, stride, groups=inner)
        self.bn1 = _norm(inner)
        self.project_conv = _Convolution(inner, outputs, 1, 1)
        self.bn2 = _norm(outputs)
        self._is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        inner = x
        if self.expand_conv is not None and self.bn0 is not None:
            inner = functional.relu6(self.bn0(self.expand_conv(inner)))
        inner = functional.relu6(self.bn1(self.depthwise_conv(inner)))
        inner = self.bn2(self.project_conv(inner))
        return x + inner if self._is_residual else inner


class Backbone(nn.Module):
    """(n, 3, height, width) of about -1 to 1 to features of stride 8, 16 and 32."""

    channels = (40, 112, 320)

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = _Convolution(3, 32, 3, 2)
        self.bn0 = _norm(32)
        blocks, inputs = [], 32
        for kernel, stride, expansion, outputs, times in _STAGES:
            for number in range(times):
                blocks.append(_Block(inputs, outputs, kernel, 1 if number else stride, expansion))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)

    def late_parameters(self) -> list[nn.Parameter]:
        """Those of the blocks after stride 8, which are trained."""
        return [p for block in self.blocks[_EARLY:] for p in block.parameters()]

    def early(self, x: Tensor) -> Tensor:
        """The features of stride 8."""
        x = functional.relu6(self.bn0(self.conv_stem(x)))
        for block in self.blocks[:_EARLY]:
            x = block(x)
        return x

    def late(self, fine: Tensor) -> tuple[Tensor, Tensor]:
        """Those of stride 16 and 32, from those of stride 8."""
        x = fine
        for block in self.blocks[_EARLY:_MIDDLE]:
            x = block(x)
        coarse = x
        for block in self.blocks[_MIDDLE:]:
            coarse = block(coarse)
        return x, coarse


class _Separable(nn.Sequential):
    """A depthwise and a pointwise convolution, normalised by the image alone."""

    def __init__(self, channels: int, kernel: int):
        super().__init__(
            nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False),
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.GroupNorm(_GROUPS, channels),
            nn.SiLU(),
        )


class Head(nn.Module):
    """Features of three strides to logits (n, labels, h, w) and sides (n, 4, h, w) in pixels."""

    def __init__(self, n_labels: int, half_side: float) -> None:
        """`half_side`: what it is before training, in pixels of the input."""
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, _WIDTH, 1) for c in Backbone.channels)
        self.shared = nn.Sequential(
            nn.GroupNorm(_GROUPS, _WIDTH), _Separable(_WIDTH, 3), _Separable(_WIDTH, 5)
        )
        self.label_tower = _Separable(_WIDTH, 3)
        self.side_tower = _Separable(_WIDTH, 3)
        self.labels = nn.Conv2d(_WIDTH, n_labels, 1)
        self.sides = nn.Conv2d(_WIDTH, 4, 1)
        nn.init.normal_(self.labels.weight, std=0.01)
        nn.init.constant_(self.labels.bias, -torch.tensor((1 - _RARE) / _RARE).log().item())
        nn.init.normal_(self.sides.weight, std=0.01)
        nn.init.constant_(self.sides.bias, torch.tensor(half_side).log().item())

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> tuple[Tensor, Tensor]:
        found = [
            layer(features)
            for layer, features in zip(self.lateral, (fine, middle, coarse), strict=True)
        ]
        merged = found[1] + functional.interpolate(found[2], size=found[1].shape[2:])
        merged = found[0] + functional.interpolate(merged, size=found[0].shape[2:])
        shared = self.shared(merged)
        sides = self.sides(self.side_tower(shared)).clamp(-2, 7).exp()
        return self.labels(self.label_tower(shared)), sides


class Network(nn.Module):
    """Backbone and head. Its batch norms keep the statistics that they came with."""

    def __init__(self, n_labels: int, half_side: float = 32.0) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = Head(n_labels, half_side)

    def load_backbone(self) -> None:
        """The weights that were learned on ImageNet. Raises ValueError."""
        stored = torch.load(io.BytesIO(weights.read()), map_location="cpu", weights_only=True)
        named = {".".join(p.lstrip("_") for p in key.split(".")): v for key, v in stored.items()}
        mine = self.backbone.state_dict()
        self.backbone.load_state_dict({key: named[key] for key in mine})

    def from_early(self, fine: Tensor) -> tuple[Tensor, Tensor]:
        return self.head(fine, *self.backbone.late(fine))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.from_early(self.backbone.early(x))


def prepared(images: Tensor) -> Tensor:
    """(n, height, width, 3) uint8 as the backbone reads it."""
    return ((images.permute(0, 3, 1, 2).float() - 127) / 128).contiguous(
        memory_format=torch.channels_last
    )


def places(rows: int, columns: int) -> Tensor:
    """(rows, columns, 2): x and y of the head's places, in pixels of the input."""
    y, x = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    return (torch.stack([x, y], dim=-1) + 0.5) * STRIDE


def boxes_at(sides: Tensor) -> Tensor:
    """(..., h, w, 4) boxes of sides (..., 4, h, w)."""
    sides = sides.movedim(-3, -1)
    centres = places(*sides.shape[-3:-1])
    return torch.cat([centres - sides[..., :2], centres + sides[..., 2:]], dim=-1)
