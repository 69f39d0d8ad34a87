"""The pipeline that groups pictures."""

from mlapi.pipelines.image_clusters.pipeline import ImageClusters

__all__ = ["ImageClusters"]
