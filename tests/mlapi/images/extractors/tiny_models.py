"""Tiny models of images with random weights, saved as Hugging Face saves them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

SIDE = 32
_PART = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
_VISION = {**_PART, "intermediate_size": 32, "image_size": SIDE, "patch_size": 8}
_TEXT = {**_PART, "intermediate_size": 32, "vocab_size": 50}


def save(folder: Path, make: Callable[[], tuple[Any, Any]], seed: int = 0, **options: Any) -> str:
    """Save the model and its processor; the value of the option `features` that names them."""
    import torch

    torch.manual_seed(seed)
    model, processor = make()
    model.save_pretrained(folder, **options)
    processor.save_pretrained(folder)
    return f"hf:{folder}"


def vit() -> tuple[Any, Any]:
    """A transformer with a pooler of its own."""
    from transformers import ViTConfig, ViTImageProcessor, ViTModel

    return ViTModel(ViTConfig(**_VISION)), ViTImageProcessor(size={"height": SIDE, "width": SIDE})


def vit_classifier() -> tuple[Any, Any]:
    """A classifier without a pooler, whose class token is used."""
    from transformers import ViTConfig, ViTForImageClassification

    return ViTForImageClassification(ViTConfig(**_VISION)), vit()[1]


def resnet() -> tuple[Any, Any]:
    """A convolutional one, whose processor enlarges by the shorter side."""
    from transformers import ConvNextImageProcessor, ResNetConfig, ResNetModel

    config = ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic")
    return ResNetModel(config), ConvNextImageProcessor(size={"shortest_edge": 64})


def yolos() -> tuple[Any, Any]:
    """A detector, whose processor keeps the image's proportions and would pad a batch."""
    from transformers import YolosConfig, YolosImageProcessor, YolosModel

    config = YolosConfig(**{**_VISION, "image_size": [SIDE, SIDE]}, num_detection_tokens=3)
    size = {"shortest_edge": SIDE, "longest_edge": 2 * SIDE}
    return YolosModel(config), YolosImageProcessor(size=size)


def clip() -> tuple[Any, Any]:
    """A model of images and texts."""
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    config = CLIPConfig(text_config=_TEXT, vision_config=_VISION, projection_dim=24)
    size = {"shortest_edge": SIDE}
    crop = {"height": SIDE, "width": SIDE}
    return CLIPModel(config), CLIPImageProcessor(size=size, crop_size=crop)


def masked_autoencoder() -> tuple[Any, Any]:
    """A model that reads another random quarter of the image each time."""
    from transformers import ViTMAEConfig, ViTMAEModel

    return ViTMAEModel(ViTMAEConfig(**_VISION)), vit()[1]


def bert() -> tuple[Any, Any]:
    """A model of texts, beside a processor of images."""
    from transformers import BertConfig, BertModel

    return BertModel(BertConfig(**_TEXT)), vit()[1]
