"""The pipeline that finds pictures like those that carry a label."""

from mlapi.pipelines.image_similarity.pipeline import ImageSimilarity

__all__ = ["ImageSimilarity"]
