"""The pipeline that finds images similar to those with a label.

Imports `images`, and no other pipeline.
"""

from mlapi.pipelines.image_similarity.pipeline import ImageSimilarity

__all__ = ["ImageSimilarity"]
