"""The options of image clusters."""

from typing import Any

from mlapi.pipelines.images.options import SHARED
from mlapi.pipelines.options import Option, is_name, whole

MOST_CLUSTERS = 200


def _is_cluster(value: Any) -> bool:
    return value is None or value is True or is_name(value)


OPTIONS = {
    **SHARED,
    "cluster": Option(
        None,
        _is_cluster,
        "name of a control on Image, nor true for one",
        of_control=True,
        title="Fill with clusters",
        help="The control is filled with groups of similar images.",
        kind="control",
    ),
    "clusters": whole(
        None,
        2,
        MOST_CLUSTERS,
        of_control=True,
        title="Clusters",
        help="Their number; empty: chosen by the silhouette.",
    ),
}
