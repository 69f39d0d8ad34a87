"""Tiny detection models of transformers with random weights, saved as Hugging Face saves them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

SIDE = 64
CLASSES = {0: "person", 1: "red", 2: "N/A"}
_VISION = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
_SIZE = {"shortest_edge": SIDE, "longest_edge": 2 * SIDE}
_DETR = {"d_model": 32, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "num_queries": 9}
_LAYERS = {"encoder_layers": 1, "decoder_layers": 1}
_HEADS = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}


def save(folder: Path, make: Callable[..., tuple[Any, Any]], seed: int = 0, **options: Any) -> str:
    """Save the model and its processor; the value of the option `engine` that names them."""
    import torch

    torch.manual_seed(seed)
    model, processor = make(id2label=CLASSES)
    model.save_pretrained(folder, **options)
    processor.save_pretrained(folder)
    return f"hf:{folder}"


def save_finder(folder: Path, place: tuple[float, float, float, float], label: str = "red") -> str:
    """Saves a model that always predicts a box in that place: its centre and sides, as shares.

    By the biases of its last layers, so that the same box is found in any image, with a score of
    0.95.
    """
    import torch

    model, processor = yolos(id2label=CLASSES)
    with torch.no_grad():
        for layer in (model.class_labels_classifier.layers[-1], model.bbox_predictor.layers[-1]):
            layer.weight.zero_()
        model.class_labels_classifier.layers[-1].bias.fill_(-9.0)
        number = next(n for n, name in CLASSES.items() if name == label)
        model.class_labels_classifier.layers[-1].bias[number] = 3.0
        model.class_labels_classifier.layers[-1].bias[-1] = 0.0  # of no object
        model.bbox_predictor.layers[-1].bias.copy_(torch.logit(torch.tensor(place)))
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return f"hf:{folder}"


def yolos(**config: Any) -> tuple[Any, Any]:
    """A transformer of patches, with the softmax of DETR."""
    from transformers import YolosConfig, YolosForObjectDetection, YolosImageProcessor

    sizes = {"image_size": [SIDE, SIDE], "patch_size": 16, "intermediate_size": 32}
    made = YolosConfig(**_VISION, **sizes, num_detection_tokens=5, **config)
    return YolosForObjectDetection(made), YolosImageProcessor(size=_SIZE)


def detr(**config: Any) -> tuple[Any, Any]:
    """Queries on a convolutional backbone of transformers."""
    from transformers import DetrConfig, DetrForObjectDetection, DetrImageProcessor

    own = {"use_timm_backbone": False, "backbone": None, "use_pretrained_backbone": False}
    made = DetrConfig(**_DETR, **_LAYERS, **_HEADS, **own, backbone_config=_resnet(), **config)
    return DetrForObjectDetection(made), DetrImageProcessor(size=_SIZE)


def rt_detr(**config: Any) -> tuple[Any, Any]:
    """Sigmoids of each class, and images of one size."""
    from transformers import (
        RTDetrConfig,
        RTDetrForObjectDetection,
        RTDetrImageProcessor,
        RTDetrResNetConfig,
    )

    backbone = RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 8, 16, 16],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    made = RTDetrConfig(
        backbone_config=backbone,
        encoder_hidden_dim=16,
        encoder_in_channels=[8, 16, 16],
        encoder_ffn_dim=16,
        encoder_attention_heads=2,
        feat_strides=[8, 16, 32],
        d_model=16,
        num_queries=9,
        decoder_in_channels=[16, 16, 16],
        decoder_ffn_dim=16,
        decoder_layers=1,
        decoder_attention_heads=2,
        num_denoising=0,
        **config,
    )
    size = {"height": SIDE, "width": SIDE}
    return RTDetrForObjectDetection(made), RTDetrImageProcessor(size=size)


def classifier(**config: Any) -> tuple[Any, Any]:
    """A model of images that finds no objects."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    made = ViTConfig(**_VISION, image_size=SIDE, patch_size=16, intermediate_size=32, **config)
    return ViTForImageClassification(made), ViTImageProcessor(size={"height": SIDE, "width": SIDE})


def headless(**config: Any) -> tuple[Any, Any]:
    """The body of a detector without its head, under a config that promises one."""
    detector, processor = yolos(**config)
    detector.vit.config.architectures = ["YolosForObjectDetection"]
    return detector.vit, processor


def _resnet() -> Any:
    from transformers import ResNetConfig

    return ResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16],
        depths=[1, 1],
        layer_type="basic",
        out_features=["stage2"],
    )
