"""The pipeline that groups images. Imports `images`, and no other pipeline."""

from mlapi.pipelines.image_clusters.pipeline import ImageClusters

__all__ = ["ImageClusters"]
