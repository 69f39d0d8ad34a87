"""The pipeline for boxes on images, which it learns from the project's own.

How boxes are learned is an engine's (`engines/`). Imports inputs, eva and evaluation; `images` for
what is on an image.
"""

from mlapi.pipelines.object_detection.pipeline import ObjectDetection

__all__ = ["ObjectDetection"]
