"""The pipeline that clusters images. Imports `images`, and no other pipeline."""

from mlapi.pipelines.image_clusters.pipeline import ImageClusters

__all__ = ["ImageClusters"]
