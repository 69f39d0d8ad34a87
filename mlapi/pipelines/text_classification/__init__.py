"""The pipeline for Choices on texts. Imports `classification`."""

from mlapi.pipelines.text_classification.pipeline import TextClassification

__all__ = ["TextClassification"]
