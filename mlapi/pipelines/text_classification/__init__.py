"""The pipeline for Choices on texts."""

from mlapi.pipelines.text_classification.pipeline import TextClassification

__all__ = ["TextClassification"]
