"""The EvaDB function that opens a picture by its path, in place of EvaDB's own `Open`."""

import pandas as pd
from evadb.catalog.catalog_type import NdArrayType
from evadb.functions.abstract.abstract_function import AbstractFunction
from evadb.functions.decorators.decorators import forward, setup
from evadb.functions.decorators.io_descriptors.data_types import PandasDataframe

from mlapi.seeing.opening import open_rgb


class OpenPicture(AbstractFunction):
    """A path in, an RGB picture (h, w, 3) of uint8 out; nothing for a file that is none.

    Instead of the built-in `Open`, not on top of it: that one gives BGR where LOAD IMAGE
    gives RGB, ends the whole statement at the first file it cannot read, and keeps every
    picture that it has opened.
    """

    @setup(cacheable=False, function_type="OpenPicture", batchable=True)
    def setup(self) -> None:
        pass

    @property
    def name(self) -> str:
        return "OpenPicture"

    @forward(
        input_signatures=[
            PandasDataframe(columns=["path"], column_types=[NdArrayType.STR], column_shapes=[(1,)])
        ],
        output_signatures=[
            PandasDataframe(
                columns=["picture"],
                column_types=[NdArrayType.UINT8],
                column_shapes=[(None, None, 3)],
            )
        ],
    )
    def forward(self, frame: pd.DataFrame) -> pd.DataFrame:
        pictures = [open_rgb(path) for path in frame.iloc[:, 0]]
        return pd.DataFrame({"picture": pd.Series(pictures, dtype=object)})
