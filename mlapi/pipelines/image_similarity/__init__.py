"""The pipeline that finds images like those that carry a label.

Imports `images`, and no other pipeline.
"""

from mlapi.pipelines.image_similarity.pipeline import ImageSimilarity

__all__ = ["ImageSimilarity"]
