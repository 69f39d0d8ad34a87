"""The EvaDB function of a version of clusters: features in, the nearest cluster out."""

import numpy as np
import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators.decorators import forward, setup
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

from mlapi.pipelines.image_clusters.model import ClusterModel, load_model

NONE = -1


class NearestCluster(AbstractFunction):
    """One vector in; the number of its cluster and how central it is there out.

    `model_path` is the artifact. A row without a vector is in cluster -1.
    """

    @setup(cacheable=False, function_type="Clustering", batchable=True)
    def setup(self, model_path: str = "") -> None:
        self.model: ClusterModel | None = load_model(str(model_path)) if model_path else None

    @property
    def name(self) -> str:
        return "NearestCluster"

    @forward(
        input_signatures=[
            PandasDataframe(
                columns=["features"], column_types=[NdArrayType.FLOAT32], column_shapes=[(None,)]
            )
        ],
        output_signatures=[
            PandasDataframe(
                columns=["cluster", "centrality"],
                column_types=[NdArrayType.INT64, NdArrayType.FLOAT64],
                column_shapes=[(1,), (1,)],
            )
        ],
    )
    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.model is None:
            raise ValueError("This function was made without MODEL_PATH.")
        vectors = frame.iloc[:, 0].tolist()
        clusters, centrality = np.full(len(vectors), NONE), np.zeros(len(vectors))
        there = [i for i, vector in enumerate(vectors) if isinstance(vector, np.ndarray)]
        if there:
            found = self.model.assign(np.stack([vectors[i] for i in there]))
            clusters[there], centrality[there] = found
        return pd.DataFrame({"cluster": clusters, "centrality": centrality})
