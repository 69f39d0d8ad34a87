"""The pipeline for Choices on pictures."""

from mlapi.pipelines.image_classification.pipeline import ImageClassification

__all__ = ["ImageClassification"]
