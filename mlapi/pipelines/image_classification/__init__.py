"""The pipeline for Choices on images. Imports `classification` and `images`."""

from mlapi.pipelines.image_classification.pipeline import ImageClassification

__all__ = ["ImageClassification"]
